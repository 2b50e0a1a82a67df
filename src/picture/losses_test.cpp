#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>
#include <cmath>
#include <utility>

#include "network/builtin.hpp"
#include "picture/jpeg_segments.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/upscale_picture.hpp"
#include "picture/write_metadata.hpp"
#include "support/exif_block.hpp"
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

EmbeddedMetadata metadata_of(const std::filesystem::path& path, const std::filesystem::path& to) {
  PictureReader reader(path);
  std::vector<std::string> warnings;
  const EmbeddedMetadata metadata =
      reader.metadata({reader.header().width, reader.header().height, metadata_form(to)}, warnings);
  EXPECT_EQ(warnings, Sentences());
  return metadata;
}

TEST(Losses, OfMetadata) {
  Picture picture = described_picture();
  EmbeddedMetadata& embedded = picture.header.embedded;
  embedded.exif = test::exif_block();
  embedded.xmp = test::xmp_packet();
  embedded.photoshop = "8BIM";
  embedded.comments = {"comment"};
  embedded.jpeg_segments = {
      "\xEC"
      "x"};
  embedded.png_chunks = {std::string("tEXtTitle\0x", 11)};
  const std::string all =
      " cannot store the picture's EXIF, XMP, IPTC, comments, blocks of the camera's maker beside "
      "EXIF, text fields Title; .tif keeps the most";
  const auto expect_losses = [&](const std::string& suffix, const std::string& sentence) {
    EXPECT_EQ(what_is_lost(picture.header, "a" + suffix), Sentences{suffix + sentence});
  };
  expect_losses(".gif", all);
  expect_losses(".jpg", " cannot store the picture's text fields Title; .tif keeps the most");
  expect_losses(".png",
                " cannot store the picture's comments, blocks of the camera's maker beside EXIF; .tif keeps the most");
  expect_losses(".tif",
                " cannot store the picture's comments, blocks of the camera's maker beside EXIF, text fields Title");
  for (const char* suffix : {".webp", ".avif", ".jxl"}) {
    expect_losses(suffix,
                  " cannot store the picture's IPTC, comments, blocks of the camera's maker beside EXIF, text "
                  "fields Title; .tif keeps the most");
  }
  embedded = {};
  embedded.exif = std::string(kMostExifInJpeg + 1, 'x');
  embedded.xmp = std::string(kMostXmpInJpeg + 1, 'x');
  expect_losses(".jpg", " cannot store the picture's EXIF, XMP; .tif keeps the most");
  EXPECT_EQ(what_is_lost(picture.header, "a.png"), Sentences());
}

TEST(Losses, Iptc) {
  const TemporaryFolder folder;
  const std::string resource(
      "8BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x50\0\x06"
      "Author\0",
      24);
  Picture picture = described_picture();
  picture.header.embedded.photoshop = resource;
  // From JPEG to TIFF, to PNG and back.
  write_picture(picture, folder / "a.jpg");
  picture.header.embedded = metadata_of(folder / "a.jpg", "a.tif");
  EXPECT_EQ(picture.header.embedded.photoshop, resource);
  write_picture(picture, folder / "a.tif");
  picture.header.embedded = metadata_of(folder / "a.tif", "a.png");
  EXPECT_EQ(picture.header.embedded.photoshop, resource);
  write_picture(picture, folder / "a.png");
  EXPECT_EQ(metadata_of(folder / "a.png", "a.jpg").photoshop, resource);
}

// libvips before 8.15 knows only what begins with its root.
TEST(Losses, XmpOfAvifAndHeic) {
  const TemporaryFolder folder;
  Picture picture = described_picture();
  picture.header.embedded.xmp = "<?xpacket begin='' id='1'?>" + test::xmp_packet() + "<?xpacket end='w'?>";
  for (const char* name : {"a.avif", "a.heic"}) {
    write_picture(picture, folder / name);
    EXPECT_EQ(metadata_of(folder / name, "a.png").xmp, picture.header.embedded.xmp) << name;
  }
}

// Told only if there are such samples: an animated WebP has alpha, but mostly it is opaque.
TEST(Losses, OfSamplesAreTold) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  const auto lost = [&](const char* from, const char* to) {
    return upscale_picture(engine, folder / from, folder / to).warnings;
  };
  Picture picture;
  picture.header.has_alpha = true;
  picture.planes = Tensor<float>({1, 4, 8, 8});
  std::fill_n(picture.planes.plane(0, 3), 64, 1.0F);
  picture.planes.plane(0, 3)[20] = 0;
  write_picture(picture, folder / "hard.png");
  EXPECT_EQ(lost("hard.png", "a.gif"), Sentences{});
  picture.planes.plane(0, 3)[20] = 0.5F;
  write_picture(picture, folder / "soft.png");
  EXPECT_EQ(lost("soft.png", "a.gif"),
            Sentences{".gif has no partial transparency; such pixels became opaque or fully transparent"});
  EXPECT_EQ(lost("soft.png", "a.webp"), Sentences{});

  Picture floats;
  floats.header.bits = 32;
  floats.header.colour_planes = 1;
  floats.planes = Tensor<float>({1, 1, 8, 8});
  for (const float most : {1.0F, 3.5F}) {
    floats.planes.plane(0, 0)[9] = most;
    write_picture(floats, folder / "a.tif");
    EXPECT_EQ(lost("a.tif", "b.tif"), Sentences{});
    Sentences expected = {".png stores 16 bits per sample; the picture has floats"};
    if (most > 1) {
      expected.emplace_back(
          ".png stores values from 0 to 1; those of the picture go from 0 to 3.5 and were clipped; use .tif or .pfm");
    }
    EXPECT_EQ(lost("a.tif", "a.png"), expected);
  }
}

TEST(Losses, AlphaAndDelays) {
  const TemporaryFolder folder;
  Picture picture = described_picture();
  picture.header.has_alpha = true;
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.gif"), Sentences{});
  const std::array<int, 2> delays = {100, 200};
  vips_image_set_array_int(picture.header.metadata.get(), "delay", delays.data(), 2);
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.tif"), Sentences{});
  picture.header.frames = 2;
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.gif"), Sentences{});
  EXPECT_EQ(what_is_lost(picture.header, folder / "a.tif"), Sentences{".tif cannot store the picture's frame delays"});
}

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
      write_picture(header, folder / name, [&] { return std::exchange(done, true) ? Tensor<float>() : picture.planes; },
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
