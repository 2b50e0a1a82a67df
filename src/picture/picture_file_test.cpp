#include <gtest/gtest.h>
#include <libexif/exif-data.h>
#include <vips/vips.h>

#include <array>
#include <fstream>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/picture_format.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/upscale_picture.hpp"
#include "picture/vips_support.hpp"
#include "support/exif_block.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

Picture random_picture(int colour_planes, bool has_alpha, int bits, uint32_t seed = 1) {
  Picture picture;
  picture.planes = test::random_tensor({1, colour_planes + (has_alpha ? 1 : 0), 12, 17}, seed);
  picture.header.colour_planes = colour_planes;
  picture.header.has_alpha = has_alpha;
  picture.header.bits = bits;
  return picture;
}

// In all lossless formats and kinds: back come the samples rounded to the nearest, not truncated.
TEST(PictureFile, RoundTripsEveryKind) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.tif", "a.TIFF"}) {
    for (const int colour_planes : {1, 3}) {
      for (const bool has_alpha : {false, true}) {
        for (const int bits : {8, 16}) {
          SCOPED_TRACE(fmt::format("{} {} planes, alpha {}, {} bits", name, colour_planes, has_alpha, bits));
          const Picture picture = random_picture(colour_planes, has_alpha, bits);
          write_picture(picture, folder / name);
          const Picture again = read_picture(folder / name);
          EXPECT_EQ(again.header.colour_planes, colour_planes);
          EXPECT_EQ(again.header.has_alpha, has_alpha);
          EXPECT_EQ(again.header.bits, bits);
          const double half_level = 0.5 / ((1 << bits) - 1);
          EXPECT_LE(test::max_difference(again.planes, picture.planes), half_level + 1e-7);
          double mean_error = 0;
          for (int64_t i = 0; i < again.planes.count(); ++i)
            mean_error += again.planes.data()[i] - picture.planes.data()[i];
          EXPECT_LE(std::abs(mean_error / static_cast<double>(again.planes.count())), 0.15 * half_level);
        }
      }
    }
  }
}

TEST(PictureFile, ClampsWhatLeavesTheRange) {
  const TemporaryFolder folder;
  Picture picture = random_picture(1, false, 8);
  picture.planes(0, 0, 0, 0) = -0.5F;
  picture.planes(0, 0, 0, 1) = 1.5F;
  write_picture(picture, folder / "a.png");
  const Picture again = read_picture(folder / "a.png");
  EXPECT_EQ(again.planes(0, 0, 0, 0), 0);
  EXPECT_EQ(again.planes(0, 0, 0, 1), 1);
}

TEST(PictureFile, LossyFormatsComeClose) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "a.jpeg", "a.webp"}) {
    for (const int bits : {8, 16}) {
      SCOPED_TRACE(name);
      Picture picture = random_picture(3, false, bits);
      for (float& value : picture.planes.values()) value = 0.4F + 0.2F * value;
      write_picture(picture, folder / name);
      const Picture again = read_picture(folder / name);
      EXPECT_EQ(again.header.bits, 8);
      EXPECT_LE(test::max_difference(again.planes, picture.planes), 0.2);
      double mean_error = 0;
      for (int64_t i = 0; i < again.planes.count(); ++i)
        mean_error += again.planes.data()[i] - picture.planes.data()[i];
      EXPECT_LE(std::abs(mean_error / static_cast<double>(again.planes.count())), 0.5 / 255);
    }
  }
}

