#include "nn/prelu.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

TEST(Prelu, AgreesWithPyTorch) {
  const auto cases = test::golden_cases("prelu");
  ASSERT_GE(cases.size(), 300U);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.number);
    Tensor<float> x = c.input;
    prelu(x, c.weight.values());
    EXPECT_EQ(x, c.output);
    Tensor<double> wide = test::to_double(c.input);
    prelu(wide, test::to_double(c.weight.values()));
    EXPECT_EQ(wide, test::to_double(c.output));
  }
}

TEST(Prelu, NamesTheWrongNumberOfSlopes) {
  Tensor<float> x({1, 3, 2, 2});
  EXPECT_EQ(test::error_of([&] {
              prelu(x, {0.1F, 0.2F});
            }),
            "3: prelu: 2 slopes for 3 channels; give one per channel, or one for all");
}

}  // namespace
}  // namespace fsrcnn
