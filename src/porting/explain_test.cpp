#include "porting/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/reference_network.hpp"
#include "porting/explain_pixel.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

/// The numbers that stand behind the table's head "all output channels here:", or, of a single one, after the last "=
/// ".
std::vector<double> results_in(const std::string& text) {
  std::vector<double> results;
  std::istringstream lines(text.substr(text.find("all output channels here:")));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  out ")) {
    std::istringstream words(line.substr(9));
    for (double v = 0; words >> v;) results.push_back(v);
  }
  return results;
}

// Every layer's sums at a pixel, made of what its taps are said to be, are what the network computes there.
TEST(ExplainNetwork, SumsOfEveryLayerAreTheNetworks) {
  for (const test::NamedNetwork& named : test::other_networks()) {
    SCOPED_TRACE(named.name);
    const Network& network = named.network;
    const Tensor<float> input = test::random_tensor({1, network.channels(), 9, 8}, 2);
    std::vector<Tensor<float>> values(network.layers.size());
    const std::vector<ValueShape> shapes = value_shapes(network);
    reference_network<float>(network, input, [&](size_t layer, const std::string& step, const Tensor<float>& x) {
      if (step != "clamp" || network.layers[layer].activation == Layer::Activation::clamp) values[layer] = x;
    });
    for (size_t i = 0; i < network.layers.size(); ++i) {
      std::vector<const Tensor<float>*> read;
      for (const int from : network.layers[i].inputs) {
        read.push_back(from == kNetworkInput ? &input : &values[static_cast<size_t>(from)]);
      }
      const Shape s = values[i].shape();
      for (const Pair at : {Pair{0, 0}, Pair{s.h - 1, s.w - 1}, Pair{1, 0}, Pair{s.h / 2, s.w / 2 + 1}}) {
        const LayerPixel pixel = layer_pixel(network.layers[i], read, at);
        ASSERT_EQ(pixel.outputs, s.c);
        for (int64_t c = 0; c < s.c; ++c) {
          EXPECT_NEAR(pixel.results[static_cast<size_t>(c)], values[i](0, c, at.h, at.w), 1e-5)
              << network.layers[i].name << " " << at.h << " " << at.w;
        }
      }
    }
  }
}

TEST(ExplainNetwork, ShowsEveryLayerOfAnyNetwork) {
  size_t explained = 0;
  for (const test::NamedNetwork& named : test::other_networks()) {
    SCOPED_TRACE(named.name);
    const Network& network = named.network;
    const Tensor<float> input = test::random_tensor({1, network.channels(), 9, 8}, 2);
    const auto last = std::find_if(network.layers.rbegin(), network.layers.rend(),
                                   [](const Layer& layer) { return layer.op == Layer::Op::transposed_convolution; });
    const std::string text = explain_text(network, input, "noise");
    const std::string page = explain_html(network, input, "noise");
    for (size_t i = 0; i < network.layers.size(); ++i) {
      EXPECT_NE(text.find(fmt::format("\n{}. {}\n", i + 1, network.layers[i].name)), std::string::npos);
      EXPECT_NE(page.find(fmt::format("\"{}. {}\"", i + 1, network.layers[i].name)), std::string::npos);
    }
    // Of every layer; the steps of the last one are as wide as its input is.
    std::istringstream lines(text.substr(0, text.find("\nThe last transposed convolution")));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
    const bool has_steps = text.find("ConvTranspose2d(") != std::string::npos;
    EXPECT_EQ(has_steps, last != network.layers.rend());
    if (!has_steps) continue;
    ++explained;
    const Shape w = last->weight.shape();
    EXPECT_NE(text.find(fmt::format("ConvTranspose2d({}, {}, kernel_size=({}, {})", w.n, w.c, w.h, w.w)),
              std::string::npos);
    EXPECT_NE(text.find(" outputs to "), std::string::npos);  // definition, recipe and phases agree
  }
  EXPECT_GE(explained, 6U);
}

