#include "picture/resample.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

// PyTorch has the same kernel and treats only the edges in another way, so an inner part must agree.
TEST(Bicubic, AgreesWithPyTorchAwayFromTheEdges) {
  const auto cases = test::golden_cases("bicubic");
  ASSERT_EQ(cases.size(), 7U);
  for (const auto& c : cases) {
    const Shape out = c.output.shape();
    SCOPED_TRACE(to_string(c.input.shape()) + " to " + to_string(out));
    const Tensor<float> resized = resize_bicubic(c.input, out.h, out.w);
    ASSERT_EQ(resized.shape(), out);
    // The kernel reaches 2 pixels, of the input or (when shrinking) of the output.
    const int64_t edge_y = 2 * std::max<int64_t>(1, out.h / c.input.shape().h) + 1;
    const int64_t edge_x = 2 * std::max<int64_t>(1, out.w / c.input.shape().w) + 1;
    for (int64_t k = 0; k < out.c; ++k)
      for (int64_t y = edge_y; y < out.h - edge_y; ++y)
        for (int64_t x = edge_x; x < out.w - edge_x; ++x) {
          ASSERT_NEAR(resized(0, k, y, x), c.output(0, k, y, x), 1e-6) << k << " " << y << " " << x;
        }
  }
}

TEST(Bicubic, MirrorsAtTheEdges) {
  // a = -0.5 at a quarter pixel: -0.0703125, 0.8671875, 0.2265625, -0.0234375 on 1 0 | 0 1 2 ...
  const Tensor<float> ramp({1, 1, 1, 4}, {0, 1, 2, 4});
  const Tensor<float> doubled = resize_bicubic(ramp, 1, 8);
  // Output pixel 0 lies at -0.25: pixels -2, -1, 0, 1 are 1, 0, 0, 1.
  EXPECT_NEAR(doubled(0, 0, 0, 0), -0.0234375 * 1 - 0.0703125 * 1, 1e-7);
  // Output pixel 7 lies at 3.25: pixels 2, 3, 4, 5 are 2, 4, 4, 2.
  EXPECT_NEAR(doubled(0, 0, 0, 7), -0.0703125 * 2 + 0.8671875 * 4 + 0.2265625 * 4 - 0.0234375 * 2, 1e-6);
}

TEST(Bicubic, KeepsFlatPicturesAndPlacesRamps) {
  Tensor<float> flat({1, 1, 5, 7}), ramp({1, 1, 12, 12});
  std::fill(flat.values().begin(), flat.values().end(), 0.7F);
  for (int64_t y = 0; y < 12; ++y)
    for (int64_t x = 0; x < 12; ++x) ramp(0, 0, y, x) = static_cast<float>(x + 2 * y);
  const Tensor<float> larger_flat = resize_bicubic(flat, 13, 3);
  for (const float value : larger_flat.values()) EXPECT_NEAR(value, 0.7F, 1e-6);
  // No half-pixel shift: output pixel x of the doubled ramp lies at (x + 0.5) / 2 - 0.5.
  const Tensor<float> doubled = resize_bicubic(ramp, 24, 24);
  EXPECT_NEAR(doubled(0, 0, 10, 13), (13.5 / 2 - 0.5) + 2 * (10.5 / 2 - 0.5), 1e-5);
}

TEST(Bicubic, TinyPicturesAndWrongSizes) {
  const Tensor<float> dot({1, 1, 1, 1}, {0.3F});
  const Tensor<float> larger = resize_bicubic(dot, 3, 5);
  for (const float value : larger.values()) EXPECT_NEAR(value, 0.3F, 1e-6);
  EXPECT_EQ(test::error_of([&] { resize_bicubic(dot, 0, 5); }),
            "3: a 1x1 picture cannot be resized to 5x0: sizes must be positive");
}

TEST(Bicubic, IsPillowsToTheBit) {
  const auto cases = test::golden_cases("bicubic_pillow");
  ASSERT_EQ(cases.size(), 10U);
  for (const auto& c : cases) {
    SCOPED_TRACE(to_string(c.input.shape()) + " to " + to_string(c.output.shape()));
    EXPECT_EQ(resize_bicubic_pillow(c.input, c.output.shape().h, c.output.shape().w), c.output);
  }
  EXPECT_EQ(test::error_of([&] { resize_bicubic_pillow(cases[0].input, 2, 0); }),
            "3: a 18x24 picture cannot be resized to 0x2: sizes must be positive");
}

}  // namespace
}  // namespace fsrcnn
