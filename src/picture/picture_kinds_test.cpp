#include <gtest/gtest.h>
#include <vips/vips.h>

#include <cmath>

#include "base/atomic_output.hpp"
#include "base/file.hpp"
#include "network/builtin.hpp"
#include "picture/colour.hpp"
#include "picture/exiv2_metadata.hpp"
#include "picture/upscale_picture.hpp"
#include "picture/vips_support.hpp"
#include "support/exif_block.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

// Pictures that are not plain gray or RGB of 8 or 16 bits, made by libvips alone.

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

/// A smooth picture of three planes, away from the ends of the range.
Picture smooth_picture(int64_t height, int64_t width) {
  Picture picture;
  picture.planes = Tensor<float>({1, 3, height, width});
  for (int64_t k = 0; k < 3; ++k)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        picture.planes(0, k, y, x) = static_cast<float>(0.5 + 0.2 * std::sin(0.1 * static_cast<double>(x + k * y)));
      }
  return picture;
}

VipsImage* load(const std::filesystem::path& path, const char* options = "") {
  VipsImage* image = vips_image_new_from_file((path.string() + options).c_str(), nullptr);
  EXPECT_NE(image, nullptr) << vips_error_buffer();
  return image;
}

void save(VipsImage* image, const std::filesystem::path& path) {
  EXPECT_EQ(vips_image_write_to_file(image, path.c_str(), nullptr), 0) << vips_error_buffer();
}

double mean_difference(const Tensor<float>& a, const Tensor<float>& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double sum = 0;
  for (int64_t i = 0; i < a.count(); ++i) sum += std::abs(a.data()[i] - b.data()[i]);
  return sum / static_cast<double>(a.count());
}

TEST(PictureKinds, CmykBecomesTheSameColours) {
  const TemporaryFolder folder;
  const Picture picture = smooth_picture(24, 40);
  write_picture(picture, folder / "rgb.png");
  VipsImage *rgb = load(folder / "rgb.png"), *cmyk = nullptr;
  ASSERT_EQ(vips_icc_transform(rgb, &cmyk, "cmyk", "input_profile", "srgb", "embedded", FALSE, "intent",
                               VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE, nullptr),
            0)
      << vips_error_buffer();
  save(cmyk, folder / "with.tif");
  save(cmyk, folder / "with.jpg");
  vips_image_remove(cmyk, VIPS_META_ICC_NAME);
  save(cmyk, folder / "without.tif");
  for (const char* name : {"with.tif", "with.jpg", "without.tif"}) {
    SCOPED_TRACE(name);
    const Picture again = read_picture(folder / name);
    EXPECT_EQ(again.header.colour_planes, 3);
    EXPECT_FALSE(again.header.has_alpha);
    EXPECT_LE(mean_difference(again.planes, picture.planes), 0.02);
    EXPECT_EQ(PictureReader(folder / name).warnings().size(), std::string(name) == "without.tif" ? 1U : 0U);
    EXPECT_NE(vips_image_get_typeof(again.header.metadata.get(), VIPS_META_ICC_NAME), 0U) << "sRGB's";
  }
  g_object_unref(cmyk);
  g_object_unref(rgb);
}

TEST(PictureKinds, PalettesAreExpanded) {
  const TemporaryFolder folder;
  write_picture(smooth_picture(24, 40), folder / "rgb.png");
  VipsImage* rgb = load(folder / "rgb.png");
  ASSERT_EQ(vips_pngsave(rgb, (folder / "palette.png").c_str(), "palette", TRUE, nullptr), 0) << vips_error_buffer();
  g_object_unref(rgb);
  const Picture again = read_picture(folder / "palette.png");
  EXPECT_EQ(again.header.colour_planes, 3);
  EXPECT_LE(mean_difference(again.planes, smooth_picture(24, 40).planes), 0.05);
}