/// Writes the picture of the tests with an ICC profile, EXIF (orientation included), XMP and a resolution.
void write_with_metadata(const std::filesystem::path& path, int orientation) {
  Picture start = random_picture(3, false, 8);
  write_picture(start, path.parent_path() / "plain.tif");
  VipsImage* image = vips_image_new_from_file((path.parent_path() / "plain.tif").c_str(), nullptr);
  ASSERT_NE(image, nullptr);
  VipsImage* copy = nullptr;
  ASSERT_EQ(vips_copy(image, &copy, "xres", 11.8, "yres", 11.8, nullptr), 0);
  VipsBlob* profile = nullptr;
  ASSERT_EQ(vips_profile_load("srgb", &profile, nullptr), 0);
  size_t profile_size = 0;
  const void* profile_bytes = vips_blob_get(profile, &profile_size);
  vips_image_set_blob_copy(copy, VIPS_META_ICC_NAME, profile_bytes, profile_size);
  vips_area_unref(VIPS_AREA(profile));
  vips_image_set_string(copy, "exif-ifd0-Artist", "A. Person (A. Person, ASCII, 10 components, 10 bytes)");
  vips_image_set_string(copy, "exif-ifd3-GPSLatitudeRef", "N (N, ASCII, 2 components, 2 bytes)");
  const std::string xmp = test::xmp_packet();
  vips_image_set_blob_copy(copy, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  vips_image_set_int(copy, VIPS_META_ORIENTATION, orientation);
  ASSERT_EQ(vips_image_write_to_file(copy, path.c_str(), nullptr), 0) << vips_error_buffer();
  g_object_unref(copy);
  g_object_unref(image);
}

std::string field(const std::filesystem::path& path, const char* name) {
  (void)has_operation("heifload");  // loads the module that reads AVIF, if nothing else has
  VipsImage* image = vips_image_new_from_file(path.c_str(), nullptr);
  char* text = nullptr;
  std::string value = "none";
  if (image != nullptr && vips_image_get_typeof(image, name) != 0 &&
      vips_image_get_as_string(image, name, &text) == 0) {
    value = text;
    g_free(text);
  }
  if (image != nullptr) g_object_unref(image);
  return value;
}

TEST(PictureFile, KeepsMetadataThroughAnUpscale) {
  const TemporaryFolder folder;
  write_with_metadata(folder / "in.jpg", 1);
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* name : {"out.jpg", "out.png", "out.tif", "out.webp"}) {
    SCOPED_TRACE(name);
    const UpscaledPicture upscaled = upscale_picture(engine, folder / "in.jpg", folder / name);
    EXPECT_EQ(field(folder / name, VIPS_META_ICC_NAME), field(folder / "in.jpg", VIPS_META_ICC_NAME));
    EXPECT_NE(field(folder / name, VIPS_META_ICC_NAME), "none");
    EXPECT_EQ(field(folder / name, VIPS_META_XMP_NAME), field(folder / "in.jpg", VIPS_META_XMP_NAME));
    EXPECT_TRUE(upscaled.warnings.empty());
    if (std::string(name) == "out.tif") continue;  // libvips does not read what is there; see below
    EXPECT_TRUE(field(folder / name, "exif-ifd0-Artist").starts_with("A. Person"))
        << field(folder / name, "exif-ifd0-Artist");
    EXPECT_TRUE(field(folder / name, "exif-ifd2-PixelXDimension").starts_with("34")) << "the size it has now";
  }
}

// What EXIF's own library finds in a TIFF, which has the form of an EXIF block.
std::string exif_text(const std::filesystem::path& tiff, ExifIfd folder, ExifTag tag) {
  const std::vector<std::byte> bytes = read_file(tiff, 1 << 20);
  std::string block("Exif\0\0", 6);
  block.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ExifData* data = exif_data_new_from_data(reinterpret_cast<const unsigned char*>(block.data()),
                                           static_cast<unsigned int>(block.size()));
  std::array<char, 100> text{};
  ExifEntry* entry = exif_content_get_entry(data->ifd[folder], tag);
  if (entry != nullptr) exif_entry_get_value(entry, text.data(), text.size());
  exif_data_unref(data);
  return entry == nullptr ? "none" : text.data();
}

