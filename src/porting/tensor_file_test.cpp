#include "porting/tensor_file.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <cmath>

#include "base/atomic_output.hpp"
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
  EXPECT_EQ(read("3f800000", ".hex").read_as, "words of float32");
}

TEST(TensorFile, ReadsIntegersAsCWritesThem) {
  const auto read = [](const char* text) { return parse_tensor_text(text, ".hex", "x"); };
  // printf("%x"), of 10, -1, 255, -300 and 5.
  const std::vector<float> values = {10, -1, 255, -300, 5};
  EXPECT_EQ(read("a\nffffffff\nff\nfffffed4\n5\n").to_float().values(), values);
  EXPECT_EQ(read("a\nffffffff\nff\nfffffed4\n5\n").read_as, "words of 32 bits, two's complement");
  EXPECT_EQ(read("0000000a\nffffffff\n000000ff\nfffffed4\n00000005\n").to_float().values(), values);
  EXPECT_EQ(read("0xa 0xffffffffffffffff ff fffffffffffffed4 5").to_float().values(), values);
  EXPECT_EQ(read("// type q5.2\na\nffffffff\nff").to_float().values(), (std::vector<float>{2.5F, -0.25F, 63.75F}));
  EXPECT_EQ(read("7f\n80\nff\n1").to_float().values(), (std::vector<float>{127, 128, 255, 1}));
  // Zeros, and a tiny number among others, say nothing against float32.
  EXPECT_EQ(read("00000000\n00000000\n3f000000\n00000001\n").to_float().values()[2], 0.5F);
}

TEST(TensorFile, SaysWhatIsWrong) {
  const auto message = [](const char* text, const char* suffix) {
    return error_of([&] { parse_tensor_text(text, suffix, "x"); });
  };
  EXPECT_EQ(message("1 2 x3", ".txt"), "3: x, line 1: 'x3' is not a number");
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

// As spreadsheets and pandas write them.
TEST(TensorFile, ReadsTables) {
  const auto read = [](const std::string& text) { return parse_tensor_text(text, ".csv", "t.csv"); };
  const auto values = [&](const std::string& text) { return read(text).to_float().values(); };
  const std::vector<float> expected = {1, 2.5F, -3, 4};
  EXPECT_EQ(values("\xef\xbb\xbf"
                   "1,2.5\r\n-3,4\r\n"),
            expected);
  EXPECT_EQ(values("1;2.5\n-3;4\n"), expected);
  EXPECT_EQ(values("1,2.5,\n-3,4,\n"), expected);
  const TensorFile with_header = read("\"x0\",\"x1\"\n1,2.5\n-3,4\n");
  EXPECT_EQ(with_header.to_float().values(), expected);
  EXPECT_EQ(with_header.shape(), (Shape{1, 1, 2, 2}));
  EXPECT_EQ(with_header.read_as, "without its first line, which names the columns");
  EXPECT_TRUE(std::isnan(values("nan,1\n")[0]));
  const auto message = [&](const std::string& text) { return error_of([&] { read(text); }); };
  EXPECT_EQ(message("1,2\n\n3,x\n"), "3: t.csv, line 3: 'x' is not a number");
  EXPECT_EQ(message("1,2\n3,,4\n"), "3: t.csv, line 2: a field is empty; each must hold a number");
  EXPECT_NE(message(",0,1\n0,5,6\n").find("line 1: a field is empty"), std::string::npos);
  EXPECT_NE(message(std::string("\xff\xfe"
                                "1\0,\0",
                                6))
                .find("it is in UTF-16"),
            std::string::npos);
}

TEST(TensorFile, NetworksReadLumaInZeroToOne) {
  const test::TemporaryFolder folder;
  const auto message = [&](const char* name, Bytes bytes) {
    write_file(folder / name, bytes);
    return error_of([&] { read_input(folder / name); });
  };
  const auto npy = [&](std::vector<float> values) { return message("x.npy", format_npy(values, {2, 2})); };
  EXPECT_EQ(npy({0, 0.25, 1, 1.25}), "no error");
  EXPECT_NE(
      npy({0, 16, 300, 1}).find("x.npy: it has values from 0 to 300, but the input is expected in [0, 1]; divide"),
      std::string::npos);
  EXPECT_NE(npy({0, -16, 1, 1}).find("values from -16 to 1"), std::string::npos);
  EXPECT_NE(npy({0, NAN, 1, 1}).find("but the input is expected"), std::string::npos);
  EXPECT_NE(message("x.f32", as_bytes("123412341234123412341234")).find("x.f32: it has 6 values but does"),
            std::string::npos);
  EXPECT_NE(message("x.txt", as_bytes("0.5\n0.5\n")).find("it has 2 values but does not tell"), std::string::npos);
  EXPECT_EQ(message("x.txt", as_bytes("# shape 1 1 1 2\n0.5\n0.5\n")), "no error");
  EXPECT_EQ(message("x.txt", as_bytes("0.5 0.5\n0.5 0.5\n")), "no error");
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
