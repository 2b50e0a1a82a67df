// Networks that are no FSRCNN: chains within them are looked at as its layers are; sums are compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "porting/diagnose.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

/// What a port writes for each layer, by trace's names: the reference's maps of a network that has a mistake.
std::vector<Dump> dumps_of(const Network& port, const Tensor<float>& input) {
  std::vector<Dump> dumps;
  for (const FeatureMap<float>& map : reference_feature_maps(port, input)) {
    const std::string name = dump_name(map.layer, map.step == "deconvolution" ? "bias" : map.step);
    dumps.push_back({name, name + ".npy", {map.values}});
  }
  return dumps;
}

/// Those that are places of the network.
std::vector<Dump> placed(const Network& network, std::vector<Dump> dumps) {
  std::erase_if(dumps, [&](const Dump& dump) { return !parse_place(network, dump.name); });
  return dumps;
}

Diagnosis diagnose_port(const Network& network, const Network& port, const Tensor<float>& input) {
  return diagnose({.network = &network, .input = input, .dumps = placed(network, dumps_of(port, input))});
}

Tensor<float> channels_last(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> result({1, s.h, s.w, s.c});
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) result(0, y, x, c) = t(0, c, y, x);
  return result;
}

Network residual() {
  Network network = test::residual_network(Colours::rgb, 8, 3, 2, 5);
  // As a file of weights names them.
  for (size_t i = 0; i < 5; ++i) network.layers[i].key = fmt::format("body.{}", 2 * i);
  return network;
}

Tensor<float> picture() { return test::random_tensor({1, 3, 17, 20}, 6); }

TEST(DiagnoseNetworks, ARightPortIsRight) {
  for (const auto& [name, network] : test::other_networks()) {
    SCOPED_TRACE(name);
    const Tensor<float> input = test::random_tensor({1, network.channels(), 14, 13}, 6);
    const Diagnosis d = diagnose_port(network, network, input);
    EXPECT_TRUE(d.right) << d.verdict;
    EXPECT_GE(d.layers.size(), 1U);
    const Tensor<float> output = reference_network(network, input);
    const Diagnosis whole = diagnose({.network = &network, .input = input, .dumps = {{"preds", "p", {output}}}});
    EXPECT_TRUE(whole.right) << whole.verdict;
  }
}

TEST(DiagnoseNetworks, NamesMistakesInChains) {
  const Network network = residual();
  Network port = network;
  const auto expect = [&](const std::string& mistake, const std::string& layer) {
    const Diagnosis d = diagnose_port(network, port, picture());
    EXPECT_EQ(d.mistakes, std::vector<std::string>{mistake}) << d.verdict;
    EXPECT_EQ(d.layer, layer) << d.verdict;
    EXPECT_EQ(std::count_if(d.layers.begin(), d.layers.end(), [](const LayerFinding& l) { return !l.agrees; }), 1);
    port = network;
  };
  port.layers[2].bias.assign(8, 0);
  expect("bias_missing", "convolution 3");
  port.layers[1].conv.padding_mode = PaddingMode::replicate;
  expect("padding_replicate", "convolution 2");
  for (int64_t i = 0; i < 8 * 3; ++i) {
    float* kernel = port.layers[0].weight.data() + 9 * i;
    std::reverse(kernel, kernel + 9);
  }
  expect("kernel_not_turned", "convolution 1");
  port.layers[3].slope = network.layers[2].slope;
  expect("slope_of_body.4", "convolution 4");
  // Depth to space belongs to the convolution before it.
  port.layers[4].bias.assign(12, 0);
  expect("bias_missing", "convolution 5");
  // Dumped before its depth to space, too.
  for (const FeatureMap<float>& map : reference_feature_maps(port, picture())) {
    if (map.layer != "convolution 5") continue;
    for (const Tensor<float>& values : {map.values, channels_last(map.values)}) {
      const Diagnosis before = diagnose(
          {.network = &network, .input = picture(), .dumps = {{"convolution_5_convolution", "c.npy", {values}}}});
      EXPECT_TRUE(before.right) << before.verdict;
      EXPECT_TRUE(before.layers[0].form.starts_with("before its depth to space")) << before.layers[0].form;
    }
  }
  port.layers[2].activation = Layer::Activation::relu;
  port.layers[2].slope.clear();
  Diagnosis d = diagnose({.network = &network,
                          .input = picture(),
                          .dumps = {{"depth_to_space", "d.npy", {reference_feature_maps(port, picture())[9].values}}}});
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"relu"}) << d.verdict;
  EXPECT_EQ(d.layer, "convolution 3");
}

// As strangers write dumps.
TEST(DiagnoseNetworks, ReadsFilledUpChannelsAndActivatedValues) {
  const Network network = residual();
  const auto maps = reference_feature_maps(network, picture());
  const auto map = [&](const std::string& layer, bool activated) {
    const auto found = std::find_if(maps.begin(), maps.end(), [&](const auto& m) {
      return m.layer == layer && (m.step != "convolution") == activated;
    });
    return found->values;
  };
  // Eight channels in sixteen, the others garbage.
  const Tensor<float> right = map("convolution 2", true);
  Tensor<float> filled = test::random_tensor({1, 16, 17, 20}, 8);
  std::copy_n(right.data(), right.count(), filled.data());
  Diagnosis d = diagnose({.network = &network, .input = picture(), .dumps = {{"convolution_2", "f.npy", {filled}}}});
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_EQ(d.layers[0].form, "the first 8 of 16 channels");
  // Said to be the sums, and activated.
  d = diagnose({.network = &network, .input = picture(), .dumps = {{"convolution_2_convolution", "a.npy", {right}}}});
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_EQ(d.layers[0].form, "after the activation, by its values");
  EXPECT_THROW(diagnose({.network = &network,
                         .input = picture(),
                         .dumps = {{"convolution_2", "e.npy", {Tensor<float>({0, 8, 17, 20})}}}}),
               Error);
}