TEST(PictureFile, KeepsExifInTiff) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* name : {"in.png", "in.webp", "same.jpg"}) {
    SCOPED_TRACE(name);
    write_with_metadata(folder / "in.jpg", 6);
    VipsImage* image = vips_image_new_from_file((folder / "in.jpg").c_str(), nullptr);
    ASSERT_EQ(vips_image_write_to_file(image, (folder / name).c_str(), nullptr), 0) << vips_error_buffer();
    g_object_unref(image);
    upscale_picture(engine, folder / name, folder / "out.tif");
    EXPECT_EQ(exif_text(folder / "out.tif", EXIF_IFD_0, EXIF_TAG_ARTIST), "A. Person");
    EXPECT_EQ(exif_text(folder / "out.tif", EXIF_IFD_0, EXIF_TAG_IMAGE_WIDTH), "24");
    EXPECT_EQ(exif_text(folder / "out.tif", EXIF_IFD_EXIF, EXIF_TAG_PIXEL_X_DIMENSION), "24");
    EXPECT_EQ(exif_text(folder / "out.tif", EXIF_IFD_EXIF, EXIF_TAG_PIXEL_Y_DIMENSION), "34");
    EXPECT_EQ(exif_text(folder / "out.tif", EXIF_IFD_GPS, static_cast<ExifTag>(EXIF_TAG_GPS_LATITUDE_REF)), "N");
    // The picture is the one that there would be without.
    upscale_picture(engine, folder / name, folder / "out.png");
    EXPECT_EQ(read_picture(folder / "out.tif").planes, read_picture(folder / "out.png").planes);
    // And out of the TIFF again.
    for (const char* again : {"again.jpg", "again.png", "again.webp"}) {
      upscale_picture(engine, folder / "out.tif", folder / again);
      EXPECT_TRUE(field(folder / again, "exif-ifd0-Artist").starts_with("A. Person")) << again;
      EXPECT_TRUE(field(folder / again, "exif-ifd2-PixelXDimension").starts_with("48")) << again;
      EXPECT_TRUE(field(folder / again, "exif-ifd3-GPSLatitudeRef").starts_with("N")) << again;
      EXPECT_EQ(field(folder / again, VIPS_META_ORIENTATION), "none") << again;
    }
  }
}

// It shows the picture as it was stored: turned otherwise, and small.
TEST(PictureFile, LeavesTheThumbnailOut) {
  const TemporaryFolder folder;
  write_with_metadata(folder / "plain.jpg", 6);
  const std::vector<std::byte> thumbnail = read_file(folder / "plain.jpg", 60000);
  VipsImage *image = vips_image_new_from_file((folder / "plain.jpg").c_str(), nullptr), *copy = nullptr;
  ASSERT_EQ(vips_copy(image, &copy, nullptr), 0);
  vips_image_set_blob_copy(copy, "jpeg-thumbnail-data", thumbnail.data(), thumbnail.size());
  ASSERT_EQ(vips_image_write_to_file(copy, (folder / "in.jpg").c_str(), nullptr), 0) << vips_error_buffer();
  g_object_unref(copy);
  g_object_unref(image);
  const auto thumbnail_bytes = [&](const char* name) {
    ExifData* data = exif_data_new_from_file((folder / name).c_str());
    const unsigned size = data->size, fields = data->ifd[EXIF_IFD_1]->count;
    exif_data_unref(data);
    EXPECT_EQ(size == 0, fields == 0) << name;
    return size;
  };
  EXPECT_EQ(thumbnail_bytes("in.jpg"), thumbnail.size());
  Engine engine(builtin_network("fsrcnn-x2").value());
  upscale_picture(engine, folder / "in.jpg", folder / "out.jpg");
  EXPECT_EQ(thumbnail_bytes("out.jpg"), 0U);
  EXPECT_TRUE(field(folder / "out.jpg", "exif-ifd0-Artist").starts_with("A. Person"));
  for (const char* name : {"out.png", "out.webp", "out.avif"}) {
    upscale_picture(engine, folder / "in.jpg", folder / name);
    EXPECT_EQ(field(folder / name, "jpeg-thumbnail-data"), "none") << name;
    EXPECT_TRUE(field(folder / name, "exif-ifd0-Artist").starts_with("A. Person")) << name;
  }
}

TEST(PictureFile, AppliesTheOrientationOnce) {
  const TemporaryFolder folder;
  write_with_metadata(folder / "upright.jpg", 1);
  write_with_metadata(folder / "turned.jpg", 6);
  const Picture upright = read_picture(folder / "upright.jpg"), turned = read_picture(folder / "turned.jpg");
  ASSERT_EQ(turned.header.width, upright.header.height);
  ASSERT_EQ(turned.header.height, upright.header.width);
  // 6: the first row is the right-hand side.
  EXPECT_EQ(turned.planes(0, 0, 0, turned.header.width - 1), upright.planes(0, 0, 0, 0));
  Engine engine(builtin_network("fsrcnn-x2").value());
  upscale_picture(engine, folder / "turned.jpg", folder / "out.jpg");
  const std::string orientation = field(folder / "out.jpg", VIPS_META_ORIENTATION);
  EXPECT_TRUE(orientation == "none" || orientation == "1") << orientation;
}