TEST(PictureKinds, FloatsStayFloats) {
  const TemporaryFolder folder;
  Picture picture;
  picture.header.bits = 32;
  picture.header.linear = true;
  picture.planes = test::random_tensor({1, 3, 12, 17}, 1, -0.5F, 3);
  write_picture(picture, folder / "a.tif");
  VipsImage* image = load(folder / "a.tif");
  EXPECT_EQ(image->BandFmt, VIPS_FORMAT_FLOAT);
  double* sample = nullptr;
  int count = 0;
  ASSERT_EQ(vips_getpoint(image, &sample, &count, 4, 3, nullptr), 0);
  // In the file samples are proportional to light.
  EXPECT_NEAR(sample[1], linear_from_srgb(picture.planes(0, 1, 3, 4)), 1e-5);
  g_free(sample);
  g_object_unref(image);
  const Picture again = read_picture(folder / "a.tif");
  EXPECT_TRUE(again.header.linear);
  EXPECT_EQ(again.header.bits, 32);
  EXPECT_LE(test::max_difference(again.planes, picture.planes), 1e-5);
}

// What is darker than black or brighter than white is beyond the network's range, but not lost.
// Rows of PFM begin at the bottom, and nothing but the size stands between its first line and the scale.
TEST(PictureKinds, PfmStandsUpright) {
  const TemporaryFolder folder;
  const float rows[4] = {0.25F, 0.5F, 0.75F, 1.0F};  // two of two pixels
  std::string file = "Pf\n2 2\n-1.0\n";
  file.append(reinterpret_cast<const char*>(rows), sizeof(rows));
  write_file(folder / "a.pfm", as_bytes(file));
  const Picture picture = read_picture(folder / "a.pfm");
  ASSERT_EQ(picture.planes.shape(), (Shape{1, 1, 2, 2}));
  EXPECT_EQ(picture.planes(0, 0, 0, 0), 0.75F);
  EXPECT_EQ(picture.planes(0, 0, 1, 1), 0.5F);
  write_picture(picture, folder / "b.pfm");
  const std::vector<std::byte> written = read_file(folder / "b.pfm", 1000);
  const std::string text(reinterpret_cast<const char*>(written.data()), written.size());
  ASSERT_EQ(text.substr(0, 7), "Pf\n2 2\n");
  EXPECT_EQ(text.substr(text.size() - sizeof(rows)), file.substr(file.size() - sizeof(rows)));
}

// Beside its layers.
TEST(PictureKinds, OfAPsdThePictureIsRead) {
  const TemporaryFolder folder;
  VipsImage* image = nullptr;
  ASSERT_EQ(vips_black(&image, 4, 3, "bands", 3, nullptr), 0);
  void* bytes = nullptr;
  size_t size = 0;
  ASSERT_TRUE(has_operation("magicksave_buffer"));
  ASSERT_EQ(vips_magicksave_buffer(image, &bytes, &size, "format", "psd", nullptr), 0) << vips_error_buffer();
  g_object_unref(image);
  write_file(folder / "a.psd", {static_cast<const std::byte*>(bytes), size});
  g_free(bytes);
  // ImageMagick writes what is black as gray.
  EXPECT_EQ(read_picture(folder / "a.psd").planes.shape(), (Shape{1, 1, 3, 4}));
}

