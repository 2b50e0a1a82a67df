// From a picture and an output alone: which of the layers between is wrong, and what in it.
#include "porting/one_layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "porting/diagnose.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

struct World {
  std::string name;
  Network model;
  Tensor<float> luma;
};

/// The compiled-in weights on a photograph; random ones, with slopes below 0, on noise.
const std::vector<World>& worlds() {
  static const std::vector<World> both = [] {
    const Tensor<float> photo = read_input(test::test_file("data/crop.png"));
    Tensor<float> part({1, 1, 28, 26});
    for (int64_t y = 0; y < 28; ++y) std::copy_n(photo.row(0, 0, y + 20) + 30, 26, part.row(0, 0, y));
    std::vector<World> list;
    list.push_back({"real", *builtin_network("fsrcnn-x2"), part});
    list.push_back({"random", test::random_network(16, 8, 2, 3, 5), test::random_tensor({1, 1, 19, 22}, 1)});
    return list;
  }();
  return both;
}

using Random = std::mt19937;
using Plant = std::function<void(Layer&, Random&)>;

int64_t below(Random& random, int64_t count) { return static_cast<int64_t>(random() % static_cast<uint32_t>(count)); }

float normal(Random& random, double by) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
  return static_cast<float>(by * (sum - 6));
}