// Before depth to space only one channel makes the pixel, wherever it is; of a skip, the added one.
TEST(ExplainNetwork, FollowsThePixelThroughDepthToSpace) {
  size_t followed = 0;
  for (const test::NamedNetwork& named : test::other_networks()) {
    const Network& network = named.network;
    const size_t count = network.layers.size();
    size_t shuffle = count;
    for (size_t i = 0; i < count; ++i) {
      if (network.layers[i].op == Layer::Op::depth_to_space && network.layers[i].factor == network.scale) shuffle = i;
    }
    if (shuffle + 1 != count || network.channels() != 1 || network.layers[shuffle].inputs[0] == kNetworkInput) continue;
    SCOPED_TRACE(named.name);
    ++followed;
    const size_t before = static_cast<size_t>(network.layers[shuffle].inputs[0]);
    const Tensor<float> input = test::random_tensor({1, 1, 9, 8}, 2);
    const int64_t s = network.scale;
    for (const Pair at : {Pair{0, 0}, Pair{5, 4}, Pair{4, 7}, Pair{3, 3}}) {
      const std::string text = explain_text(network, input, "noise", at);
      const size_t head = text.find(fmt::format("\n{}. {}\n", before + 1, network.layers[before].name));
      ASSERT_NE(head, std::string::npos);
      const std::string place =
          fmt::format("  row {}, column {}, output channel {} of {}, which leads to the output pixel", at.h / s,
                      at.w / s, at.h % s * s + at.w % s, s * s);
      EXPECT_NE(text.find(place, head), std::string::npos) << text.substr(head, 400);
      EXPECT_NE(explain_html(network, input, "noise", at).find(fmt::format("\"shown\":{}", at.h % s * s + at.w % s)),
                std::string::npos);
    }
  }
  EXPECT_GE(followed, 1U);
}

// DepthToSpace in DCR order is a convolution that reorders the channels: what it reads is followed, too.
TEST(ExplainNetwork, FollowsAReorderedChannel) {
  Layer order{.weight = Tensor<float>({12, 12, 1, 1})};
  for (int64_t k = 0; k < 12; ++k) order.weight(k, k % 4 * 3 + k / 4, 0, 0) = 1;  // CRD of DCR
  const Tensor<float> input = test::random_tensor({1, 12, 3, 3}, 2);
  const LayerPixel pixel = layer_pixel(order, {&input}, {1, 1});
  for (int64_t k = 0; k < 12; ++k) EXPECT_EQ(channel_read(order, pixel, 12, k), k % 4 * 3 + k / 4);
  order.weight(5, 0, 0, 0) = 0.5F;
  EXPECT_EQ(channel_read(order, layer_pixel(order, {&input}, {1, 1}), 12, 5), std::nullopt);
}

// A part of the picture is enough, wherever the pixel is, and its place is that in the whole picture.
TEST(ExplainNetwork, ShowsThePixelThatIsAskedFor) {
  const Network network = test::random_network(6, 3, 1, 2, 5);
  const Tensor<float> input = test::random_tensor({1, 1, 90, 100}, 2);
  Tensor<float> first;
  reference_network<float>(network, input, [&](size_t layer, const std::string&, const Tensor<float>& x) {
    if (layer == 0) first = x;
  });
  for (const Pair at : {Pair{0, 0}, Pair{179, 199}, Pair{90, 101}, Pair{171, 3}}) {
    const std::string text = explain_text(network, input, "noise", at);
    const std::string place = fmt::format("  row {}, column {}, output channel ", at.h / 2, at.w / 2);
    ASSERT_NE(text.find(place), std::string::npos);
    EXPECT_NE(text.find(fmt::format("  row {}, column {}\n", at.h, at.w)), std::string::npos);  // of the deconvolution
    const std::vector<double> results = results_in(text);
    ASSERT_EQ(results.size(), 6U) << text;
    for (int64_t c = 0; c < 6; ++c) {
      EXPECT_NEAR(results[static_cast<size_t>(c)], first(0, c, at.h / 2, at.w / 2), 6e-5) << at.h << " " << at.w;
    }
  }
  for (const Pair at : {Pair{180, 0}, Pair{0, 200}, Pair{-1, 0}}) {
    EXPECT_EQ(
        test::error_of([&] { explain_text(network, input, "noise", at); }),
        fmt::format("2: there is no pixel {},{}: the output has 180 rows and 200 columns, which are counted from 0",
                    at.h, at.w));
  }
}

}  // namespace
}  // namespace fsrcnn
