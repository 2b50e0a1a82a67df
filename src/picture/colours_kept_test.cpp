#include <gtest/gtest.h>
#include <vips/vips.h>

#include <string>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/deflate.hpp"
#include "picture/png_chunks.hpp"
#include "picture/upscale_picture.hpp"
#include "picture/vips_support.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

// Colours by H.273's numbers, bits and losslessness on their way through files of all formats.

namespace fsrcnn {
namespace {

using test::TemporaryFolder;
using Texts = std::vector<std::string>;

constexpr Cicp kPq{9, 16, 9};

Picture hdr_picture(Cicp colours = kPq, int used_bits = 10) {
  Picture picture;
  picture.header.bits = 16;
  picture.header.used_bits = used_bits;
  picture.header.colours = colours;
  picture.planes = Tensor<float>({1, 3, 64, 64});
  std::fill(picture.planes.values().begin(), picture.planes.values().end(), 700.0F / 1023);
  return picture;
}

TEST(ColoursKept, ByNumbers) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-s-x2").value());
  for (const Cicp colours : {kPq, Cicp{12, 13, 6}}) {
    write_picture(hdr_picture(colours), folder / "in.png");
    for (const char* name : {"a.png", "a.avif", "a.heic"}) {
      SCOPED_TRACE(name);
      const Texts warnings = upscale_picture(engine, folder / "in.png", folder / name).warnings;
      EXPECT_EQ(warnings.size(), std::string(name) == "a.png" ? 0U : 1U) << "of 12 bits";
      const std::optional<Cicp> again = PictureReader(folder / name).header().colours;
      ASSERT_TRUE(again);
      EXPECT_EQ(again->primaries, colours.primaries);
      EXPECT_EQ(again->transfer, colours.transfer);
      EXPECT_NEAR(read_picture(folder / name).planes(0, 1, 32, 32), 700.0 / 1023, 0.002);
    }
  }
  EXPECT_EQ(PictureReader(folder / "a.avif").header().colours->matrix, 6);
}

TEST(ColoursKept, OrTold) {
  const PictureHeader header = hdr_picture(kPq, 8).header;
  for (const char* suffix : {".jpg", ".webp", ".tif", ".gif"}) {
    const Texts lost = what_is_lost(header, "a" + std::string(suffix));
    ASSERT_EQ(lost.size(), 1U) << suffix;
    EXPECT_EQ(lost.front(), std::string(suffix) +
                                " cannot say the picture's colours, BT.2020 primaries and PQ transfer: they will look "
                                "different; use .png or .avif");
  }
  for (const char* suffix : {".png", ".avif", ".heic", ".jxl"}) {
    EXPECT_EQ(what_is_lost(header, "a" + std::string(suffix)), Texts()) << suffix;
  }
  EXPECT_EQ(what_is_lost(hdr_picture({22, 13, 6}, 8).header, "a.jxl").size(), 1U) << "EBU 3213";
}

TEST(ColoursKept, TenBitsAndHalvedChromaStay) {
  const TemporaryFolder folder;
  for (const char* name : {"a.avif", "a.heic"}) {
    for (const bool halves : {false, true}) {
      SCOPED_TRACE(name);
      Picture picture = hdr_picture();
      picture.header.halves_chroma = halves;
      write_picture(picture, folder / name);
      const PictureHeader again = PictureReader(folder / name).header();
      EXPECT_EQ(again.precision(), 10);
      EXPECT_EQ(again.halves_chroma, halves);
      EXPECT_NEAR(read_picture(folder / name).planes(0, 1, 32, 32), 700.0 / 1023, 0.5 / 1023);
    }
  }
}

TEST(ColoursKept, LosslessStaysLossless) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-s-x2").value());
  Picture picture{.header = {}, .planes = test::random_tensor({1, 3, 16, 16}, 2)};
  write_picture(picture, folder / "in.png");
  upscale_picture(engine, folder / "in.png", folder / "right.png");
  for (const std::string suffix : {".webp", ".jxl"}) {
    SCOPED_TRACE(suffix);
    picture.header.lossless = true;
    write_picture(picture, folder / ("in" + suffix));
    EXPECT_TRUE(PictureReader(folder / ("in" + suffix)).header().lossless);
    upscale_picture(engine, folder / ("in" + suffix), folder / ("out" + suffix));
    EXPECT_EQ(read_picture(folder / ("out" + suffix)).planes, read_picture(folder / "right.png").planes);
    PictureOptions lossy;
    lossy.encoding.quality = 90;
    upscale_picture(engine, folder / ("in" + suffix), folder / ("lossy" + suffix), lossy);
    EXPECT_FALSE(PictureReader(folder / ("lossy" + suffix)).header().lossless);
  }
}

// It leaves out profiles of odd sizes or rendering intents, among them ones that people have.
TEST(ColoursKept, ProfilesThatLibpngRejects) {
  const TemporaryFolder folder;
  write_picture(hdr_picture(), folder / "plain.png");
  VipsBlob* blob = nullptr;
  ASSERT_EQ(vips_profile_load("srgb", &blob, nullptr), 0);
  size_t size = 0;
  const void* const bytes = vips_blob_get(blob, &size);
  std::string profile(static_cast<const char*>(bytes), size);
  vips_area_unref(VIPS_AREA(blob));
  constexpr size_t kIntent = 64;
  profile[kIntent + 1] = '\1';  // beyond 16 bits
  const std::vector<std::byte> deflated = zlib_stream(as_bytes(profile), {});
  std::string content("icc\0\0", 5);
  content.append(reinterpret_cast<const char*>(deflated.data()), deflated.size());
  const std::vector<std::byte> file = read_file(folder / "plain.png", 1 << 20);
  std::string png(reinterpret_cast<const char*>(file.data()), file.size());
  png.insert(33, png_chunk("iCCP", as_bytes(content)));  // behind the signature and IHDR
  write_file(folder / "a.png", as_bytes(png));
  const PictureReader reader(folder / "a.png");
  EXPECT_EQ(reader.warnings(), Texts());
  EXPECT_TRUE(has(reader.header().metadata.get(), VIPS_META_ICC_NAME));
}

// Pixels that are not square are so in the output, or it is told.
TEST(ShapeOfPixels, IsKeptOrTold) {
  using Aspect = std::pair<uint32_t, uint32_t>;
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  Picture picture;
  picture.planes = test::random_tensor({1, 3, 8, 8}, 1);
  picture.header.pixel_aspect = {4, 3};
  for (const char* name : {"a.png", "a.avif"}) {
    write_picture(picture, folder / name);
    const auto upscaled = [&](const char* to, const TargetSize& target = {}) {
      return upscale_picture(engine, folder / name, folder / to, {.target = target}).warnings;
    };
    EXPECT_EQ(upscaled("b.png"), Texts());
    EXPECT_EQ(PictureReader(folder / "b.png").header().pixel_aspect, (Aspect{4, 3}));
    EXPECT_EQ(upscaled("b.avif"), Texts());
    EXPECT_EQ(PictureReader(folder / "b.avif").header().pixel_aspect, (Aspect{4, 3}));
    EXPECT_EQ(upscaled("b.jpg"), Texts{".jpg cannot say that the picture's pixels are not square, 4:3: it will look "
                                       "narrower; use .png or .avif"});
    EXPECT_EQ(upscaled("b.png", {.width = 32, .height = 12}).size(), 1U);
    EXPECT_EQ(PictureReader(folder / "b.png").header().pixel_aspect, (Aspect{1, 2}));
  }
}

}  // namespace
}  // namespace fsrcnn
