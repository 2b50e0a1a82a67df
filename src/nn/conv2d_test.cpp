#include "nn/conv2d.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::pair_of;

Conv2dParams params_of(const nlohmann::json& json) {
  return {.stride = pair_of(json["stride"]),
          .padding = pair_of(json["padding"]),
          .dilation = pair_of(json["dilation"]),
          .groups = json["groups"],
          .padding_mode = json["padding_mode"] == "zeros" ? PaddingMode::zeros : PaddingMode::replicate};
}

// The golden values are such that every sum is exact, so equality is demanded of both types.
TEST(Conv2d, AgreesWithPyTorch) {
  const auto cases = test::golden_cases("conv2d");
  ASSERT_GE(cases.size(), 300U);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.number + " " + c.parameters.dump());
    const Conv2dParams params = params_of(c.parameters);
    EXPECT_EQ(conv2d_reference(c.input, c.weight, c.bias, params), c.output);
    EXPECT_EQ(conv2d(c.input, c.weight, c.bias, params), c.output);
    EXPECT_EQ(conv2d_reference(test::to_double(c.input), test::to_double(c.weight), test::to_double(c.bias), params),
              test::to_double(c.output));
  }
}

TEST(Conv2d, NamesTheWrongParameter) {
  const Shape in{1, 4, 8, 8}, weight{6, 4, 3, 3};
  struct WrongCase {
    Shape input, weight;
    int64_t bias;
    Conv2dParams params;
    const char* message;
  };
  const std::vector<WrongCase> cases = {
      {in, weight, 0, {.stride = {0, 1}}, "3: conv2d: stride is (0, 1), but each must be from 1 to 2147483647"},
      {in, weight, 0, {.padding = {1, -1}}, "3: conv2d: padding is (1, -1), but each must be from 0 to 2147483647"},
      {in, weight, 0, {.dilation = {1, 0}}, "3: conv2d: dilation is (1, 0), but each must be from 1 to 2147483647"},
      {in, weight, 0, {.groups = 0}, "3: conv2d: groups is 0, but must be at least 1"},
      {in, {6, 2, 3, 3}, 0, {.groups = 4}, "3: conv2d: out_channels is 6, not a multiple of groups = 4"},
      {in, {6, 2, 3, 3}, 0, {.groups = 3}, "3: conv2d: in_channels is 4, not a multiple of groups = 3"},
      {in,
       {6, 3, 3, 3},
       0,
       {},
       "3: conv2d: the input has 4 channels, but weight (6, 3, 3, 3) with groups = 1 expects 3"},
      {in, weight, 5, {}, "3: conv2d: the bias has 5 values for 6 output channels; give one per channel, or none"},
      {in,
       {6, 4, 9, 3},
       0,
       {},
       "3: conv2d: the output is empty: the kernel spans 9 pixels (kernel_size 9, dilation 1), "
       "but the padded input has only 8"},
      {{1, 4, 0, 8},
       weight,
       0,
       {},
       "3: conv2d: the input has shape (1, 4, 0, 8), but channels, height and width must be "
       "from 1 to 2147483647"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(error_of([&] { conv2d_output_shape(c.input, c.weight, c.bias, c.params); }), c.message);
  }
}

TEST(Conv2d, TakesABatchOfNone) {
  const Tensor<float> input({0, 2, 5, 5}), weight({3, 2, 3, 3});
  EXPECT_EQ(conv2d_reference(input, weight, {}, {}).shape(), (Shape{0, 3, 3, 3}));
  EXPECT_EQ(conv2d(input, weight, {}, {}).shape(), (Shape{0, 3, 3, 3}));
}

}  // namespace
}  // namespace fsrcnn
