#include "nn/depth_to_space.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

TEST(DepthToSpace, AgreesWithPyTorch) {
  const auto cases = test::golden_cases("depth_to_space");
  ASSERT_GE(cases.size(), 300U);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.number + " " + c.parameters.dump());
    const int64_t r = c.parameters["upscale_factor"];
    EXPECT_EQ(depth_to_space(c.input, r), c.output);
    EXPECT_EQ(depth_to_space(test::to_double(c.input), r), test::to_double(c.output));
  }
}

TEST(DepthToSpace, NamesTheWrongParameter) {
  EXPECT_EQ(test::error_of([] {
              depth_to_space(Tensor<float>({1, 6, 2, 2}), 2);
            }),
            "3: depth_to_space: the input has 6 channels, not a multiple of upscale_factor^2 = 4");
  EXPECT_EQ(test::error_of([] {
              depth_to_space(Tensor<float>({1, 4, 2, 2}), 0);
            }),
            "3: depth_to_space: upscale_factor is (0, 0), but each must be from 1 to 2147483647");
  EXPECT_EQ(test::error_of([] {
              depth_to_space(Tensor<float>({1, 4, 2, 2}), 2147483647);
            }),
            "3: depth_to_space: the input has 4 channels, not a multiple of upscale_factor^2 = 4611686014132420609");
}

}  // namespace
}  // namespace fsrcnn
