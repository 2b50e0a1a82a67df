#include "network/formats/onnx_numbers.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using enum ElementType;
using Values = std::vector<double>;

OnnxNumbers list(ElementType type, Values values) {
  return {{static_cast<int64_t>(values.size())}, std::move(values), {}, type};
}

OnnxNumbers run(const std::string& op, const std::vector<OnnxNumbers>& inputs,
                std::vector<OnnxAttribute> attributes = {}) {
  std::vector<const OnnxNumbers*> pointers;
  for (const OnnxNumbers& input : inputs) pointers.push_back(&input);
  const OnnxNode node{op, "node", "", {"a", "b"}, {"c"}, std::move(attributes)};
  return run_on_numbers(node, pointers, 17, "x").value();
}

/// `to` is TensorProto.DataType.
OnnxNumbers cast(ElementType from, Values values, int64_t to) {
  OnnxAttribute a{.name = "to", .type = OnnxAttribute::integer_};
  a.integer = to;
  return run("Cast", {list(from, std::move(values))}, {a});
}
constexpr int64_t kUint8 = 2, kInt8 = 3, kInt32 = 6, kInt64 = 7, kBool = 9, kHalf = 10, kUint64 = 13, kBfloat16 = 16;

TEST(OnnxNumbers, CastsOfIntegersKeepTheLowBits) {
  const OnnxNumbers narrow = cast(i32, {-1000, -129, -128, 127, 128, 300}, kInt8);
  EXPECT_EQ(narrow.values, (Values{24, 127, -128, 127, -128, 44}));
  EXPECT_EQ(narrow.type, i8);
  EXPECT_EQ(cast(i32, {-1, 256, 255}, kUint8).values, (Values{255, 0, 255}));
  EXPECT_EQ(cast(i64, {4294967296.0 + 5, -2147483649.0}, kInt32).values, (Values{5, 2147483647}));
  EXPECT_EQ(cast(i64, {0, 256, -3}, kBool).values, (Values{0, 1, 1}));
  EXPECT_NE(test::error_of([] { cast(i64, {9.2e18}, kInt32); }).find("integers of at most 53 bits are supported"),
            std::string::npos);
}

TEST(OnnxNumbers, CastsOfFloatsRoundAndRefuseWhatDoesNotFit) {
  EXPECT_EQ(cast(f32, {1 + 0x1p-11, 1 + 3 * 0x1p-11, 65519, 65520, 0x1p-25, 3 * 0x1p-25, -0.1F}, kHalf).values,
            (Values{1, 1 + 0x1p-9, 65504, HUGE_VAL, 0, 0x1p-23, -0.0999755859375}));
  EXPECT_EQ(cast(f32, {1 + 0x1p-8, 1 + 3 * 0x1p-8, 0x1.FFp127F}, kBfloat16).values, (Values{1, 1 + 0x1p-6, HUGE_VAL}));
  EXPECT_EQ(cast(f64, {0.1}, 1).values, (Values{0.1F}));
  EXPECT_EQ(cast(i32, {16777217}, 1).values, (Values{16777216}));
  EXPECT_EQ(cast(f32, {-127.9, 127.9, -0.5}, kInt8).values, (Values{-127, 127, 0}));
  EXPECT_EQ(cast(f32, {0x1p62}, kInt64).values, (Values{0x1p62}));
  const auto error = [](double value, int64_t to) { return test::error_of([&] { cast(f32, {value}, to); }); };
  EXPECT_NE(error(300.75, kInt8).find("x: Cast 'node' casts 300.75 to int8, which holds -128 to 127"),
            std::string::npos)
      << error(300.75, kInt8);
  EXPECT_NE(error(-1, kUint8).find("casts -1 to uint8, which holds 0 to 255"), std::string::npos);
  for (const double value : {0x1p63, -HUGE_VAL, std::nan("")}) {
    EXPECT_NE(error(value, kInt64).find("to int64, which holds"), std::string::npos) << value;
  }
  EXPECT_NE(error(0x1p64, kUint64).find("to uint64, which holds 0 to"), std::string::npos);
}

TEST(OnnxNumbers, IntegersWrapInTheirType) {
  const auto combined = [](const char* op, ElementType type, double x, double y) {
    const OnnxNumbers result = run(op, {list(type, {x}), list(type, {y})});
    EXPECT_EQ(result.type, type);
    return result.values[0];
  };
  EXPECT_EQ(combined("Sub", u8, 3, 128), 131);
  EXPECT_EQ(combined("Add", i8, 100, 100), -56);
  EXPECT_EQ(combined("Mul", i32, 65536, 65537), 65536);
  EXPECT_EQ(combined("Mul", u16, 65535, 65535), 1);
  EXPECT_EQ(combined("Div", i8, -128, -1), -128);
  EXPECT_EQ(combined("Div", i64, -7, 2), -3);
  EXPECT_EQ(combined("Min", u8, 3, 128), 3);
  EXPECT_EQ(run("Neg", {list(i8, {-128, 5})}).values, (Values{-128, -5}));
  EXPECT_EQ(run("Abs", {list(i8, {-128, -5})}).values, (Values{-128, 5}));
  EXPECT_EQ(run("ReduceProd", {list(i32, {65536, 65537})}).values, (Values{65536}));
  EXPECT_NE(test::error_of([&] { combined("Mul", i64, 0x1p40, 0x1p20); }).find("integers of at most 53 bits"),
            std::string::npos);
}

TEST(OnnxNumbers, FloatsRoundInTheirType) {
  EXPECT_EQ(run("Mul", {list(f32, {0.1F}), list(f32, {0.1F})}).values, (Values{0.1F * 0.1F}));
  EXPECT_EQ(run("Add", {list(f16, {2048}), list(f16, {1})}).values, (Values{2048}));
  EXPECT_EQ(run("Sqrt", {list(f32, {2})}).values, (Values{std::sqrt(2.0F)}));
  EXPECT_NE(test::error_of([] {
              run("Add", {list(f32, {1}), list(i64, {1})});
            }).find("combines float32 with int64; both inputs must have the same type"),
            std::string::npos);
}

// Types go where numbers are moved.
TEST(OnnxNumbers, MovesKeepTheType) {
  EXPECT_EQ(run("Gather", {list(u8, {7, 8}), list(i64, {1})}).type, u8);
  EXPECT_EQ(run("Concat", {list(i8, {7}), list(i8, {1})}, {{.name = "axis", .type = OnnxAttribute::integer_}}).type,
            i8);
  EXPECT_EQ(run("Equal", {list(i64, {7}), list(i64, {1})}).type, boolean);
}

}  // namespace
}  // namespace fsrcnn