// Each of EXIF's eight orientations puts the stored corner (0, 0) into another place.
TEST(PictureFile, UnderstandsEveryOrientation) {
  const TemporaryFolder folder;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    SCOPED_TRACE(orientation);
    write_with_metadata(folder / "a.jpg", 1);
    write_with_metadata(folder / "b.jpg", orientation);
    const Picture stored = read_picture(folder / "a.jpg"), shown = read_picture(folder / "b.jpg");
    const bool turned = orientation >= 5,
               right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    ASSERT_EQ(shown.header.width, turned ? stored.header.height : stored.header.width);
    EXPECT_EQ(shown.planes(0, 1, bottom ? shown.header.height - 1 : 0, right ? shown.header.width - 1 : 0),
              stored.planes(0, 1, 0, 0));
  }
}

TEST(PictureFile, PgmMayHaveAnyWhite) {
  const TemporaryFolder folder;
  write_file(folder / "a.pgm", as_bytes(std::string("P5 2 1 15\n\x0f\x03", 12)));
  EXPECT_EQ(read_picture(folder / "a.pgm").planes, Tensor<float>({1, 1, 1, 2}, {1, 0.2F}));
  write_file(folder / "b.pgm", as_bytes(std::string("P5 2 1 1023\n\x03\xff\x00\x00", 16)));
  const Picture ten_bits = read_picture(folder / "b.pgm");
  EXPECT_EQ(ten_bits.header.bits, 16);
  EXPECT_EQ(ten_bits.planes, Tensor<float>({1, 1, 1, 2}, {1, 0}));
}

TEST(PictureFile, KnowsTheSizesThatFormatsHold) {
  const TemporaryFolder folder;
  const auto check = [&](int64_t width, const char* name) {
    PictureHeader wide;
    wide.width = width;
    wide.height = 2;
    check_writable(wide, folder / name);
  };
  EXPECT_EQ(error_of([&] { check(16384, "a.webp"); }),
            "3: '" + (folder / "a.webp").string() +
                "' would have 16384x2 pixels, but its format is limited to 16383 per side; use .png or .tif");
  EXPECT_EQ(error_of([&] { check(8192, "a.webp"); }), "no error");
  EXPECT_EQ(error_of([&] { check(16384, "a.jpg"); }), "no error");
  EXPECT_EQ(error_of([&] { check(65500, "a.jpg"); }), "no error");
  EXPECT_NE(error_of([&] { check(65501, "a.jpg"); }).find("65500"), std::string::npos);
}

TEST(PictureFile, RefusesWhatItCannotDo) {
  const TemporaryFolder folder;
  const Picture opaque = random_picture(3, false, 8), transparent = random_picture(3, true, 8);
  EXPECT_EQ(error_of([&] { write_picture(transparent, folder / "a.jpg"); }),
            "3: the picture has an alpha channel, which '" + (folder / "a.jpg").string() +
                "' cannot store; use .png, .tif or .webp");
  EXPECT_TRUE(error_of([&] { write_picture(opaque, folder / "a.xyz"); })
                  .starts_with("2: '" + (folder / "a.xyz").string() +
                               "': unsupported picture format '.xyz'; supported: .png, .jpg, "));
  EXPECT_TRUE(error_of([&] { write_picture(opaque, folder / "none" / "a.png"); }).starts_with("5: "));
  EXPECT_TRUE(error_of([&] { read_picture(folder / "none.png"); }).starts_with("5: "));
  EXPECT_TRUE(error_of([&] { read_picture(folder.path()); }).starts_with("5: "));
  write_file(folder / "text.png", as_bytes("this is no picture"));
  EXPECT_TRUE(error_of([&] { read_picture(folder / "text.png"); }).starts_with("3: "));
  std::filesystem::remove(folder / "text.png");
  EXPECT_EQ(folder.names(), std::vector<std::string>{});
}

