#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/changes.hpp"
#include "porting/vector_relations.hpp"

namespace fsrcnn {
namespace {

using Kind = Change::Kind;

constexpr size_t kMostNamed = 4;  // kernels, biases and slopes that are named one by one
constexpr float kTrace = 1e-3F;   // of the largest: what solving leaves

float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float v : values) most = std::max(most, std::abs(v));
  return most;
}

/// Places where two lists differ by more than a trace.
std::vector<int64_t> differing(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<int64_t> list;
  const float trace = kTrace * std::max(largest(a), largest(b));
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (std::abs(a[i] - b[i]) > trace) list.push_back(static_cast<int64_t>(i));
  }
  return list;
}

std::string times(double factor) {
  return factor == 2 ? "twice what they should be" : fmt::format("{:.6g} times what they should be", factor);
}

/// What is other, one by one.
ChangeWords each(const LayerPort& right, const LayerPort& other) {
  const Shape s = right.weight.shape();
  const std::vector<int64_t> weights = differing(right.weight.values(), other.weight.values());
  const std::vector<int64_t> biases = differing(right.bias, other.bias), slopes = differing(right.slope, other.slope);
  std::vector<int64_t> kernels;
  for (const int64_t i : weights) {
    if (kernels.empty() || kernels.back() != i / (s.h * s.w)) kernels.push_back(i / (s.h * s.w));
  }
  ChangeWords words{!kernels.empty() ? "kernels" : !biases.empty() ? "bias" : "slopes", {}, true};
  words.few = kernels.size() + biases.size() + slopes.size() <= kMostNamed;
  if (!words.few && kernels.empty() && biases.empty() != slopes.empty()) {
    const bool of_biases = slopes.empty();
    const std::vector<float>&from = of_biases ? right.bias : right.slope, &to = of_biases ? other.bias : other.slope;
    const std::vector<double> precision(to.size(), kTrace * std::max(largest(from), largest(to)));
    const std::vector<VectorReading> relations = vector_relations(from, to, precision);
    const auto simplest = std::min_element(relations.begin(), relations.end(),
                                           [](const auto& a, const auto& b) { return a.numbers < b.numbers; });
    if (simplest != relations.end()) {
      return {words.id, fmt::format("the {} {}", of_biases ? "biases" : "slopes", simplest->words), true};
    }
  }
  std::vector<std::string> parts;
  if (words.few && weights.size() == 1 && s.h * s.w > 1) {
    const int64_t i = weights[0];
    parts.push_back(fmt::format("the value in row {}, column {} of kernel ({}, {}) is {:.6g}, not {:.6g}",
                                i / s.w % s.h, i % s.w, kernels[0] / s.c, kernels[0] % s.c, other.weight.data()[i],
                                right.weight.data()[i]));
  } else if (words.few) {
    for (const int64_t k : kernels) parts.push_back(fmt::format("kernel ({}, {}) is another", k / s.c, k % s.c));
  } else if (!kernels.empty()) {
    parts.push_back(fmt::format("{} of {} kernels are others", kernels.size(), s.n * s.c));
  }
  const auto numbers = [&](const char* what, const std::vector<int64_t>& list, const std::vector<float>& from,
                           const std::vector<float>& to) {
    if (!words.few && !list.empty()) {
      parts.push_back(
          fmt::format("{} {}{} are others", list.size(), what, what == std::string_view("bias") ? "es" : "s"));
    }
    for (const int64_t i : words.few ? list : std::vector<int64_t>{}) {
      parts.push_back(fmt::format("the {} of channel {} is {:.6g}, not {:.6g}", what, i, to[i], from[i]));
    }
  };
  numbers("bias", biases, right.bias, other.bias);
  numbers("slope", slopes, right.slope, other.slope);
  words.sentence =
      parts.empty() ? "its parameters are nearly those of the model" : fmt::format("{}", fmt::join(parts, " and "));
  return words;
}

/// By what the first weight that is not 0 was multiplied.
double factor_of(const LayerPort& right, const LayerPort& other) {
  int64_t at = 0;
  for (int64_t i = 0; i < right.weight.count(); ++i) {
    const float difference = std::abs(other.weight.data()[i] - right.weight.data()[i]);
    if (difference > std::abs(other.weight.data()[at] - right.weight.data()[at])) at = i;
  }
  const double factor = static_cast<double>(other.weight.data()[at]) / right.weight.data()[at];
  return std::abs(factor) < 1e-4 ? 0 : factor;
}

}  // namespace

ChangeWords words_of(const Change& change, const LayerPort& right, const LayerPort& other) {
  const auto scaled = [&](const std::string& what) {
    return ChangeWords{"kernels", fmt::format("{} are {}", what, times(factor_of(right, other))), true};
  };
  switch (change.kind) {
    case Kind::scale: return scaled("all weights");
    case Kind::gain: return scaled("all weights and biases");
    case Kind::channel_gain: {
      const double factor = factor_of(right, other);
      return {"kernels",
              factor == 0 ? fmt::format("channel {} is 0 before the activation", change.a)
                          : fmt::format("the factor (scale) of channel {} is {:.6g}, not 1", change.a, factor),
              true};
    }
    case Kind::channel_scale: return scaled(fmt::format("the weights of output channel {}", change.a));
    case Kind::input_gain:
      if (factor_of(right, other) == 0) {
        return {"kernels", fmt::format("input channel {} is left out", change.b), true};
      }
      return scaled(fmt::format("the weights of input channel {}", change.b));
    case Kind::gains: return {"kernels", "each channel is multiplied by a factor (scale) of its own", false};
    case Kind::input_gains:
      return {"kernels", "the weights of each input channel are multiplied by a factor of their own", false};
    case Kind::taps:
      return {"kernels", "the weights at each place of the kernels are multiplied by a factor of their own", false};
    default: return each(right, other);
  }
}

}  // namespace fsrcnn
