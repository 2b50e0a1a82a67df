#include "network/describe.hpp"

#include <gtest/gtest.h>

#include "support/networks.hpp"

namespace fsrcnn {
namespace {

TEST(Describe, TellsLayersAsTheyAre) {
  test::NetworkBuilder b(Colours::rgb, 1);
  b.convolution(4, 3, test::NetworkBuilder::kBefore, PaddingMode::replicate);
  b.with(Layer::Activation::prelu);
  const int grouped = b.convolution(4, 3, 0, PaddingMode::zeros, 2, 2);
  b.network.layers.back().activation = Layer::Activation::prelu;
  b.network.layers.back().slope = {0.5F};
  b.add(grouped, 0);
  b.with(Layer::Activation::clamp, -0.5F, 2);
  b.transposed_convolution(3, 5, 2, 2 + 2, 1);
  b.network.layers.back().border = 1;
  const int base = b.interpolate(Interpolation::bicubic, 2, kNetworkInput);
  b.with(Layer::Activation::tanh);
  b.network.layers.back().cubic_coefficient = -0.5F;
  b.add(3, base);
  b.convolution(12, 1);
  b.depth_to_space(2);
  const Network network = b.finish();
  const auto all = [&](auto&& text) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < network.layers.size(); ++i) texts.push_back(text(i));
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(all([&](size_t i) { return operator_text(network.layers[i]); }),
            (Texts{"convolution", "convolution, dilation 2, 2 groups", "addition", "transposed convolution, stride 2",
                   "bicubic interpolation by 2, a = -0.5", "addition", "convolution", "depth to space by 2"}));
  EXPECT_EQ(all([&](size_t i) { return inputs_text(network, i); }),
            (Texts{"", "", "2, 1", "", "input", "4, 5", "", ""}));
  EXPECT_EQ(all([&](size_t i) { return padding_text(network.layers[i]); }),
            (Texts{"1 replicate", "2 zero", "", "2, border 1", "", "", "", ""}));
  EXPECT_EQ(all([&](size_t i) { return activation_text(network.layers[i]); }),
            (Texts{"PReLU, 4 slopes", "PReLU, one slope", "clamp -0.5 to 2", "", "tanh", "", "", ""}));
  EXPECT_EQ(family_of(network), "unknown network");
  Layer unequal;
  unequal.conv.padding = {1, 2};
  EXPECT_EQ(padding_text(unequal), "(1, 2) zero");
  Layer unknown;
  unknown.op = Layer::Op::transposed_convolution;
  unknown.conv_transpose.stride = {0, 0};
  EXPECT_EQ(operator_text(unknown), "transposed convolution");
}

}  // namespace
}  // namespace fsrcnn