double size_of(const std::vector<float>& values) {
  double squares = 0;
  for (const float v : values) squares += static_cast<double>(v) * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

void renew_kernel(Layer& layer, Random& random) {
  const int64_t area = layer.weight.shape().h * layer.weight.shape().w;
  float* kernel = layer.weight.data() + below(random, layer.weight.count() / area) * area;
  const double size = size_of(layer.weight.values());
  for (int64_t i = 0; i < area; ++i) kernel[i] = normal(random, size);
}

/// Kinds of mistakes that are in the parameters of one layer.
const std::vector<std::pair<std::string, Plant>>& kinds() {
  static const std::vector<std::pair<std::string, Plant>> list = {
      {"a kernel", renew_kernel},
      {"three kernels",
       [](Layer& layer, Random& random) {
         for (int i = 0; i < 3; ++i) renew_kernel(layer, random);
       }},
      {"two kernels exchanged",
       [](Layer& layer, Random& random) {
         const int64_t area = layer.weight.shape().h * layer.weight.shape().w, count = layer.weight.count() / area;
         const int64_t a = below(random, count), b = (a + 1 + below(random, count - 1)) % count;
         std::swap_ranges(layer.weight.data() + a * area, layer.weight.data() + (a + 1) * area,
                          layer.weight.data() + b * area);
       }},
      {"a bias", [](Layer& layer, Random& random) { layer.bias[below(random, std::ssize(layer.bias))] += 0.05F; }},
      {"biases moved on",
       [](Layer& layer, Random&) { std::rotate(layer.bias.begin(), layer.bias.begin() + 1, layer.bias.end()); }},
      {"biases scaled",
       [](Layer& layer, Random&) {
         for (float& b : layer.bias) b *= 0.5F;
       }},
      {"a slope",
       [](Layer& layer, Random& random) {
         if (!layer.slope.empty()) layer.slope[below(random, std::ssize(layer.slope))] += 0.3F;
       }},
      {"slopes moved on",
       [](Layer& layer, Random&) {
         if (!layer.slope.empty()) std::rotate(layer.slope.begin(), layer.slope.begin() + 1, layer.slope.end());
       }},
      {"slopes doubled",
       [](Layer& layer, Random&) {
         for (float& s : layer.slope) s *= 2;
       }},
      {"weights scaled",
       [](Layer& layer, Random&) {
         for (float& w : layer.weight.values()) w *= 1.088F;
       }},
      {"a channel scaled",
       [](Layer& layer, Random& random) {
         const Shape s = layer.weight.shape();
         if (layer.op == Layer::Op::transposed_convolution) return;
         const int64_t o = below(random, s.n), size = s.c * s.h * s.w;
         for (int64_t i = 0; i < size; ++i) layer.weight.data()[o * size + i] *= 0.75F;
       }},
      {"an input left out",
       [](Layer& layer, Random& random) {
         const Shape s = layer.weight.shape();
         const bool turned = layer.op == Layer::Op::transposed_convolution;
         const int64_t c = below(random, turned ? s.n : s.c);
         for (int64_t o = 0; o < (turned ? s.c : s.n); ++o) {
           float* kernel = turned ? layer.weight.plane(c, o) : layer.weight.plane(o, c);
           std::fill_n(kernel, s.h * s.w, 0.0F);
         }
       }},
  };
  return list;
}

Diagnosis diagnose_ends(const World& world, const Tensor<float>& output) {
  return diagnose({.network = &world.model, .input = world.luma, .dumps = {{"preds", "preds.npy", {output}}}});
}

struct Count {
  int named = 0, either = 0, unknown = 0, wrong = 0;
  int all() const { return named + either + unknown + wrong; }
};

bool mentions(const Diagnosis& d, const std::string& layer) {
  return d.layer == layer || std::any_of(d.same_result.begin(), d.same_result.end(),
                                         [&](const std::string& s) { return s.starts_with(layer + ":"); });
}

class OneLayer : public testing::TestWithParam<std::pair<size_t, size_t>> {
 public:
  static std::vector<std::pair<size_t, size_t>> all() {
    std::vector<std::pair<size_t, size_t>> list;
    for (size_t world = 0; world < worlds().size(); ++world)
      for (size_t kind = 0; kind < kinds().size(); ++kind) list.emplace_back(world, kind);
    return list;
  }
  static std::string name(const testing::TestParamInfo<std::pair<size_t, size_t>>& info) {
    std::string text = worlds()[info.param.first].name + "_" + kinds()[info.param.second].first;
    std::replace(text.begin(), text.end(), ' ', '_');
    return text;
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, OneLayer, testing::ValuesIn(OneLayer::all()), OneLayer::name);

TEST_P(OneLayer, IsNamedForMistakesInItsParameters) {
  const World& world = worlds()[GetParam().first];
  const auto& [kind, plant] = kinds()[GetParam().second];
  const Tensor<float> right = reference_network(world.model, world.luma);
  Count count;
  // Each takes seconds: with the second set of weights at the last layer alone.
  const size_t layers = world.model.layers.size();
  for (size_t layer = GetParam().first == 0 ? 3 : layers - 1; layer < layers; layer += 8) {
    Random random(static_cast<uint32_t>(100 * layer + kind.size()));
    Network port = world.model;
    plant(port.layers[layer], random);
    const Tensor<float> output = reference_network(port, world.luma);
    if (test::max_difference(output, right) < 1e-3) continue;
    const std::string& name = world.model.layers[layer].name;
    const Diagnosis d = diagnose_ends(world, output);
    if (d.mistakes.empty()) {
      ++count.unknown;
    } else if (!mentions(d, name)) {
      ++count.wrong;
    } else {
      ++(d.same_result.empty() ? count.named : count.either);
    }
    std::printf("%s, %s in %s (%.2g): %s\n", world.name.c_str(), kind.c_str(), name.c_str(),
                test::max_difference(output, right), d.verdict.c_str());
    std::fflush(stdout);
  }
  std::printf("%s, %s: %d named, %d either, %d unknown, %d wrong\n", world.name.c_str(), kind.c_str(), count.named,
              count.either, count.unknown, count.wrong);
  EXPECT_EQ(count.wrong, 0);
  // Of the others, "unknown" is an honest answer.
  const std::set<std::string> mostly_named = {"a kernel", "a bias", "biases scaled"};
  if (GetParam().first == 0 && mostly_named.contains(kind)) {
    EXPECT_LE(2 * count.unknown, count.all());
  }
}

}  // namespace
}  // namespace fsrcnn