// Whatever the encoder makes of the rows that it does not get.
TEST(PictureFile, WhatTheSourceThrowsComesThrough) {
  const TemporaryFolder folder;
  for (const std::string& suffix : writable_suffixes()) {
    SCOPED_TRACE(suffix);
    PictureHeader header;
    header.width = header.height = 64;
    header.colour_planes = suffix == ".pgm" ? 1 : 3;
    int blocks = 0;
    const auto source = [&]() -> Tensor<float> {
      if (++blocks == 2) throw Error(ErrorCode::model, "no more rows");
      return test::random_tensor({1, header.planes(), 32, 64}, 1);
    };
    EXPECT_EQ(error_of([&] { write_picture(header, folder / ("a" + suffix), source); }), "4: no more rows");
    EXPECT_EQ(folder.names(), std::vector<std::string>{});
  }
}

TEST(PictureFile, NamesWithBracketsAreOnlyNames) {
  const TemporaryFolder folder;
  write_picture(random_picture(3, false, 8), folder / "a[Q=1].png");
  EXPECT_EQ(read_picture(folder / "a[Q=1].png").header.width, 17);
}

TEST(PictureFile, LargeInterlacedPngsAreTold) {
  const TemporaryFolder folder;
  // 12000x10000 pixels of RGB, without its pixels.
  const std::string header(
      "\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR\000\000\056\340\000\000\047\020\010\002\000\000\001\051\052\167\372\0\0\3\350IDA"
      "T",
      41);
  write_file(folder / "a.png", as_bytes(header));
  EXPECT_EQ(PictureReader(folder / "a.png").warnings(),
            std::vector<std::string>{"'" + (folder / "a.png").string() +
                                     "' is interlaced and must be decoded as a whole: 343 MB of memory"});
}

// A picture that is cut short must not become one with a gray rest.
TEST(PictureFile, TruncatedAnywhereIsAnError) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.jpg", "a.tif", "a.webp"}) {
    write_picture(random_picture(3, false, 8), folder / name);
    const std::vector<std::byte> bytes = read_file(folder / name, 1 << 20);
    int64_t refused = 0;
    for (size_t size = 0; size < bytes.size(); ++size) {
      write_file_directly(folder / "cut", Bytes(bytes).first(size));
      const std::string message = error_of([&] { read_picture(folder / "cut"); });
      ASSERT_TRUE(message == "no error" || message.starts_with("3: ")) << name << " " << size << ": " << message;
      refused += message != "no error" ? 1 : 0;
    }
    // The last bytes of a file say only that it ends.
    EXPECT_GE(refused, static_cast<int64_t>(bytes.size()) - 16) << name;
  }
}

// ImageMagick, which reads BMP for libvips, says RGB; protocol A depends on it.
TEST(PictureFile, GrayBmpIsGray) {
  const TemporaryFolder folder;
  std::string bmp("BM", 2);
  const auto word = [&](uint32_t value, int bytes = 4) {
    for (int i = 0; i < bytes; ++i) bmp += static_cast<char>(value >> (8 * i));
  };
  word(14 + 40 + 1024 + 4), word(0), word(14 + 40 + 1024);               // file
  word(40), word(2), word(1), word(1, 2), word(8, 2), word(0), word(0);  // 2x1, 8 bits
  word(0), word(0), word(256), word(0);
  for (uint32_t i = 0; i < 256; ++i) word(i * 0x010101);
  bmp += std::string({10, static_cast<char>(200), 0, 0});
  write_file(folder / "a.bmp", as_bytes(bmp));
  EXPECT_TRUE(is_picture(folder / "a.bmp")) << "or nobody gets as far as reading it";
  const Picture picture = read_picture(folder / "a.bmp");
  EXPECT_EQ(picture.header.colour_planes, 1);
  EXPECT_EQ(picture.planes, Tensor<float>({1, 1, 1, 2}, {10 / 255.0F, 200 / 255.0F}));
}

}  // namespace
}  // namespace fsrcnn
