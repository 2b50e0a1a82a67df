#include "porting/tensor_file.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

TEST(TensorFile, EveryFormGivesBackEveryBit) {
  const test::TemporaryFolder folder;
  Tensor<float> narrow = test::random_tensor({1, 3, 4, 5}, 1, -2, 2);
  narrow.values()[0] = -0.0F;
  narrow.values()[1] = 1e-40F;
  narrow.values()[2] = 3;
  const Tensor<double> wide = test::to_double(narrow);
  for (const TensorFormat format : {TensorFormat::npy, TensorFormat::txt, TensorFormat::hex, TensorFormat::header}) {
    const auto path = folder / ("t" + std::string(suffix_of(format)));
    SCOPED_TRACE(path.string());
    write_file(path, format_tensor(narrow, {}, format, "t"));
    EXPECT_EQ(format_npy(std::get<Tensor<float>>(read_tensor(path).values)), format_npy(narrow));
    write_file(path, format_tensor(wide, {NumberType::Kind::float64}, format, "t"));
    EXPECT_EQ(format_npy(std::get<Tensor<double>>(read_tensor(path).values)), format_npy(wide));
  }
}

TEST(TensorFile, FixedPointIsWrittenInWords) {
  const NumberType q = *parse_number_type("q3.4");
  const Tensor<double> t({1, 1, 1, 3}, {-1.5, 7.9375, -8});
  const auto text = [&](TensorFormat format) {
    const auto bytes = format_tensor(t, q, format, "t");
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(text(TensorFormat::txt), "# t: shape 1 1 1 3 type q3.4\n-24 127 -128\n");
  EXPECT_EQ(text(TensorFormat::hex), "// t: shape 1 1 1 3 type q3.4\ne8\n7f\n80\n");
  EXPECT_EQ(text(TensorFormat::header),
            "// t: shape 1 1 1 3 type q3.4\nstatic const short t[3] = {\n-24, 127, -128\n};\n");
  for (const auto& [format, suffix] : {std::pair(TensorFormat::txt, ".txt"), std::pair(TensorFormat::hex, ".hex"),
                                       std::pair(TensorFormat::header, ".h")}) {
    EXPECT_EQ(std::get<Tensor<double>>(parse_tensor_text(text(format), suffix, "x").values), t) << suffix;
  }
}

TEST(TensorFile, ReadsWhatOthersWrite) {
  const auto read = [](const char* text, const char* suffix) { return parse_tensor_text(text, suffix, "x"); };
  EXPECT_EQ(read("1 2\n3 4\n", ".txt").shape(), (Shape{1, 1, 2, 2}));
  EXPECT_FALSE(read("1 2\n3 4\n", ".txt").has_shape);
  EXPECT_EQ(read("1\n2\n3", ".txt").shape(), (Shape{1, 1, 3, 1}));
  EXPECT_EQ(read("1, 2, 3,\n4", ".csv").shape(), (Shape{1, 1, 1, 4}));
  EXPECT_EQ(read("int n = 3;\nfloat a[2] = { 1.5f, -2e-1F };", ".h").to_float().values(),
            (std::vector<float>{1.5F, -0.2F}));
  EXPECT_EQ(read("// a\n0x7F\n80\nff", ".mem").to_float().values(), (std::vector<float>{127, -128, -1}));
  EXPECT_EQ(read("3f800000", ".hex").to_float().values(), std::vector<float>{1});
}

TEST(TensorFile, SaysWhatIsWrong) {
  const auto message = [](const char* text, const char* suffix) {
    return error_of([&] { parse_tensor_text(text, suffix, "x"); });
  };
  EXPECT_EQ(message("1 2 x3", ".txt"), "3: x: value 2 is 'x3', which is not a number");
  EXPECT_EQ(message("# only words", ".txt"), "3: x: no number is in it");
  EXPECT_EQ(message("# shape 1 1 2 2\n1 2 3", ".txt"),
            "3: x: its remark says shape (1, 1, 2, 2), but 3 values are in it");
  EXPECT_NE(message("# shape 99999999 99999999 99999999 1\n1 2 3", ".txt").find("does not fit"), std::string::npos);
  EXPECT_EQ(message("float a[];", ".h"), "3: x: no array 'name[] = { ... }' is in it");
  EXPECT_EQ(message("12 zz", ".hex"), "3: x: word 1 is 'zz', but 1 to 16 hexadecimal digits are expected");
  const test::TemporaryFolder folder;
  write_file(folder / "t.raw", as_bytes("12345"));
  EXPECT_NE(error_of([&] { read_tensor(folder / "t.raw"); }).find("its 5 bytes are no whole number of 4-byte values"),
            std::string::npos);
}

TEST(NumberType, RoundsAsItSays) {
  FixedPoint q{.integer_bits = 2, .fraction_bits = 1};
  const auto words = [&](Rounding rounding) {
    q.rounding = rounding;
    std::vector<int64_t> list;
    for (const double x : {0.25, 0.75, -0.25, -0.75, 0.3, -0.3}) list.push_back(q.word(x));
    return list;
  };
  EXPECT_EQ(words(Rounding::half_up), (std::vector<int64_t>{1, 2, 0, -1, 1, -1}));
  EXPECT_EQ(words(Rounding::half_even), (std::vector<int64_t>{0, 2, 0, -2, 1, -1}));
  EXPECT_EQ(words(Rounding::down), (std::vector<int64_t>{0, 1, -1, -2, 0, -1}));
  EXPECT_EQ(words(Rounding::toward_zero), (std::vector<int64_t>{0, 1, 0, -1, 0, 0}));
  q.overflow = Overflow::saturate;
  EXPECT_EQ(q.word(100), 7);
  EXPECT_EQ(q.word(-100), -8);
  q.overflow = Overflow::wrap;
  EXPECT_EQ(q.word(4), -8);
  EXPECT_EQ(q.word(-4.5), 7);
  EXPECT_EQ(q.word(NAN), 0);
  EXPECT_EQ(to_string(*parse_number_type("q3.12")), "q3.12");
  for (const char* bad : {"q3", "q3.x", "q30.1", "q-1.4", "q0.0", "int8", "q11.10"}) {
    EXPECT_FALSE(parse_number_type(bad)) << bad;
  }
}

}  // namespace
}  // namespace fsrcnn
