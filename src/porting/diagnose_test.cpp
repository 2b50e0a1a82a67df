#include "porting/diagnose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "porting/segment.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/port.hpp"

namespace fsrcnn {
namespace {

using test::NewcomersPort;

struct World {
  std::string name;
  Network model;
  Tensor<float> luma, other_picture;
};

/// The compiled-in weights on a photograph; random ones, of another shape, on noise.
const std::vector<World>& worlds() {
  static const std::vector<World> both = [] {
    const Tensor<float> photo = read_input(test::test_file("data/crop.png"));
    const auto cut = [&](int64_t y, int64_t x, int64_t h, int64_t w) {
      Tensor<float> part({1, 1, h, w});
      for (int64_t i = 0; i < h; ++i)
        for (int64_t j = 0; j < w; ++j) part(0, 0, i, j) = photo(0, 0, y + i, x + j);
      return part;
    };
    std::vector<World> list;
    list.push_back({"real", *builtin_network("fsrcnn-x2"), cut(20, 30, 21, 18), cut(50, 5, 21, 18)});
    list.push_back({"random", test::random_network(16, 8, 2, 3, 5), test::random_tensor({1, 1, 17, 22}, 1),
                    test::random_tensor({1, 1, 17, 22}, 2)});
    for (float& w : list.back().model.layers.back().weight.values()) w *= 3;  // an output that the clamp meets
    return list;
  }();
  return both;
}

size_t tail_of(const Network& model) { return model.layers.size() - 1; }

/// Diagnoses what a port wrote: for every layer, or of the output alone.
Diagnosis diagnose_port(const World& world, const NewcomersPort& port, bool every_layer = true) {
  const std::vector<Tensor<float>> written = port.run(world.luma);
  DiagnoseRequest request{.network = &world.model, .input = world.luma, .dumps = {}};
  for (size_t i = 0; i < written.size(); ++i) {
    const bool tail = i == tail_of(world.model);
    if (!tail && !every_layer) continue;
    const std::string name = tail ? "preds" : dump_name(world.model.layers[i].name, "prelu");
    request.dumps.push_back({name, name + ".npy", {written[i]}});
  }
  return diagnose(request);
}

using Planted = std::pair<std::string, size_t>;

/// Every mistake on record at every kind of layer where it can be made and is seen.
std::vector<Planted> singles(const Network& model) {
  const size_t tail = tail_of(model), first = 0, shrinking = 1, mapping = 2, mapping2 = 3, expanding = tail - 1;
  std::vector<Planted> list;
  for (const char* id : {"kernel_not_turned", "kernel_transposed", "kernel_upside_down", "kernel_mirrored",
                         "padding_replicate", "crop_off_1_1", "crop_off_-1_0", "crop_off_2_2"}) {
    for (const size_t layer : {first, mapping, tail}) list.emplace_back(id, layer);
  }
  for (const char* id : {"bias_missing", "bias_doubled", "bias_each_channel"}) {
    for (const size_t layer : {shrinking, mapping, tail}) list.emplace_back(id, layer);
  }
  for (const char* id : {"relu", "activation_missing", "slope_0.25", "slope_0.01", "slope_of_first_channel",
                         "slope_negated", "bias_after_activation"}) {
    for (const size_t layer : {first, mapping2, expanding}) list.emplace_back(id, layer);
  }
  for (const char* id : {"weights_rounded_2_decimals", "weights_rounded_3_decimals", "weights_rounded_2_digits",
                         "kernels_rounded_2_decimals", "kernels_rounded_3_digits"}) {
    for (const size_t layer : {first, shrinking, tail}) list.emplace_back(id, layer);
  }
  for (const char* id : {"input_nhwc", "input_channels_reversed", "input_channels_reversed_by_4", "input_upside_down",
                         "input_transposed"}) {
    for (const size_t layer : {mapping, tail}) list.emplace_back(id, layer);
  }
  for (const char* id : {"output_nhwc", "output_channels_reversed", "output_upside_down", "output_mirrored"}) {
    list.emplace_back(id, shrinking);
    list.emplace_back(id, mapping);
  }
  for (const char* id : {"output_upside_down", "output_scale_255", "output_truncated", "output_padding_missing",
                         "output_padding_top_left", "crop_off_-3_-3", "bias_of_mid_part.0"}) {
    list.emplace_back(id, tail);
  }
  for (const char* id : {"input_scale_255", "input_scale_twice", "input_full_range", "input_upside_down"}) {
    list.emplace_back(id, first);
  }
  list.emplace_back("padding_missing", mapping2);
  list.emplace_back("kernel_axes_swapped", mapping);
  list.emplace_back("kernel_axes_swapped", shrinking);
  list.emplace_back("bias_of_mid_part.4", mapping);
  list.emplace_back("slope_of_mid_part.4", mapping);
  list.emplace_back("input_of_shrinking", mapping2);
  list.emplace_back("output_of_other_layer", expanding);
  list.emplace_back("input_of_another_picture", first);
  return list;
}

std::string named(const Diagnosis& d) {
  std::string text;
  for (const std::string& id : d.mistakes) text += (text.empty() ? "" : " + ") + id;
  return text + " at " + d.layer;
}

/// Whether a port with the mistake that was named writes the same for its layer: 1x1 kernels turn with their input.
bool has_same_effect(const World& world, const NewcomersPort& planted, size_t layer, const Diagnosis& d) {
  if (d.mistakes.size() != 1 || d.layer != world.model.layers[layer].name) return false;
  const Tensor<float> other = NewcomersPort{world.model, {{d.mistakes[0], layer}}}.run(world.luma)[layer];
  const Tensor<float> found = planted.run(world.luma)[layer];
  return other.shape() == found.shape() && test::max_difference(other, found) < 1e-6;
}

class DiagnosePlanted : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Weights, DiagnosePlanted, testing::Values(0, 1),
                         [](const auto& test) { return worlds()[test.param].name; });

TEST_P(DiagnosePlanted, EveryMistakeOnRecordIsNamed) {
  {
    const World& world = worlds()[GetParam()];
    size_t count = 0, right = 0;
    const std::vector<Tensor<float>> good = NewcomersPort{world.model}.run(world.luma);
    for (const auto& [id, layer] : singles(world.model)) {
      NewcomersPort port{world.model, {{id, layer}}, world.other_picture};
      // A mistake that changes nothing is none: the test would be of nothing.
      ASSERT_NE(port.run(world.luma)[layer], good[layer]) << world.name << " " << id << " " << layer;
      const Diagnosis d = diagnose_port(world, port);
      // Another input explains anything: it is told, and is no cause.
      const bool is_input = id == "input_of_another_picture";
      const std::vector<std::string> expected = is_input ? std::vector<std::string>{} : std::vector<std::string>{id};
      const bool is_named = !d.right && d.mistakes == expected && d.layer == world.model.layers[layer].name &&
                            (!is_input || d.verdict.find("with another input") != std::string::npos);
      ++count;
      right += is_named || has_same_effect(world, port, layer, d) ? 1 : 0;
      if (!is_named) {
        std::printf("%s: %s at %s was taken for %s\n  %s\n", world.name.c_str(), id.c_str(),
                    world.model.layers[layer].name.c_str(), named(d).c_str(), d.verdict.c_str());
      }
    }
    std::printf("%s weights: %zu of %zu single mistakes named\n", world.name.c_str(), right, count);
    EXPECT_GT(count, 80U);
    EXPECT_GE(static_cast<double>(right), 0.97 * static_cast<double>(count)) << world.name;
  }
}

TEST_P(DiagnosePlanted, PairsAreNamed) {
  using Pair = std::pair<const char*, const char*>;
  const std::vector<Pair> at_tail = {
      {"kernel_not_turned", "bias_missing"},          {"kernel_not_turned", "output_padding_missing"},
      {"kernel_transposed", "bias_doubled"},          {"kernel_not_turned", "input_channels_reversed"},
      {"crop_off_1_1", "kernel_transposed"},          {"crop_off_-3_-3", "bias_missing"},
      {"padding_replicate", "kernel_not_turned"},     {"input_nhwc", "kernel_not_turned"},
      {"output_padding_missing", "bias_missing"},     {"output_upside_down", "kernel_mirrored"},
      {"weights_rounded_2_decimals", "bias_missing"}, {"input_upside_down", "bias_doubled"},
      {"output_truncated", "kernel_not_turned"}};
  const std::vector<Pair> at_mapping = {{"relu", "bias_missing"},
                                        {"kernel_not_turned", "relu"},
                                        {"padding_replicate", "relu"},
                                        {"kernel_axes_swapped", "activation_missing"},
                                        {"kernel_transposed", "slope_0.25"},
                                        {"bias_doubled", "slope_negated"},
                                        {"output_nhwc", "bias_missing"}};
  {
    const World& world = worlds()[GetParam()];
    size_t right = 0;
    for (const bool tail : {true, false}) {
      for (const auto& [a, b] : tail ? at_tail : at_mapping) {
        const size_t layer = tail ? tail_of(world.model) : 2;
        const Diagnosis d = diagnose_port(world, {world.model, {{a, layer}, {b, layer}}});
        std::set<std::string> found(d.mistakes.begin(), d.mistakes.end());
        const bool is_named = found == std::set<std::string>{a, b} && d.layer == world.model.layers[layer].name;
        right += is_named ? 1 : 0;
        if (!is_named) {
          std::printf("%s: %s + %s was taken for %s\n  %s\n", world.name.c_str(), a, b, named(d).c_str(),
                      d.verdict.c_str());
        }
      }
    }
    std::printf("%s weights: %zu of 20 pairs named\n", world.name.c_str(), right);
    // One pair is another mistake: kernels not turned and channels reversed are values reversed in memory.
    EXPECT_GE(right, 19U) << world.name;
  }
}

// From the picture and the output alone.
TEST(Diagnose, NeedsNoFeatures) {
  const World& world = worlds()[0];
  const size_t tail = tail_of(world.model);
  for (const Planted& planted : std::vector<Planted>{{"kernel_not_turned", tail},
                                                     {"relu", 3},
                                                     {"bias_missing", 1},
                                                     {"padding_replicate", 2},
                                                     {"input_full_range", 0}}) {
    const Diagnosis d = diagnose_port(world, {world.model, {planted}}, false);
    EXPECT_EQ(d.mistakes, std::vector<std::string>{planted.first}) << d.verdict;
    EXPECT_EQ(d.layer, world.model.layers[planted.second].name);
  }
  // An input of 255 times the size makes an output that is all cut off, which would be the same of many mistakes.
  const Diagnosis saturated = diagnose_port(world, {world.model, {{"input_scale_255", 0}}}, false);
  EXPECT_TRUE(saturated.mistakes.empty());
  EXPECT_NE(saturated.verdict.find("it is 1 everywhere"), std::string::npos) << saturated.verdict;
  NewcomersPort everywhere{world.model};
  for (size_t i = 0; i < tail; ++i) everywhere.mistakes.insert({"relu", i});
  const Diagnosis d = diagnose_port(world, everywhere, false);
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"relu"}) << d.verdict;
  EXPECT_EQ(d.layer, "all layers");
}