TEST(DiagnoseNetworks, InfersNoStepWhereTheRightValuesLieOnIt) {
  const Network network = residual();
  Tensor<float> input = picture();
  for (float& v : input.values()) v = std::nearbyint(v * 255) / 255;
  std::vector<Dump> dumps = placed(network, dumps_of(network, input));
  std::erase_if(dumps, [](const Dump& dump) { return dump.name == "sum_clamp"; });
  for (Dump& dump : dumps) {
    if (!dump.name.starts_with("sum")) continue;
    Tensor<float> off = dump.tensor.to_float();
    for (float& v : off.values()) v += 0.0025F;
    dump.tensor = {off};
  }
  EXPECT_FALSE(diagnose({.network = &network, .input = input, .dumps = dumps}).right);
}

TEST(DiagnoseNetworks, SolvesForParameters) {
  const Network network = residual();
  Network port = network;
  const Tensor<float> foreign = test::random_tensor({1, 1, 3, 3}, 9, -0.3F, 0.3F);
  std::copy_n(foreign.data(), 9, port.layers[2].weight.plane(3, 5));
  Diagnosis d = diagnose_port(network, port, picture());
  EXPECT_EQ(d.files, std::vector<std::string>{"kernel (3, 5) of convolution 3"}) << d.verdict;
  port = network;
  std::copy_n(foreign.data(), 9, port.layers[4].weight.plane(7, 2));
  d = diagnose_port(network, port, picture());
  EXPECT_EQ(d.files, std::vector<std::string>{"kernel (7, 2) of convolution 5"}) << d.verdict;
  port = network;
  port.layers[1].slope[2] = 0.625F;
  d = diagnose_port(network, port, picture());
  EXPECT_EQ(d.files, std::vector<std::string>{"slope 2 of convolution 2"}) << d.verdict;
}

TEST(DiagnoseNetworks, TellsWhichSummandIsMissing) {
  const Network network = residual();
  const auto maps = reference_feature_maps(network, picture());
  std::vector<Dump> dumps = placed(network, dumps_of(network, picture()));
  for (const auto& [kept, missing] :
       {std::pair<const char*, const char*>{"base", "convolution 5"}, {"depth to space", "base"}}) {
    for (Dump& dump : dumps) {
      if (!dump.name.starts_with("sum")) continue;
      const auto map = std::find_if(maps.begin(), maps.end(), [&, k = kept](const auto& m) { return m.layer == k; });
      Tensor<float> alone = map->values;
      if (dump.name == "sum_clamp") {
        for (float& v : alone.values()) v = std::clamp(v, 0.0F, 1.0F);
      }
      dump.tensor = {alone};
    }
    const Diagnosis d = diagnose({.network = &network, .input = picture(), .dumps = dumps});
    EXPECT_EQ(d.mistakes, std::vector<std::string>{"summand_missing"}) << d.verdict;
    EXPECT_EQ(d.layer, "sum");
    EXPECT_NE(d.verdict.find(fmt::format("{} is not added", missing)), std::string::npos) << d.verdict;
  }
}

// From the picture and the output alone: what adds on the way is not looked into, and nothing is named.
TEST(DiagnoseNetworks, ComparesWhatIsBehindASum) {
  const Network network = residual();
  Network port = network;
  port.layers[2].bias.assign(8, 0);
  const Diagnosis d = diagnose(
      {.network = &network, .input = picture(), .dumps = {{"preds", "p.npy", {reference_network(port, picture())}}}});
  EXPECT_FALSE(d.right);
  EXPECT_TRUE(d.mistakes.empty());
  EXPECT_EQ(d.layer, "sum");
  EXPECT_NE(d.verdict.find("The output of sum differs: nearly everywhere"), std::string::npos) << d.verdict;
}

// Each sum reads the one before it twice; a walk that looks at both ways each time would never end.
TEST(DiagnoseNetworks, WalksManySumsOnce) {
  test::NetworkBuilder b(Colours::luma, 3);
  int at = b.convolution(1, 1);
  for (int i = 0; i < 60; ++i) {
    const int half = b.convolution(1, 1, at);
    b.network.layers.back().weight.data()[0] = 0.25F;
    b.network.layers.back().bias[0] = 0;
    at = b.add(at, half);
  }
  const Network network = b.finish();
  const Tensor<float> input = test::random_tensor({1, 1, 6, 5}, 6), output = reference_network(network, input);
  EXPECT_TRUE(diagnose({.network = &network, .input = input, .dumps = {{"preds", "p", {output}}}}).right);
}

TEST(DiagnoseNetworks, KnowsPlacesByTheirNames) {
  const Network network = residual();
  const auto place = [&](const char* name) { return parse_place(network, name); };
  EXPECT_EQ(place("01_convolution_1_convolution.npy"), (NetworkPlace{0, false}));
  EXPECT_EQ(place("02_convolution_1_prelu.npy"), (NetworkPlace{0, true}));
  EXPECT_EQ(place("body.4"), (NetworkPlace{2, false}));
  EXPECT_EQ(place("10_depth_to_space_depth_to_space.npy"), (NetworkPlace{4, true}));
  EXPECT_EQ(place("base"), (NetworkPlace{6, true}));
  EXPECT_EQ(place("11_base_interpolation.npy"), (NetworkPlace{6, true}));
  EXPECT_EQ(place("12_sum_addition.npy"), (NetworkPlace{7, false}));
  EXPECT_EQ(place("preds"), (NetworkPlace{7, true}));
  EXPECT_EQ(place("mid"), std::nullopt) << "the last layer reads two";
}

}  // namespace
}  // namespace fsrcnn
