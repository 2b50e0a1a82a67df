#include "picture/file_end.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/boxes.hpp"
#include "picture/upscale_picture.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

FileEnd end_of(const std::string& bytes, std::string_view format) {
  std::istringstream file(bytes);
  return file_end(file, format);
}

/// Every part of a file is cut, but one that lacks no more than what need not be there.
void expect_cut(const std::string& whole, std::string_view format, size_t head, size_t spare = 0) {
  SCOPED_TRACE(whole.substr(0, 2));
  EXPECT_FALSE(end_of(whole, format).is_cut);
  EXPECT_EQ(end_of(whole, format).pictures, 1);
  for (size_t size = head; size < whole.size(); ++size)
    EXPECT_EQ(end_of(whole.substr(0, size), format).is_cut, size + spare < whole.size()) << size;
}

TEST(FileEnd, OfAnymaps) {
  expect_cut("P1\n# of bits\n3 2\n010\n1 1 0\n", "PPM", 17, 1);
  expect_cut("P2 3 2 255\n1 22 3\n4 5 66 ", "PPM", 11, 2);  // the last number may be 6
  expect_cut("P3 1 2 255\n1 22 3 4 5 6\n", "PPM", 11, 1);
  expect_cut("P4 9 2\n" + std::string(4, '\1'), "PPM", 7);
  expect_cut("P5 3 2 255\n" + std::string(6, '7'), "PPM", 11);
  expect_cut("P5 3 2 256\n" + std::string(12, '7'), "PPM", 11);
  expect_cut("P6 3 1 255\n" + std::string(9, '7'), "PPM", 11);
  expect_cut("PF 1 1 -1.0\n" + std::string(12, '7'), "PPM", 12);
}

TEST(FileEnd, CountsThePicturesOfAnymaps) {
  const std::string binary = "P6 1 1 255\nabc", text = "P2 2 1 9\n1 2";
  EXPECT_EQ(end_of(binary + binary + "\n" + binary, "PPM").pictures, 3);
  EXPECT_EQ(end_of(text + "\n" + text + "\n" + binary, "PPM").pictures, 3);
  EXPECT_EQ(end_of(binary + "more", "PPM").pictures, 1);
  EXPECT_EQ(end_of(binary + "Personal", "PPM").pictures, 1);
}

TEST(FileEnd, OfSgi) {
  const auto head = [](char packed) {
    std::string bytes = std::string("\x01\xDA", 2) + packed + '\1';
    for (const uint64_t number : {3, 3, 2, 1}) bytes += big_endian(number, 2);
    return bytes + std::string(512 - bytes.size(), '\0');
  };
  expect_cut(head(0) + std::string(6, '7'), "SGI", 512);
  const std::string places = big_endian(528) + big_endian(531) + big_endian(3) + big_endian(3);
  expect_cut(head(1) + places + "\3ab\3cd", "SGI", 512);
}

TEST(FileEnd, OfPhotoshop) {
  std::string head = std::string("8BPS\0\1", 6) + std::string(6, '\0') + big_endian(3, 2) + big_endian(2) +
                     big_endian(5) + big_endian(8, 2) + big_endian(3, 2);
  for (const std::string& part : {std::string(), std::string("resources"), std::string("layers")})
    head += big_endian(part.size()) + part;
  expect_cut(head + big_endian(0, 2) + std::string(30, '7'), "PSD", 26);
  std::string rows;
  for (int i = 0; i < 6; ++i) rows += big_endian(2, 2);
  expect_cut(head + big_endian(1, 2) + rows + std::string(12, '7'), "PSD", 26);
}

// Nothing is made of a truncated picture; and of several it is told that there are more.
TEST(FileEnd, IsTold) {
  const TemporaryFolder folder;
  const std::string text = "P2\n2 2 9\n1 2 3 ", name = (folder / "a.pgm").string();
  write_file(folder / "a.pgm", as_bytes(text));
  EXPECT_EQ(error_of([&] { PictureReader(folder / "a.pgm"); }), "3: '" + name + "' is damaged: the PPM is truncated");
  write_file(folder / "a.pgm", as_bytes(text + "4\n" + text));
  EXPECT_EQ(PictureReader(folder / "a.pgm").warnings(),
            std::vector<std::string>{"'" + name + "' holds 2 pictures; only the first is upscaled"});
}

// libvips takes 0101 for one number.
TEST(FileEnd, BitmapsNeedNoBlanks) {
  const TemporaryFolder folder;
  write_file(folder / "a.pbm", as_bytes(std::string("P1\n4 2\n0110\n1 0 0 1\n")));
  const std::vector<float> expected = {1, 0, 0, 1, 0, 1, 1, 0};
  EXPECT_EQ(read_picture(folder / "a.pbm").planes.plane(0, 0)[0], 1);
  const Tensor<float> planes = read_picture(folder / "a.pbm").planes;
  EXPECT_EQ(planes.shape(), (Shape{1, 1, 2, 4}));
  EXPECT_EQ(std::vector<float>(planes.values().begin(), planes.values().end()), expected);
}

}  // namespace
}  // namespace fsrcnn
