#include "support/golden.hpp"

#include <gtest/gtest.h>

namespace fsrcnn::test {
namespace {

TEST(MaxDifference, NeverForgetsWhatIsNotANumber) {
  const Tensor<float> zeros({1, 1, 1, 4});
  EXPECT_EQ(max_difference(Tensor<float>({1, 1, 1, 4}, {1, -3, 2, 0}), zeros), 3);
  EXPECT_EQ(max_difference(Tensor<float>({1, 1, 1, 4}, {1, NAN, 2, 0}), zeros), INFINITY);
  EXPECT_EQ(max_difference(Tensor<float>({1, 1, 1, 4}, {NAN, 1, 0, 0}), zeros), INFINITY);
  EXPECT_EQ(max_difference(Tensor<float>({1, 1, 2, 2}), zeros), INFINITY);
}

}  // namespace
}  // namespace fsrcnn::test
