#include <gtest/gtest.h>
#include <vips/vips.h>

#include <string>

#include "base/atomic_output.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/vips_support.hpp"
#include "support/temporary_folder.hpp"

// Colour profiles that do not fit, and those that must not stay.

namespace fsrcnn {
namespace {

using test::TemporaryFolder;

std::string srgb_profile() {
  VipsBlob* profile = nullptr;
  EXPECT_EQ(vips_profile_load("srgb", &profile, nullptr), 0);
  size_t size = 0;
  const void* const bytes = vips_blob_get(profile, &size);
  std::string text(static_cast<const char*>(bytes), size);
  vips_area_unref(VIPS_AREA(profile));
  return text;
}

std::string icc_number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// Of grays that are proportional to light (ICC.1:2001-04): a white and a straight curve.
std::string linear_gray_profile() {
  const std::string white = icc_number(0xF6D6) + icc_number(0x10000) + icc_number(0xD32D);
  const std::string tags =
      icc_number(2) + "wtpt" + icc_number(156) + icc_number(20) + "kTRC" + icc_number(176) + icc_number(12);
  std::string profile(128, '\0');
  profile += tags + "XYZ " + icc_number(0) + white + "curv" + icc_number(0) + icc_number(0);
  profile.replace(0, 4, icc_number(static_cast<uint32_t>(profile.size())));
  profile.replace(8, 4, icc_number(0x02400000));
  profile.replace(12, 12, "mntrGRAYXYZ ");
  profile.replace(36, 4, "acsp");
  profile.replace(68, 12, white);
  return profile;
}

/// A picture of one level with a profile.
Picture picture_with(const std::string& profile, int colour_planes, float level = 0.5F) {
  Picture picture;
  picture.header.colour_planes = colour_planes;
  picture.header.metadata.reset(vips_image_new(), VipsUnref());
  vips_image_set_blob_copy(picture.header.metadata.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  picture.planes = Tensor<float>({1, colour_planes, 16, 16});
  std::fill(picture.planes.values().begin(), picture.planes.values().end(), level);
  return picture;
}

bool has_profile(const PictureHeader& header) { return has(header.metadata.get(), VIPS_META_ICC_NAME); }

TEST(Profile, ThatDoesNotFitIsLeftOutAndTold) {
  const TemporaryFolder folder;
  const std::string srgb = srgb_profile();
  const auto warnings_of = [&](const std::string& profile, int colour_planes) {
    // libvips writes none that do not fit.
    Picture picture = picture_with(profile, colour_planes);
    picture.header.metadata = nullptr;
    write_picture(picture, folder / "a.jpg");
    const std::vector<std::byte> bytes = read_file(folder / "a.jpg", 10000);
    std::string jpeg(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string block = std::string("ICC_PROFILE\0\1\1", 14) + profile;
    jpeg.insert(2, "\xFF\xE2" + icc_number(static_cast<uint32_t>(2 + block.size())).substr(2) + block);
    write_file(folder / "a.jpg", as_bytes(jpeg));
    const PictureReader reader(folder / "a.jpg");
    EXPECT_EQ(has_profile(reader.header()), reader.warnings().empty());
    return reader.warnings();
  };
  const std::vector<std::string> left_out = {
      "'" + (folder / "a.jpg").string() +
      "' has a colour profile that is damaged or of the wrong type; it was dropped"};
  EXPECT_EQ(warnings_of(srgb, 3), std::vector<std::string>());
  EXPECT_EQ(warnings_of(srgb, 1), left_out);
  EXPECT_EQ(warnings_of(srgb.substr(0, 100), 3), left_out);
  EXPECT_EQ(warnings_of(linear_gray_profile(), 1), std::vector<std::string>());
  EXPECT_EQ(warnings_of(linear_gray_profile(), 3), left_out);
}

TEST(Profile, OfLabDoesNotStayWithRgb) {
  const TemporaryFolder folder;
  std::string lab = srgb_profile();
  lab.replace(16, 4, "Lab ");
  VipsImage *black = nullptr, *image = nullptr;
  ASSERT_EQ(vips_black(&black, 8, 8, "bands", 3, nullptr), 0);
  ASSERT_EQ(vips_copy(black, &image, "interpretation", VIPS_INTERPRETATION_LAB, nullptr), 0);
  vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, lab.data(), lab.size());
  ASSERT_EQ(vips_image_write_to_file(image, (folder / "a.tif").c_str(), nullptr), 0) << vips_error_buffer();
  g_object_unref(image);
  g_object_unref(black);
  const PictureReader reader(folder / "a.tif");
  EXPECT_EQ(reader.header().colour_planes, 3);
  EXPECT_EQ(reader.warnings(), std::vector<std::string>());
  EXPECT_FALSE(has_profile(reader.header()));
}

// Formats without gray would have RGB with a profile of grays.
TEST(Profile, OfGraysBecomesSrgbWhereThereIsNoGray) {
  const TemporaryFolder folder;
  const Picture picture = picture_with(linear_gray_profile(), 1, 0.5F);
  for (const char* name : {"a.webp", "a.avif", "a.heic", "a.tif", "a.jxl"}) {
    SCOPED_TRACE(name);
    write_picture(picture, folder / name);
    const Picture again = read_picture(folder / name);
    const bool gray = again.header.colour_planes == 1;
    EXPECT_EQ(gray, std::string(name) == "a.tif" || std::string(name) == "a.jxl");
    EXPECT_TRUE(has_profile(again.header));
    EXPECT_TRUE(PictureReader(folder / name).warnings().empty());
    EXPECT_NEAR(again.planes(0, 0, 8, 8), gray ? 0.5 : srgb_from_linear(0.5F), 0.01);
  }
}

}  // namespace
}  // namespace fsrcnn