TEST(PictureKinds, FloatsMayLeaveTheRange) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const int colour_planes : {1, 3}) {
    Picture picture;
    picture.header.bits = 32;
    picture.header.colour_planes = colour_planes;
    picture.planes = Tensor<float>({1, colour_planes, 20, 30});
    for (int64_t i = 0; i < picture.planes.count(); ++i) picture.planes.data()[i] = i % 30 < 15 ? 6.0F : -0.25F;
    write_picture(picture, folder / "in.tif");
    upscale_picture(engine, folder / "in.tif", folder / "out.tif");
    const Picture out = read_picture(folder / "out.tif");
    ASSERT_EQ(out.planes.shape(), (Shape{1, colour_planes, 40, 60}));
    const Picture in = read_picture(folder / "in.tif");
    EXPECT_NEAR(out.planes(0, 0, 20, 8), in.planes(0, 0, 10, 4), 0.02);
    EXPECT_NEAR(out.planes(0, 0, 20, 52), in.planes(0, 0, 10, 26), 0.02);
    EXPECT_EQ(upscale_picture(engine, folder / "in.tif", folder / "out.png").warnings.size(), 2U)
        << "16 bits from 0 to 1 left";
    EXPECT_EQ(read_picture(folder / "out.png").header.bits, 16);
  }
  // Only colours do: transparency would not.
  Picture soft;
  soft.header.bits = 32;
  soft.header.has_alpha = true;
  soft.planes = Tensor<float>({1, 4, 20, 30});
  for (int64_t i = 0; i < 20 * 30; ++i) soft.planes.plane(0, 3)[i] = i % 30 < 15 ? 1.0F : 0.0F;
  write_picture(soft, folder / "soft.tif");
  upscale_picture(engine, folder / "soft.tif", folder / "out.tif");
  const Tensor<float> out = read_picture(folder / "out.tif").planes;
  const auto [least, most] = std::minmax_element(out.plane(0, 3), out.plane(0, 3) + 40 * 60);
  EXPECT_GE(*least, 0);
  EXPECT_LE(*most, 1);
  Picture nan;
  nan.header.bits = 32;
  nan.planes = Tensor<float>({1, 3, 1, 1}, {0, NAN, 0});
  write_picture(nan, folder / "nan.tif");
  EXPECT_EQ(error_of([&] { upscale_picture(engine, folder / "nan.tif", folder / "out.tif"); }),
            "3: '" + (folder / "nan.tif").string() + "' has samples that are infinite or NaN");
}

TEST(PictureKinds, NewerFormatsKeepDepthAlphaAndDescription) {
  const TemporaryFolder folder;
  Picture picture = smooth_picture(40, 64);
  write_picture(picture, folder / "plain.jpg");
  VipsImage *jpeg = load(folder / "plain.jpg"), *turned = nullptr;
  ASSERT_EQ(vips_copy(jpeg, &turned, nullptr), 0);
  vips_image_set_int(turned, VIPS_META_ORIENTATION, 6);
  const std::string xmp = test::xmp_packet("tiff:ImageWidth='64'>");
  vips_image_set_blob_copy(turned, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  vips_image_set_string(turned, "exif-ifd0-Artist", "A. Person (A. Person, ASCII, 10 components, 10 bytes)");
  save(turned, folder / "turned.jpg");
  g_object_unref(turned);
  g_object_unref(jpeg);
  Engine engine(builtin_network("fsrcnn-x2").value());
  picture.header.bits = 16;
  for (const char* name : {"a.avif", "a.heic", "a.jxl"}) {
    SCOPED_TRACE(name);
    write_picture(picture, folder / name);
    const Picture again = read_picture(folder / name);
    EXPECT_EQ(again.header.bits, 16);
    EXPECT_LE(mean_difference(again.planes, picture.planes), 0.01);
    const UpscaledPicture result = upscale_picture(engine, folder / "turned.jpg", folder / name);
    PictureReader upright(folder / name);
    EXPECT_EQ(upright.header().width, 80);
    EXPECT_EQ(upright.header().height, 128);
    EXPECT_TRUE(result.warnings.empty());
    std::vector<std::string> warnings;
    const EmbeddedMetadata metadata = upright.metadata({80, 128, MetadataForm::boxes}, warnings);
    EXPECT_NE(metadata.exif.find("A. Person"), std::string::npos);
    EXPECT_EQ(orientation_of(metadata.exif), 1);
    EXPECT_EQ(metadata.xmp, test::xmp_packet("tiff:ImageWidth='80'>"));
    // Upscaled again, it is not turned again.
    upscale_picture(engine, folder / name, folder / "again.png");
    EXPECT_EQ(PictureReader(folder / "again.png").header().width, 160);
  }
  Picture transparent;
  transparent.header.has_alpha = true;
  transparent.planes = Tensor<float>({1, 4, 16, 16});
  std::fill(transparent.planes.values().begin(), transparent.planes.values().end(), 0.5F);
  for (const char* name : {"b.avif", "b.heic", "b.jxl", "b.webp"}) {
    SCOPED_TRACE(name);
    write_picture(transparent, folder / name);
    const Picture again = read_picture(folder / name);
    EXPECT_TRUE(again.header.has_alpha);
    EXPECT_LE(mean_difference(again.planes, transparent.planes), 0.01);
  }
}

TEST(PictureKinds, QualityChooses) {
  const TemporaryFolder folder;
  write_picture({.header = {}, .planes = test::random_tensor({1, 3, 64, 64}, 2)}, folder / "in.png");
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* name : {"a.jpg", "a.webp", "a.avif", "a.heic", "a.jxl"}) {
    SCOPED_TRACE(name);
    const auto size = [&](std::optional<int> quality) {
      PictureOptions options;
      options.encoding.quality = quality;
      EXPECT_TRUE(upscale_picture(engine, folder / "in.png", folder / name, options).warnings.empty());
      return std::filesystem::file_size(folder / name);
    };
    EXPECT_LT(size(1), size(20));
    EXPECT_LT(size(20), size(60));
    EXPECT_LT(size(60), size(std::nullopt));
    const std::string suffix = std::filesystem::path(name).extension();
    if (suffix != ".webp" && suffix != ".jxl") continue;
    size(100);
    upscale_picture(engine, folder / "in.png", folder / "lossless.png");
    EXPECT_EQ(read_picture(folder / name).planes, read_picture(folder / "lossless.png").planes);
  }
  EXPECT_EQ(upscale_picture(engine, folder / "in.png", folder / "a.png", {.target = {}, .encoding = {.quality = 50}})
                .warnings,
            std::vector<std::string>{".png has no quality setting; --quality is ignored"});
}

