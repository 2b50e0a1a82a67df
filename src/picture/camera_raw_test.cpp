#include "picture/camera_raw.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "support/tiff.hpp"

namespace fsrcnn {
namespace {

constexpr uint16_t kCompression = 259, kSubFolders = 330, kDngVersion = 50706;

bool is_raw(const std::string& bytes) {
  std::istringstream file(bytes);
  return is_camera_raw(file);
}

/// A TIFF whose first folder has these fields, and a subfolder with those.
std::string tiff_with(std::vector<TiffField> fields, std::vector<TiffField> below) {
  std::vector<unsigned char> bytes;
  put<uint16_t>(bytes, std::endian::native == std::endian::little ? 0x4949 : 0x4D4D);
  put<uint16_t>(bytes, 42);
  put<uint32_t>(bytes, 0);
  fields.push_back(test::number_field(kSubFolders, test::append_folder(bytes, 0, std::move(below), 0)));
  const uint32_t first = test::append_folder(bytes, 0, std::move(fields), 0);
  std::memcpy(bytes.data() + 4, &first, sizeof(first));
  return {bytes.begin(), bytes.end()};
}

std::vector<TiffField> size(uint32_t width, uint32_t reduced) {
  return {test::number_field(test::kSubfileType, reduced), test::number_field(test::kWidth, width),
          test::number_field(test::kHeight, width)};
}

std::vector<TiffField> with(std::vector<TiffField> fields, uint16_t tag, uint32_t value) {
  fields.push_back(test::number_field(tag, value));
  return fields;
}

TEST(CameraRaw, IsToldBySignatures) {
  for (const std::string& start :
       {std::string("FUJIFILMCCD-RAW 0201"), std::string("IIU\0\x18\0\0\0", 8), std::string("IIRO\x08\0\0\0", 8),
        std::string("MMOR\0\0\0\x08", 8), std::string("FOVb"), std::string("\0MRM", 4),
        std::string("II\x1A\0\0\0HEAPCCDR", 14),
        std::string("\0\0\0\x18"
                    "ftypcrx \0\0\0\1",
                    16),
        std::string("II*\0\x10\0\0\0CR\2\0", 12), std::string("II*\0\x10\0\0\0IIIITwaR", 16)}) {
    EXPECT_TRUE(is_raw(start + std::string(100, '\0'))) << start;
  }
}

TEST(CameraRaw, IsToldByTheFoldersOfATiff) {
  const std::vector<TiffField> thumbnail = size(160, 1), picture = size(4000, 0);
  EXPECT_TRUE(is_raw(tiff_with(thumbnail, picture))) << "the picture is below its own thumbnail";
  EXPECT_TRUE(is_raw(tiff_with(size(160, 0), with(picture, test::kPhotometric, 32803)))) << "filters";
  EXPECT_TRUE(is_raw(tiff_with(size(160, 0), with(picture, test::kPhotometric, 34892)))) << "linear";
  EXPECT_TRUE(is_raw(tiff_with(with(picture, kDngVersion, 0x00000401), thumbnail)));
  for (const uint32_t compression : {262U, 32767U, 32770U, 34713U, 65535U}) {
    EXPECT_TRUE(is_raw(tiff_with(with(picture, kCompression, compression), thumbnail))) << compression;
  }
}

TEST(CameraRaw, IsNoOrdinaryTiff) {
  EXPECT_FALSE(is_raw(tiff_with(size(4000, 0), size(160, 1)))) << "a thumbnail below";
  EXPECT_FALSE(is_raw(tiff_with(size(4000, 0), size(4000, 0)))) << "another picture below";
  EXPECT_FALSE(is_raw(tiff_with(size(160, 1), size(80, 1)))) << "copies alone";
  for (const uint32_t compression : {1U, 5U, 7U, 8U, 32773U, 32946U}) {
    EXPECT_FALSE(is_raw(tiff_with(with(size(8, 0), kCompression, compression), size(4, 1)))) << compression;
  }
  EXPECT_FALSE(
      is_raw(test::tiff_of({{8, 8, {}}, {4, 4, {{test::kSubfileType, 1}}}}, std::vector<unsigned char>(64, 'I'))))
      << "a pyramid, with samples like a signature";
  EXPECT_FALSE(is_raw(""));
  EXPECT_FALSE(is_raw("II*"));
}

// Each part of it is wrong in turn; none must hang or crash.
TEST(CameraRaw, SurvivesDamage) {
  const std::string whole = tiff_with(size(160, 1), size(4000, 0));
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ 0xFF);
    is_raw(bad);
    is_raw(whole.substr(0, i));
  }
  std::string circle = whole;
  const auto first = get<uint32_t>(reinterpret_cast<const unsigned char*>(whole.data()) + 4);
  std::memcpy(circle.data() + first + 2 + 4 * 12, &first, sizeof(first));  // the next folder is this one
  EXPECT_TRUE(is_raw(circle));
}

}  // namespace
}  // namespace fsrcnn
