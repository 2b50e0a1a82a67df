#include "picture/jpeg_quality.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "picture/picture_writer.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::TemporaryFolder;

std::optional<int> quality_in(const std::string& bytes) {
  std::istringstream file(bytes);
  return jpeg_quality(file);
}

TEST(JpegQuality, IsTheEncoders) {
  const TemporaryFolder folder;
  PictureHeader header;
  header.width = header.height = 32;
  const Tensor<float> picture = test::random_tensor({1, 3, 32, 32}, 1);
  for (const int quality : {1, 10, 30, 50, 75, 88, 95, 100}) {
    bool done = false;
    write_picture(header, folder / "a.jpg", [&] { return std::exchange(done, true) ? Tensor<float>() : picture; },
                  {.quality = quality});
    std::ifstream file(folder / "a.jpg", std::ios::binary);
    EXPECT_EQ(jpeg_quality(file), quality);
  }
  bool done = false;
  write_picture(header, folder / "a.png", [&] { return std::exchange(done, true) ? Tensor<float>() : picture; });
  std::ifstream file(folder / "a.png", std::ios::binary);
  EXPECT_FALSE(jpeg_quality(file).has_value());
}

TEST(JpegQuality, OfWhatIsCutOrStrangeIsNone) {
  const std::string start("\xFF\xD8\xFF\xDB\0\x43\0", 7), steps(64, '\x10');
  EXPECT_TRUE(quality_in(start + steps).has_value());
  for (size_t size = 0; size < start.size() + steps.size(); ++size) {
    EXPECT_FALSE(quality_in((start + steps).substr(0, size)).has_value()) << size;
  }
  // Another segment, bytes that fill, a second table of 16 bits before the first.
  const std::string wide = std::string("\x11") + std::string(128, '\x7F');
  const std::string tables("\xFF\xDB\0\xC4", 4);
  EXPECT_EQ(quality_in(std::string("\xFF\xD8\xFF\xE0\0\x03x\xFF\xFF\xFF", 10) + tables.substr(1) + wide + '\0' + steps),
            quality_in(start + steps));
  for (const char* strange : {"", "\xFF\xD8", "\xFF\xD8\xFF\xDA\x01\x01", "\xFF\xD8\xFF\xDB\x01\x01", "no JPEG"}) {
    EXPECT_FALSE(quality_in(strange).has_value());
  }
  EXPECT_FALSE(quality_in(std::string("\xFF\xD8\xFF\xDB\0\0", 6)).has_value()) << "a size below that of itself";
}

}  // namespace
}  // namespace fsrcnn
