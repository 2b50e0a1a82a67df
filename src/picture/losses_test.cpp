#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>
#include <cmath>
#include <utility>

#include "picture/metadata.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

// What a format cannot hold is told, and what it can is kept.

namespace fsrcnn {
namespace {

using test::TemporaryFolder;
using Sentences = std::vector<std::string>;

Picture described_picture() {
  Picture picture;
  picture.planes = test::random_tensor({1, 3, 12, 17}, 1);
  picture.header.metadata.reset(vips_image_new(), [](VipsImage* image) { g_object_unref(image); });
  return picture;
}

void set_blob(const Picture& picture, const char* name, const std::string& bytes) {
  vips_image_set_blob_copy(picture.header.metadata.get(), name, bytes.data(), bytes.size());
}

std::string blob_of(const std::filesystem::path& path, const char* name) {
  const PictureReader reader(path);
  const void* data = nullptr;
  size_t size = 0;
  VipsImage* const metadata = reader.header().metadata.get();
  if (vips_image_get_typeof(metadata, name) == 0) return "none";
  if (vips_image_get_blob(metadata, name, &data, &size) != 0) return "no blob";
  return {static_cast<const char*>(data), size};
}

TEST(Losses, LargeXmp) {
  const TemporaryFolder folder;
  const Picture picture = described_picture();
  for (const size_t size : {60000, 60001}) {
    const std::string xmp = "<x:xmpmeta>" + std::string(size - 11, 'x');
    set_blob(picture, VIPS_META_XMP_NAME, xmp);
    for (const char* name : {"a.jpg", "a.png", "a.webp", "a.tif"}) {
      SCOPED_TRACE(name);
      write_picture(picture, folder / name);
      const bool kept = blob_of(folder / name, VIPS_META_XMP_NAME) == xmp;
      EXPECT_EQ(kept, size == 60000 || std::string(name) != "a.jpg");
      EXPECT_EQ(what_is_lost(picture.header, folder / name),
                kept ? Sentences{} : Sentences{".jpg cannot store the picture's XMP; .tif keeps the most"});
    }
  }
}

TEST(Losses, Iptc) {
  const TemporaryFolder folder;
  const std::string start("Photoshop 3.0\0", 14), resource(
                                                      "8BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x50\0\x06"
                                                      "Author\0",
                                                      24);
  Picture picture = described_picture();
  set_blob(picture, VIPS_META_IPTC_NAME, start + resource);
  for (const char* name : {".png", ".webp", ".gif", ".avif", ".jxl"}) {
    const Sentences lost = what_is_lost(picture.header, folder / (std::string("a") + name));
    ASSERT_EQ(lost.size(), 1U) << name;
    EXPECT_EQ(lost[0], name + std::string(" cannot store the picture's IPTC; .tif keeps the most"));
  }
  // From JPEG to TIFF and back.
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.jpg"), Sentences{});
  write_picture(picture, folder / "a.jpg");
  EXPECT_EQ(blob_of(folder / "a.jpg", VIPS_META_IPTC_NAME), start + resource);
  EXPECT_EQ(what_is_lost(PictureReader(folder / "a.jpg").header(), folder / "a.tif"), Sentences{});
  write_picture(read_picture(folder / "a.jpg"), folder / "a.tif");
  EXPECT_EQ(blob_of(folder / "a.tif", VIPS_META_PHOTOSHOP_NAME), resource);
  EXPECT_EQ(what_is_lost(PictureReader(folder / "a.tif").header(), folder / "a.png").size(), 1U);
  write_picture(read_picture(folder / "a.tif"), folder / "b.jpg");
  EXPECT_EQ(blob_of(folder / "b.jpg", VIPS_META_IPTC_NAME), start + resource);
  // Of a TIFF that has it without Photoshop's block.
  vips_image_remove(picture.header.metadata.get(), VIPS_META_IPTC_NAME);
  set_blob(picture, VIPS_META_IPTC_NAME, resource.substr(12, 11));
  write_picture(picture, folder / "c.jpg");
  EXPECT_EQ(blob_of(folder / "c.jpg", VIPS_META_IPTC_NAME), start + resource);
  // libvips would write a quarter of it.
  write_picture(picture, folder / "c.tif");
  EXPECT_EQ(blob_of(folder / "c.tif", VIPS_META_PHOTOSHOP_NAME), resource);
  EXPECT_EQ(blob_of(folder / "c.tif", VIPS_META_IPTC_NAME), "none");
  // And where Photoshop's block has none.
  const std::string other(
      "8BIM\x04\x0c\0\0\0\0\0\x02"
      "ab",
      14);
  set_blob(picture, VIPS_META_PHOTOSHOP_NAME, other);
  write_picture(picture, folder / "d.tif");
  EXPECT_EQ(blob_of(folder / "d.tif", VIPS_META_PHOTOSHOP_NAME), other + resource);
}

// libvips before 8.15 knows only what begins with its root.
TEST(Losses, XmpOfAvifAndHeic) {
  const TemporaryFolder folder;
  const Picture picture = described_picture();
  const std::string xmp = "<?xpacket begin='' id='1'?><x:xmpmeta/><?xpacket end='w'?>";
  set_blob(picture, VIPS_META_XMP_NAME, xmp);
  for (const char* name : {"a.avif", "a.heic"}) {
    write_picture(picture, folder / name);
    EXPECT_EQ(blob_of(folder / name, VIPS_META_XMP_NAME), xmp) << name;
  }
}

TEST(Losses, Texts) {
  const TemporaryFolder folder;
  const Picture picture = described_picture();
  vips_image_set_string(picture.header.metadata.get(), "png-comment-0-Title", "a - b");
  vips_image_set_string(picture.header.metadata.get(), VIPS_META_IMAGEDESCRIPTION, "a scan");
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.jpg"),
            (Sentences{".jpg cannot store the picture's description; .tif keeps the most",
                       ".jpg cannot store the picture's text fields Title; .png keeps them"}));
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.png"),
            (Sentences{".png cannot store the picture's description; .tif keeps the most"}));
  vips_image_set_string(picture.header.metadata.get(), "png-comment-1-Ort", "M\xC3\xBCnchen");
  write_picture(picture, folder / "a.png");
  write_picture(picture, folder / "a.tif");
  const PictureReader png(folder / "a.png"), tiff(folder / "a.tif");
  const char* text = "";
  const std::vector<PngText> texts = png_texts(png.header().metadata.get());
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0].keyword + ": " + texts[0].text, "Title: a - b");
  EXPECT_EQ(texts[1].keyword + ": " + texts[1].text, "Ort: M\xC3\xBCnchen");
  ASSERT_EQ(vips_image_get_string(tiff.header().metadata.get(), VIPS_META_IMAGEDESCRIPTION, &text), 0);
  EXPECT_STREQ(text, "a scan");
}