/// Three frames of one colour each, with their delays.
void write_animation(const std::filesystem::path& path) {
  VipsImage* frames[3];
  for (int i = 0; i < 3; ++i) {
    VipsImage *black = nullptr, *coloured = nullptr;
    ASSERT_EQ(vips_black(&black, 20, 16, "bands", 3, nullptr), 0);
    double factor[3] = {1, 1, 1}, offset[3] = {0, 0, 0};
    offset[i] = 200;
    ASSERT_EQ(vips_linear(black, &coloured, factor, offset, 3, "uchar", TRUE, nullptr), 0);
    ASSERT_EQ(vips_copy(coloured, &frames[i], "interpretation", VIPS_INTERPRETATION_sRGB, nullptr), 0);
    g_object_unref(coloured);
    g_object_unref(black);
  }
  VipsImage* all = nullptr;
  ASSERT_EQ(vips_arrayjoin(frames, &all, 3, "across", 1, nullptr), 0);
  for (VipsImage* frame : frames) g_object_unref(frame);
  VipsImage* described = nullptr;
  ASSERT_EQ(vips_copy(all, &described, nullptr), 0);
  const int delays[3] = {100, 250, 70};
  vips_image_set_array_int(described, "delay", delays, 3);
  vips_image_set_int(described, "loop", 4);
  vips_image_set_int(described, VIPS_META_PAGE_HEIGHT, 16);
  save(described, path);
  g_object_unref(described);
  g_object_unref(all);
}

