#include "porting/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

const std::pair<std::string, std::string> kNames = {"a", "b"};

Comparison compare_values(const std::vector<float>& a, const std::vector<float>& b, double tolerance = 1e-5) {
  const Shape shape{1, 1, 1, static_cast<int64_t>(a.size())};
  return compare({Tensor<float>(shape, a)}, {Tensor<float>(shape, b)}, tolerance, 5, kNames);
}

TEST(Compare, FiguresByHand) {
  const Comparison c = compare_values({0, 1, 0.5F, 0.25F}, {0, 0.5F, 0.75F, 0.25F});
  EXPECT_EQ(c.max, 0.5);
  EXPECT_EQ(c.min, -0.25);
  EXPECT_EQ(c.mean, 0.0625);
  EXPECT_EQ(c.mean_absolute, 0.1875);
  EXPECT_DOUBLE_EQ(c.rms, std::sqrt(0.3125 / 4));
  EXPECT_DOUBLE_EQ(c.psnr_db, 10 * std::log10(4 / 0.3125));
  EXPECT_EQ(c.beyond, 2);
  EXPECT_EQ(c.histogram.front(), 2);
  EXPECT_EQ(c.histogram[9], 2) << "0.25 and 0.5 lie between 0.1 and 1";
  ASSERT_EQ(c.worst.size(), 2U);
  EXPECT_EQ(c.worst[0].x, 1);
  EXPECT_EQ(c.worst[1].x, 2);
  EXPECT_EQ(c.first->x, 1);
  EXPECT_EQ(c.largest_ulp, 1 << 23) << "from 0.5 to 1";
}

// The slides' own: numpy.around rounds in the array's type, half to even.
TEST(Compare, RoundsAsNumPyDoes) {
  const Comparison c = compare_values({0.123456F, 0.2F}, {0.123449F, 0.2F});
  // numpy.around(numpy.float32(0.123456), 5) - numpy.around(numpy.float32(0.123449), 5)
  EXPECT_EQ(c.rounded_max, static_cast<double>(0.12346F) - static_cast<double>(0.12345F));
  EXPECT_EQ(c.rounded_min, 0);
}

TEST(Compare, EqualTensorsAreWithinEveryTolerance) {
  const Comparison c = compare_values({1, -0.0F, INFINITY, NAN}, {1, 0, INFINITY, NAN}, 0);
  EXPECT_TRUE(c.within());
  EXPECT_EQ(c.largest_ulp, 0);
  EXPECT_EQ(c.psnr_db, INFINITY);
  EXPECT_EQ(c.not_finite, 2);
}

TEST(Compare, NeverForgetsWhatIsNotANumber) {
  EXPECT_EQ(compare_values({1, NAN}, {1, 0}).beyond, 1);
  EXPECT_EQ(compare_values({1, INFINITY}, {1, -INFINITY}).beyond, 1);
  EXPECT_EQ(compare_values({NAN, 5}, {0, 0}).worst[0].x, 0);
}

TEST(Compare, ToleranceGrowsWithFullScale) {
  EXPECT_TRUE(compare_values({100.0005F, 100}, {100, 100}).within());
  EXPECT_FALSE(compare_values({0.0005F, 1}, {0, 1}).within());
}

TEST(Compare, TakesTheOthersShapeWhereThereIsNone) {
  const TensorFile shaped{Tensor<float>({1, 2, 1, 2}, {1, 2, 3, 4})};
  const TensorFile flat{Tensor<float>({1, 1, 1, 4}, {1, 2, 3, 5}), false};
  EXPECT_EQ(compare(shaped, flat, 1e-5, 5, kNames).worst[0].c, 1);
  EXPECT_EQ(compare(flat, shaped, 1e-5, 5, kNames).worst[0].c, 1);
  const TensorFile other{Tensor<float>({1, 1, 2, 2}, {1, 2, 3, 4})};
  EXPECT_NE(test::error_of([&] { compare(shaped, other, 1e-5, 5, kNames); }).find("NHWC, or transposed?"),
            std::string::npos);
  EXPECT_EQ(test::error_of([&] {
              compare(shaped, {Tensor<float>({1, 1, 1, 3})}, 1e-5, 5, kNames);
            }),
            "3: a has shape (1, 2, 1, 2), but b has (1, 1, 1, 3)");
}

TEST(HeatMap, IsBlackWhereNothingDiffersAndBrightestAtTheWorst) {
  Tensor<float> a({1, 2, 3, 4});
  a(0, 1, 2, 3) = 1;
  a(0, 0, 0, 1) = 0.001F;
  const Picture map = heat_map({a}, {Tensor<float>(a.shape())}, 1e-5);
  const int64_t zoom = 16;
  // The planes lie one above the other: 2 planes of 3x4 make about a square so.
  EXPECT_EQ(map.header.height, 2 * (3 * zoom + 1) - 1);
  EXPECT_EQ(map.header.width, 4 * zoom);
  const auto light = [&](int64_t y, int64_t x) {
    return map.planes(0, 0, y, x) + map.planes(0, 1, y, x) + map.planes(0, 2, y, x);
  };
  EXPECT_EQ(light(0, 0), 0);
  EXPECT_GT(light(0, zoom), 0);
  EXPECT_GT(light(map.header.height - 1, map.header.width - 1), 2.5F);
  EXPECT_GT(light(map.header.height - 1, map.header.width - 1), light(0, zoom));
}

}  // namespace
}  // namespace fsrcnn
