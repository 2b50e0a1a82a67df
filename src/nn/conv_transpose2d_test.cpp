#include "nn/conv_transpose2d.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::pair_of;
using test::to_double;

ConvTranspose2dParams transposed_params_of(const nlohmann::json& json) {
  return {.stride = pair_of(json["stride"]),
          .padding = pair_of(json["padding"]),
          .output_padding = pair_of(json["output_padding"]),
          .dilation = pair_of(json["dilation"]),
          .groups = json["groups"]};
}

// The golden values are such that every sum is exact, so equality is demanded of every form.
TEST(ConvTranspose2d, AgreesWithPyTorch) {
  const auto cases = test::golden_cases("conv_transpose2d");
  ASSERT_GE(cases.size(), 300U);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.number + " " + c.parameters.dump());
    const ConvTranspose2dParams params = transposed_params_of(c.parameters);
    const Tensor<double> input = to_double(c.input), weight = to_double(c.weight);
    const std::vector<double> bias = to_double(c.bias);
    EXPECT_EQ(conv_transpose2d_reference(c.input, c.weight, c.bias, params), c.output);
    EXPECT_EQ(conv_transpose2d_slides(c.input, c.weight, c.bias, params).output, c.output);
    EXPECT_EQ(conv_transpose2d(c.input, c.weight, c.bias, params), c.output);
    EXPECT_EQ(conv_transpose2d_reference(input, weight, bias, params), to_double(c.output));
    EXPECT_EQ(conv_transpose2d_slides(input, weight, bias, params).output, to_double(c.output));
  }
}

