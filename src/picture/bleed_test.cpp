#include "picture/bleed.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

TEST(Bleed, TransparentPixelsGetTheColourBesideThem) {
  // One plane and alpha: a visible pixel in the middle of a row of seven.
  Tensor<float> rows({1, 2, 1, 7}, {0, 0, 0, 0.8F, 0, 0, 0, 0, 0, 0, 0.5F, 0, 0, 0});
  bleed_colours(rows, 2, rows.shape().h);
  EXPECT_EQ(rows, Tensor<float>({1, 2, 1, 7}, {0, 0.8F, 0.8F, 0.8F, 0.8F, 0.8F, 0, 0, 0, 0, 0.5F, 0, 0, 0}));
}

TEST(Bleed, TheMeanOfTheNearest) {
  Tensor<float> rows({1, 2, 1, 5}, {0.25F, 9, 0.75F, 9, 9, 1, 0, 1, 0, 0});
  bleed_colours(rows, 5, rows.shape().h);
  EXPECT_EQ(rows, Tensor<float>({1, 2, 1, 5}, {0.25F, 0.5F, 0.75F, 0.75F, 0.75F, 1, 0, 1, 0, 0}));
}

TEST(Bleed, VisibleColoursStay) {
  Tensor<float> rows = test::random_tensor({1, 4, 9, 9}, 1, 0.1F, 1);
  const Tensor<float> before = rows;
  bleed_colours(rows, 8, rows.shape().h);
  EXPECT_EQ(rows, before);
}

// What comes of a window of rows is what comes of the whole picture, `reach` rows away from the window's edges.
TEST(Bleed, WindowsAgreeWithTheWhole) {
  constexpr int64_t kHeight = 60, kWidth = 40, kReach = 6;
  Tensor<float> whole = test::random_tensor({1, 3, kHeight, kWidth}, 2);
  for (int64_t i = 0; i < kHeight * kWidth; ++i) whole.plane(0, 2)[i] = i * 7919 % 61 == 0 ? 1.0F : 0.0F;
  for (int64_t first = 0; first + 2 * kReach < kHeight; first += 7) {
    const int64_t rows = std::min<int64_t>(2 * kReach + 5, kHeight - first);
    Tensor<float> window({1, 3, rows, kWidth}), all = whole;
    for (int64_t k = 0; k < 3; ++k) std::copy_n(whole.row(0, k, first), rows * kWidth, window.plane(0, k));
    bleed_colours(window, kReach, window.shape().h);
    bleed_colours(all, kReach, all.shape().h);
    for (int64_t k = 0; k < 3; ++k)
      for (int64_t y = kReach; y < rows - kReach; ++y)
        for (int64_t x = 0; x < kWidth; ++x) {
          ASSERT_EQ(window(0, k, y, x), all(0, k, first + y, x)) << first << " " << k << " " << y << " " << x;
        }
  }
}

}  // namespace
}  // namespace fsrcnn