TEST(Diagnose, NamesNothingForAPortThatIsRight) {
  for (const World& world : worlds()) {
    for (const bool every_layer : {true, false}) {
      for (const char* harmless : {"", "output_8_bits"}) {
        const Diagnosis d = diagnose_port(world, {world.model, {{harmless, tail_of(world.model)}}}, every_layer);
        EXPECT_TRUE(d.right) << world.name << harmless << d.verdict;
        EXPECT_EQ(d.layers.size(), every_layer ? world.model.layers.size() : 1);
        EXPECT_TRUE(d.mistakes.empty());
        EXPECT_TRUE(d.hypotheses.empty());
      }
    }
    // float32's noise, and dumps in a text of six decimals, are no mistake.
    for (const double step : {1e-6, 3e-7}) {
      std::vector<Tensor<float>> written = NewcomersPort{world.model}.run(world.luma);
      DiagnoseRequest request{.network = &world.model, .input = world.luma, .dumps = {}};
      for (size_t i = 0; i < written.size(); ++i) {
        for (float& v : written[i].values()) v = static_cast<float>(std::nearbyint(v / step) * step);
        const bool tail = i == tail_of(world.model);
        request.dumps.push_back({tail ? "preds" : world.model.layers[i].name, "f", {written[i]}});
      }
      const Diagnosis d = diagnose(request);
      EXPECT_TRUE(d.right) << world.name << d.verdict;
    }
  }
}