Tensor<float> matrix(const nlohmann::json& rows) {
  Tensor<float> plane({1, 1, static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  for (int64_t y = 0; y < plane.shape().h; ++y)
    for (int64_t x = 0; x < plane.shape().w; ++x) plane(0, 0, y, x) = rows[y][x];
  return plane;
}

TEST(ConvTranspose2d, GivesTheSlidesNumbers) {
  std::ifstream file(test::test_file("golden/conv_transpose2d_slides.json"));
  const nlohmann::json slides = nlohmann::json::parse(file)["cases"];
  ASSERT_EQ(slides.size(), 7U);
  for (const auto& slide : slides) {
    SCOPED_TRACE(slide["name"].get<std::string>());
    const int64_t stride = slide["stride"], padding = slide["padding"], output_padding = slide["output_padding"];
    const ConvTranspose2dParams params{
        .stride = {stride, stride}, .padding = {padding, padding}, .output_padding = {output_padding, output_padding}};
    const Tensor<float> input = matrix(slide["input"]), weight = matrix(slide["weight"]),
                        expected = matrix(slide["output"]);
    // Sums of up to four numbers below 2: they agree with PyTorch's to the last bit or its neighbour.
    constexpr double kTolerance = 4 * 6e-8 * 6;
    EXPECT_LE(test::max_difference(conv_transpose2d_reference(input, weight, {}, params), expected), kTolerance);
    EXPECT_LE(test::max_difference(conv_transpose2d_slides(input, weight, {}, params).output, expected), kTolerance);
    EXPECT_LE(test::max_difference(conv_transpose2d(input, weight, {}, params), expected), kTolerance);
  }
}

// "ConvTranspose2d(1, 1, 3, stride=(2,2), padding=(1,1), output_padding=(1,1))" on 3x3, drawn step by step.
TEST(ConvTranspose2d, ShowsTheSlidesSteps) {
  const Tensor<float> input({1, 1, 3, 3}, {1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8});
  const Tensor<float> weight({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto steps =
      conv_transpose2d_slides(input, weight, {}, {.stride = {2, 2}, .padding = {1, 1}, .output_padding = {1, 1}});
  const Tensor<float> zeros_inserted({1, 1, 5, 5}, {1.0, 0, 1.1, 0, 1.2,  //
                                                    0,   0, 0,   0, 0,    //
                                                    1.3, 0, 1.4, 0, 1.5,  //
                                                    0,   0, 0,   0, 0,    //
                                                    1.6, 0, 1.7, 0, 1.8});
  const Tensor<float> padded({1, 1, 8, 8}, {0, 0,   0, 0,   0, 0,   0, 0,  //
                                            0, 1.0, 0, 1.1, 0, 1.2, 0, 0,  //
                                            0, 0,   0, 0,   0, 0,   0, 0,  //
                                            0, 1.3, 0, 1.4, 0, 1.5, 0, 0,  //
                                            0, 0,   0, 0,   0, 0,   0, 0,  //
                                            0, 1.6, 0, 1.7, 0, 1.8, 0, 0,  //
                                            0, 0,   0, 0,   0, 0,   0, 0,  //
                                            0, 0,   0, 0,   0, 0,   0, 0});
  EXPECT_EQ(steps.zeros_inserted, zeros_inserted);
  EXPECT_EQ(steps.padded, padded);
  EXPECT_EQ(steps.kernel_turned, Tensor<float>({1, 1, 3, 3}, {9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(steps.output.shape(), (Shape{1, 1, 6, 6}));
}

// The slides' last example: 1920x1080 of ones to 3840x2160 by a 9x9 kernel whose first row is 1 to 9.
TEST(ConvTranspose2d, TurnsFullHdOnesIntoTheSlides4k) {
  Tensor<float> input({1, 1, 1080, 1920});
  std::fill(input.values().begin(), input.values().end(), 1.0F);
  Tensor<float> weight({1, 1, 9, 9});
  std::iota(weight.data(), weight.data() + 9, 1.0F);
  const ConvTranspose2dParams params{.stride = {2, 2}, .padding = {4, 4}, .output_padding = {1, 1}};
  for (const auto& output :
       {conv_transpose2d_reference(input, weight, {}, params),
        conv_transpose2d_slides(input, weight, {}, params).output, conv_transpose2d(input, weight, {}, params)}) {
    ASSERT_EQ(output.shape(), (Shape{1, 1, 2160, 3840}));
    double sum = 0;
    for (int64_t y = 0; y < 2160; ++y) {
      const float* row = output.row(0, 0, y);
      if (y % 2 == 0 && y <= 2 * 1079 - 4) {
        EXPECT_EQ(std::vector<float>(row, row + 3), (std::vector<float>{9, 12, 16})) << "row " << y;
        EXPECT_EQ(std::vector<float>(row + 3837, row + 3840), (std::vector<float>{18, 21, 14})) << "row " << y;
      } else {
        EXPECT_TRUE(std::all_of(row, row + 3840, [](float v) { return v == 0; })) << "row " << y;
      }
      sum = std::accumulate(row, row + 3840, sum);
    }
    EXPECT_EQ(sum, 93089612);
  }
}

TEST(ConvTranspose2d, NamesTheWrongParameter) {
  const Shape in{1, 4, 8, 8}, weight{4, 3, 3, 3};
  const std::string op = "3: conv_transpose2d: ";
  struct WrongCase {
    Shape input, weight;
    int64_t bias;
    ConvTranspose2dParams params;
    const char* message;
  };
  const std::vector<WrongCase> cases = {
      {in, weight, 0, {.stride = {1, 0}}, "stride is (1, 0), but each must be from 1 to 2147483647"},
      {in, weight, 0, {.padding = {-1, 0}}, "padding is (-1, 0), but each must be from 0 to 2147483647"},
      {in, weight, 0, {.output_padding = {0, -1}}, "output_padding is (0, -1), but each must be from 0 to 2147483647"},
      {in, weight, 0, {.dilation = {0, 1}}, "dilation is (0, 1), but each must be from 1 to 2147483647"},
      {in, weight, 0, {.groups = -1}, "groups is -1, but must be at least 1"},
      {in, weight, 0, {.groups = 3}, "in_channels is 4, not a multiple of groups = 3"},
      {in, {5, 3, 3, 3}, 0, {}, "the input has 4 channels, but weight (5, 3, 3, 3) (in, out/groups, kh, kw) expects 5"},
      {in,
       weight,
       4,
       {.groups = 2},
       "the bias has 4 values for 6 output channels; give one per channel, or none"},
      {in,
       weight,
       0,
       {.stride = {2, 2}, .output_padding = {0, 2}},
       "output_padding is 2 (width), but must be smaller than stride (2) or dilation (1)"},
      {in,
       weight,
       0,
       {.output_padding = {1, 0}},
       "output_padding is 1 (height), but must be smaller than stride (1) or dilation (1)"},
      {{1, 4, 1, 8},
       weight,
       0,
       {.padding = {2, 0}},
       "the output is empty: its height would be (1 - 1) * 1 - 2 * 2 + 1 * (3 - 1) + 0 + 1 = -1"},
      {in,
       {4, 3, 0, 3},
       0,
       {},
       "the weight has shape (4, 3, 0, 3), but channels, height and width must be from 1 to 2147483647"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(error_of([&] { conv_transpose2d_output_shape(c.input, c.weight, c.bias, c.params); }), op + c.message);
  }
  // Dilation alone allows output_padding too, as in PyTorch.
  EXPECT_EQ(conv_transpose2d_output_shape(in, weight, 0, {.output_padding = {1, 1}, .dilation = {2, 2}}).h, 13);
}

TEST(ConvTranspose2d, RefusesWhatDoesNotFitIntoMemory) {
  const ConvTranspose2dParams params{.stride = {2000000000, 2000000000}};
  const Tensor<float> input({1, 1, 2, 2}), weight({1, 1, 1, 1});
  EXPECT_NE(error_of([&] { conv_transpose2d_reference(input, weight, {}, params); }).find("does not fit"),
            std::string::npos);
  EXPECT_NE(error_of([&] { conv_transpose2d(input, weight, {}, params); }).find("does not fit"), std::string::npos);
  // One pixel stays one pixel, however large the stride.
  EXPECT_EQ(conv_transpose2d(Tensor<float>({1, 1, 1, 1}, {3}), Tensor<float>({1, 1, 1, 1}, {2}), {}, params),
            Tensor<float>({1, 1, 1, 1}, {6}));
}

}  // namespace
}  // namespace fsrcnn