TEST(PictureKinds, AnimationsKeepFramesDelaysAndLoops) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* from : {"in.gif", "in.webp"}) {
    write_animation(folder / from);
    for (const char* to : {"out.gif", "out.webp"}) {
      SCOPED_TRACE(fmt::format("{} to {}", from, to));
      const UpscaledPicture result = upscale_picture(engine, folder / from, folder / to);
      EXPECT_EQ(result.input.frames, 3);
      VipsImage* image = load(folder / to, "[n=-1]");
      EXPECT_EQ(image->Xsize, 40);
      EXPECT_EQ(image->Ysize, 96);
      int *delays = nullptr, count = 0, loop = 0;
      ASSERT_EQ(vips_image_get_array_int(image, "delay", &delays, &count), 0);
      EXPECT_EQ(std::vector<int>(delays, delays + count), (std::vector<int>{100, 250, 70}));
      ASSERT_EQ(vips_image_get_int(image, "loop", &loop), 0);
      EXPECT_EQ(loop, 4);
      // No frame shines into the next.
      for (int frame = 0; frame < 3; ++frame) {
        for (const int y : {0, 31}) {
          double* sample = nullptr;
          ASSERT_EQ(vips_getpoint(image, &sample, &count, 20, 32 * frame + y, nullptr), 0);
          for (int k = 0; k < 3; ++k) EXPECT_NEAR(sample[k], k == frame ? 200 : 0, 4) << frame << " " << y << " " << k;
          g_free(sample);
        }
      }
      g_object_unref(image);
    }
  }
  EXPECT_EQ(error_of([&] { upscale_picture(engine, folder / "in.gif", folder / "out.png"); }),
            "3: the picture has 3 frames or pages, which '" + (folder / "out.png").string() +
                "' cannot store; use .gif, .webp or .tif");
  upscale_picture(engine, folder / "in.gif", folder / "pages.tif");
  EXPECT_EQ(PictureReader(folder / "pages.tif").header().frames, 3);
}

// The EXIF orientation of a file of several pages, as scanners make them, is of each page.
TEST(PictureKinds, PagesAreTurned) {
  const TemporaryFolder folder;
  write_animation(folder / "in.gif");
  VipsImage *frames = load(folder / "in.gif", "[n=-1]"), *turned = nullptr;
  ASSERT_EQ(vips_copy(frames, &turned, nullptr), 0);
  vips_image_set_int(turned, VIPS_META_ORIENTATION, 6);
  save(turned, folder / "in.tif");
  g_object_unref(turned);
  g_object_unref(frames);
  PictureReader reader(folder / "in.tif");
  ASSERT_EQ(reader.header().width, 16);
  ASSERT_EQ(reader.header().height, 20);
  ASSERT_EQ(reader.header().frames, 3);
  for (int frame = 0; frame < 3; ++frame) {
    Tensor<float> rows({1, reader.header().planes(), 20, 16});
    reader.read(rows);
    for (const int y : {0, 19}) EXPECT_EQ(rows(0, frame, y, 7), 200 / 255.0F) << frame << " " << y;
  }
  Engine engine(builtin_network("fsrcnn-x2").value());
  upscale_picture(engine, folder / "in.tif", folder / "out.tif");
  const PictureReader upright(folder / "out.tif");
  EXPECT_EQ(upright.header().width, 32);
  EXPECT_EQ(upright.header().height, 40);
}

TEST(PictureKinds, ResolutionsOfJpeg2000AreOnePicture) {
  const TemporaryFolder folder;
  const Picture picture = smooth_picture(300, 400);
  write_picture(picture, folder / "in.png");
  VipsImage* image = load(folder / "in.png");
  save(image, folder / "in.jp2");
  g_object_unref(image);
  VipsImage* again = load(folder / "in.jp2");
  ASSERT_GT(vips_image_get_n_pages(again), 1);
  g_object_unref(again);
  const Picture read = read_picture(folder / "in.jp2");
  EXPECT_EQ(read.header.width, 400);
  EXPECT_LE(mean_difference(read.planes, picture.planes), 0.02);
}

TEST(PictureKinds, LargePicturesAreRefusedByTheirHeader) {
  const TemporaryFolder folder;
  write_animation(folder / "in.gif");
  const std::string name = (folder / "in.gif").string();
  EXPECT_EQ(error_of([&] { PictureReader(name, 3 * 20 * 16); }), "no error");
  EXPECT_EQ(
      error_of([&] { PictureReader(name, 3 * 20 * 16 - 1); }),
      "6: '" + name + "' has 20x16 pixels in each of 3 frames, more than the limit of 959; raise it with --max-pixels");
}

}  // namespace
}  // namespace fsrcnn