TEST(Diagnose, FindsValuesThatAreNotFinite) {
  const World& world = worlds()[1];
  const size_t tail = tail_of(world.model);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const size_t layer : {size_t{2}, tail}) {
      std::vector<Tensor<float>> written = NewcomersPort{world.model}.run(world.luma);
      written[layer].data()[100] = bad;  // finite values follow
      DiagnoseRequest request{.network = &world.model, .input = world.luma, .dumps = {}};
      for (size_t i = 0; i < written.size(); ++i) {
        request.dumps.push_back({i == tail ? "preds" : world.model.layers[i].name, "f.npy", {written[i]}});
      }
      const Diagnosis d = diagnose(request);
      EXPECT_FALSE(d.right);
      EXPECT_EQ(d.mistakes, std::vector<std::string>{"not_finite"}) << d.verdict;
      EXPECT_EQ(d.layer, world.model.layers[layer].name);
      EXPECT_NE(d.verdict.find(layer == tail ? "channel 0, row 1, column 34 (" : "channel 0, row 4, column 12 ("),
                std::string::npos)
          << d.verdict;
      EXPECT_TRUE(std::isnan(d.layers[layer].difference));
    }
  }
  Tensor<float> luma = world.luma;
  luma.data()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(test::error_of([&] {
              diagnose({.network = &world.model, .input = luma, .dumps = {{"preds", "f", {luma}}}});
            }).find("has a value that is not finite: channel 0, row 0, column 5"),
            std::string::npos);
}

