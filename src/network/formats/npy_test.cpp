#include "network/formats/npy.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

/// A file of version 1 with this dict and data.
std::vector<std::byte> file_of(const std::string& dict, size_t data_bytes, char version = 1) {
  std::string text = "\x93NUMPY";
  text += {version, 0, static_cast<char>(dict.size()), 0};
  if (version > 1) text += {0, 0};
  text += dict + std::string(data_bytes, '\0');
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

TEST(Npy, SurvivesARoundTrip) {
  const Tensor<float> tensor = test::random_tensor({2, 3, 4, 5}, 1);
  EXPECT_EQ(std::get<Tensor<float>>(parse_npy(format_npy(tensor), "x")), tensor);
  const Tensor<double> wide = test::to_double(tensor);
  EXPECT_EQ(std::get<Tensor<double>>(parse_npy(format_npy(wide), "x")), wide);
  EXPECT_EQ(format_npy(tensor).size() % 64, tensor.count() * sizeof(float) % 64) << "data is aligned";
}

TEST(Npy, ReadsFewerAxesAndOtherVersions) {
  const auto shape_of = [](const std::vector<std::byte>& file) {
    return std::visit([](const auto& tensor) { return tensor.shape(); }, parse_npy(file, "x"));
  };
  EXPECT_EQ(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4)), (Shape{1, 1, 1, 1}));
  EXPECT_EQ(shape_of(file_of("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 24, 2)), (Shape{1, 1, 1, 3}));
  EXPECT_EQ(shape_of(file_of("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}", 24, 3)), (Shape{1, 1, 2, 3}));
  EXPECT_EQ(shape_of(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", 0)), (Shape{1, 1, 0, 3}));
}

TEST(Npy, ReadsFortranOrder) {
  std::vector<std::byte> file = file_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24);
  const float columns[] = {1, 4, 2, 5, 3, 6};
  std::copy_n(reinterpret_cast<const std::byte*>(columns), sizeof(columns), file.end() - sizeof(columns));
  EXPECT_EQ(std::get<Tensor<float>>(parse_npy(file, "x")), Tensor<float>({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST(Npy, ReadsHalvesAndIntegers) {
  const auto values_of = [](const char* type, const std::string& data) {
    const auto file = file_of(fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (3,), }}", type), 0);
    std::string text(reinterpret_cast<const char*>(file.data()), file.size());
    text += data;
    return std::visit(
        [](const auto& tensor) { return std::vector<double>(tensor.values().begin(), tensor.values().end()); },
        parse_npy(as_bytes(text), "x"));
  };
  using Doubles = std::vector<double>;
  using namespace std::string_literals;
  EXPECT_EQ(values_of("<f2", "\x00\x3c\x01\x00\xff\xfb"s), (Doubles{1, 0x1p-24, -65504}));
  EXPECT_EQ(values_of("|u1", "\x00\x7f\xff"s), (Doubles{0, 127, 255}));
  EXPECT_EQ(values_of("|b1", "\x00\x01\x01"s), (Doubles{0, 1, 1}));
  EXPECT_EQ(values_of("|i1", "\x00\x7f\xff"s), (Doubles{0, 127, -1}));
  EXPECT_EQ(values_of("<u2", "\x01\x00\x00\x01\xff\xff"s), (Doubles{1, 256, 65535}));
  EXPECT_EQ(values_of("<i2", "\x01\x00\x00\x01\xff\xff"s), (Doubles{1, 256, -1}));
  EXPECT_EQ(values_of("<i4", "\x01\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\xff"s), (Doubles{1, 65536, -1}));
  EXPECT_EQ(values_of("<u4", "\x01\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\xff"s), (Doubles{1, 65536, 4294967295}));
  EXPECT_EQ(values_of(">f2", "\x3c\x00\x00\x01\xfb\xff"s), (Doubles{1, 0x1p-24, -65504}));
  EXPECT_EQ(values_of(">f4", "\x3f\x80\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x00"s), (Doubles{1, -2, 0}));
  EXPECT_EQ(values_of(">i2", "\x00\x01\x01\x00\xff\xff"s), (Doubles{1, 256, -1}));
  EXPECT_EQ(values_of("<i8", "\x01"s + std::string(15, '\0') + std::string(8, '\xff')), (Doubles{1, 0, -1}));
}

TEST(Npy, SaysWhatIsWrong) {
  const auto message = [](const std::string& dict, size_t bytes) {
    return error_of([&] { parse_npy(file_of(dict, bytes), "x"); });
  };
  const std::string start = "3: x: not a readable .npy file: ";
  EXPECT_EQ(error_of([] { parse_npy(as_bytes("NUMPY"), "x"); }), start + "it does not begin with the .npy signature");
  EXPECT_EQ(message("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8),
            start + "its type is '<c8'; expected floats ('<f2', '<f4', '<f8') or integers ('|u1', '<i2', '<i4', ...)");
  EXPECT_EQ(message("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4),
            start + "an array of shape (1, 1, 1, 2) needs 8 bytes, but the file has 4");
  EXPECT_EQ(message("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1), }", 4),
            start + "it has 5 axes; at most 4 are supported");
  EXPECT_EQ(message("{'descr': '<f4', 'shape': (1,), }", 4), start + "its header has no 'fortran_order'");
  EXPECT_NE(message("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", 4)
                .find("does not fit"),
            std::string::npos);
}

TEST(Npy, TruncatedOrFlippedAnywhereIsNoCrash) {
  const std::vector<std::byte> bytes = format_npy(test::random_tensor({1, 2, 3, 4}, 2));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_TRUE(error_of([&] { parse_npy(cut, "x"); }).starts_with("3: ")) << size;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::vector<std::byte> damaged = bytes;
    damaged[at] ^= std::byte{0xff};
    error_of([&] { parse_npy(damaged, "x"); });
  }
}

}  // namespace
}  // namespace fsrcnn
