#include "picture/colour.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

// MATLAB's rgb2ycbcr of black, white, and the three primaries.
TEST(Colour, MeetsTheCornersOfBt601) {
  const std::array<std::array<float, 6>, 5> corners = {{{0, 0, 0, 16, 128, 128},
                                                        {1, 1, 1, 235, 128, 128},
                                                        {1, 0, 0, 81.481F, 90.203F, 240},
                                                        {0, 1, 0, 144.553F, 53.797F, 34.214F},
                                                        {0, 0, 1, 40.966F, 240, 109.786F}}};
  for (const auto& corner : corners) {
    Tensor<float> planes({1, 4, 1, 1}, {corner[0], corner[1], corner[2], 0.3F});
    rgb_to_ycbcr(planes);
    for (int64_t i = 0; i < 3; ++i) EXPECT_NEAR(255 * planes(0, i, 0, 0), corner[3 + i], 1e-4);
    EXPECT_EQ(planes(0, 3, 0, 0), 0.3F) << "alpha is no colour";
  }
}

TEST(Colour, TheInverseIsExact) {
  const Tensor<float> rgb = test::random_tensor({1, 3, 9, 11}, 1);
  Tensor<float> planes = rgb;
  rgb_to_ycbcr(planes);
  ycbcr_to_rgb(planes);
  EXPECT_LE(test::max_difference(planes, rgb), 5e-7);
}

// A gray photograph must come out the same whether it was saved as gray or as RGB.
TEST(Colour, GrayHasTheLumaOfEqualRgb) {
  const Tensor<float> gray = test::random_tensor({1, 1, 5, 6}, 2);
  Tensor<float> luma = gray, rgb({1, 3, 5, 6});
  for (int64_t i = 0; i < 3; ++i) std::copy(gray.values().begin(), gray.values().end(), rgb.plane(0, i));
  gray_to_luma(luma);
  rgb_to_ycbcr(rgb);
  EXPECT_LE(test::max_difference(luma, Tensor<float>({1, 1, 5, 6}, {rgb.plane(0, 0), rgb.plane(0, 1)})), 1e-7);
  luma_to_gray(luma);
  EXPECT_LE(test::max_difference(luma, gray), 3e-7);
}

}  // namespace
}  // namespace fsrcnn