TEST(Diagnose, CountsADifferenceThatIsNotFiniteAsInfinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(difference_of(1, 3), 2);
  EXPECT_EQ(difference_of(infinity, infinity), 0);
  for (const float other : {0.0F, nan, -infinity}) EXPECT_EQ(difference_of(infinity, other), infinity);
  EXPECT_EQ(difference_of(nan, 0), infinity);
}

TEST(Diagnose, SolvesForOtherLayers) {
  for (const World& world : worlds()) {
    Network other = world.model;
    const Tensor<float> foreign = test::random_tensor(other.layers[2].weight.shape(), 9, -0.3F, 0.3F);
    std::copy(foreign.plane(3, 5), foreign.plane(3, 5) + 9, other.layers[2].weight.plane(3, 5));
    Diagnosis d = diagnose_port(world, {other});
    EXPECT_EQ(d.files, (std::vector<std::string>{"kernel/mid2/kernel3_5.txt"})) << d.verdict;

    other = world.model;
    other.layers[1].slope[2] = 0.625F;
    d = diagnose_port(world, {other});
    EXPECT_EQ(d.mistakes, std::vector<std::string>{"slopes"});
    EXPECT_EQ(d.files, (std::vector<std::string>{"prelu/mid0/prelu2_0.txt"})) << d.verdict;
  }
}

// A dialect that the tests' port does not have.
TEST(Diagnose, KnowsAMissingBorder) {
  Network model = *builtin_network("fsrcnn-x2");
  for (Layer& layer : model.layers) layer.conv.padding_mode = PaddingMode::replicate;
  const Tensor<float> luma = test::random_tensor({1, 1, 17, 22}, 1), preds = reference_network(model, luma);
  model.layers.back().border = 1;
  for (int64_t* padding :
       {&model.layers.back().conv_transpose.padding.h, &model.layers.back().conv_transpose.padding.w}) {
    *padding += 2;
  }
  const Diagnosis d = diagnose({.network = &model, .input = luma, .dumps = {{"preds", "preds.npy", {preds}}}});
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"border_missing"}) << d.verdict;
  EXPECT_EQ(d.layer, "deconvolution");
}

TEST(Diagnose, KnowsPlacesByTheirNames) {
  const Network& model = worlds()[0].model;
  const auto place = [&](const char* name) { return parse_place(model, name); };
  EXPECT_EQ(place("00_input.npy"), (NetworkPlace{-1, true}));
  EXPECT_EQ(place("mid"), (NetworkPlace{6, true}));
  EXPECT_EQ(place("mid_part.10"), (NetworkPlace{6, false}));
  EXPECT_EQ(place("mid_part.11"), (NetworkPlace{6, true}));
  EXPECT_EQ(place("dumps/05_mapping_2_convolution.txt"), (NetworkPlace{3, false}));
  EXPECT_EQ(place("Feature Extraction"), (NetworkPlace{0, true}));
  EXPECT_EQ(place("last_part"), (NetworkPlace{7, false}));
  EXPECT_EQ(place("19_deconvolution_bias.npy"), (NetworkPlace{7, false}));
  EXPECT_EQ(place("20_deconvolution_clamp.npy"), (NetworkPlace{7, true}));
  EXPECT_EQ(place("15_deconvolution_padded.npy"), std::nullopt);
  const Tensor<float> x({1, 1, 4, 4});
  EXPECT_NE(test::error_of([&] {
              diagnose({.network = &model, .input = x, .dumps = {{"nowhere", "f", {x}}}});
            }).find("2: there is no layer 'nowhere' in the network; expected input, a layer such as"),
            std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
