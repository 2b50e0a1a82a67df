#include "porting/value_grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace fsrcnn {
namespace {

TEST(ValueGrid, FindsAnyStepAndZero) {
  std::mt19937 generator(1);
  for (const double step : {1.0, 0.25, 1.0 / 255, 0.0123, 3.7e-3, 1.7e-4}) {
    for (const double zero : {0.0, 0.3}) {
      for (const int levels : {5, 60, 255, 4000}) {
        std::vector<float> values;
        for (int i = 0; i < 20000; ++i)
          values.push_back(
              static_cast<float>(zero * step + step * (static_cast<int>(generator() % levels) - levels / 3)));
        const auto grid = grid_of(values);
        ASSERT_TRUE(grid) << step << " " << zero << " " << levels;
        EXPECT_NEAR(grid->step / step, 1, 1e-4);
        EXPECT_NEAR(grid->zero, zero * step, 1e-3 * step) << step << " " << levels;
      }
    }
  }
}

TEST(ValueGrid, FindsNoneInNoise) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> noise(0, 1);
    std::vector<float> values(seed % 2 == 0 ? 20 : 5000);
    for (float& v : values) v = noise(generator);
    EXPECT_FALSE(grid_of(values)) << seed;
  }
  EXPECT_FALSE(grid_of(std::vector<float>{1, 1, 1, 2}));
}

TEST(ValueGrid, IsNotMisledBySparseTails) {
  std::mt19937 generator(2);
  std::normal_distribution<double> bell(0, 30);
  for (const double step : {1.2345e-3, 0.7}) {
    std::vector<float> values;
    for (int i = 0; i < 5000; ++i) values.push_back(static_cast<float>(step * std::nearbyint(bell(generator))));
    for (const int far : {-2100, 999, 1377, 4095}) values.push_back(static_cast<float>(step * far));
    ASSERT_TRUE(grid_of(values));
    EXPECT_NEAR(grid_of(values)->step / step, 1, 1e-6);
  }
  // Two steps and three: the step is their common part.
  const auto grid = grid_of(std::vector<float>{0, 0.2F, 0.5F, 0.7F, 1.0F});
  ASSERT_TRUE(grid);
  EXPECT_NEAR(grid->step, 0.1, 1e-6);
}

}  // namespace
}  // namespace fsrcnn