TEST(Losses, AlphaAndDelays) {
  const TemporaryFolder folder;
  Picture picture = described_picture();
  picture.header.has_alpha = true;
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.gif"),
            Sentences{".gif has no partial transparency; such pixels become opaque or fully transparent"});
  picture.header.hard_alpha = true;
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.gif"), Sentences{});
  const std::array<int, 2> delays = {100, 200};
  vips_image_set_array_int(picture.header.metadata.get(), "delay", delays.data(), 2);
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.tif"), Sentences{});
  picture.header.frames = 2;
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.gif"), Sentences{});
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.tif"), Sentences{".tif cannot store the picture's frame delays"});
}

// libvips gives AVIF and HEIC of 12 bits the upper 12 of 16 bits, and cuts off what is below.
TEST(Losses, TwelveBitsAreRounded) {
  const TemporaryFolder folder;
  for (const char* name : {"a.avif", "a.heic"}) {
    SCOPED_TRACE(name);
    for (const double level : {0.0, 100.7, 2000.3, 4095.0}) {
      Picture picture;
      picture.header.bits = 16;
      picture.planes = Tensor<float>({1, 3, 64, 64});
      std::fill(picture.planes.values().begin(), picture.planes.values().end(), static_cast<float>(level / 4095));
      PictureHeader header = picture.header;
      header.width = header.height = 64;
      bool done = false;
      write_picture(
          header, folder / name, [&] { return std::exchange(done, true) ? Tensor<float>() : picture.planes; },
          {.quality = 100});
      const Picture again = read_picture(folder / name);
      EXPECT_EQ(again.header.bits, 16);
      EXPECT_EQ(again.header.precision(), 12);
      EXPECT_EQ(again.planes(0, 1, 30, 30) * 4095, std::round(level));
      EXPECT_EQ(what_is_lost(picture.header, folder / name),
                Sentences{std::filesystem::path(name).extension().string() +
                          " stores 12 bits per sample; the picture has 16"});
      EXPECT_EQ(what_is_lost(again.header, folder / name), Sentences{});
      EXPECT_EQ(what_is_lost(again.header, folder / "a.jpg"),
                Sentences{".jpg stores 8 bits per sample; the picture has 12"});
    }
  }
}

}  // namespace
}  // namespace fsrcnn
