#include "porting/precision.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int kNoisyRuns = 3;

/// Steps that are looked for, the coarsest first.
const std::vector<double>& steps() {
  static const std::vector<double> list = [] {
    std::vector<double> all = {1, 1.0 / 255, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
    for (int bits = 1; bits <= 20; ++bits) all.push_back(std::ldexp(1, -bits));
    std::sort(all.begin(), all.end(), std::greater<>());
    return all;
  }();
  return list;
}

/// Of a floating point with fewer bits: the distance of neighbours at the largest value.
double step_of_short_floats(const Tensor<float>& t) {
  uint32_t used = 0;
  float largest = 0;
  for (const float v : t.values()) {
    if (!std::isfinite(v)) continue;
    used |= std::bit_cast<uint32_t>(v) & 0x7fffffU;
    largest = std::max(largest, std::abs(v));
  }
  const int idle = std::countr_zero(used | 0x800000U);
  if (idle < 10 || largest == 0) return 0;
  return std::ldexp(1, std::ilogb(largest) - (23 - idle));
}

constexpr double kHalfUlp = 6.1e-8;  // of float32, relative to the value
/// In units. Of values so large that float32 holds hardly more than the multiples, nearly all are multiples.
constexpr double kMostRounding = 0.2;

}  // namespace

double step_of_values(const Tensor<float>& t) {
  const auto is_multiple = [&](double unit) {
    int64_t telling = 0;
    for (const float v : t.values()) {
      const double count = v / unit, rounding = std::max(1e-4, std::abs(count) * kHalfUlp);
      if (rounding > kMostRounding) continue;
      if (!(std::abs(count - std::nearbyint(count)) <= rounding)) return false;
      ++telling;
    }
    return 2 * telling >= t.count();
  };
  if (std::all_of(t.values().begin(), t.values().end(), [&](float v) { return v == t.values()[0]; })) return 0;
  const double of_floats = step_of_short_floats(t);
  const auto found = std::find_if(steps().begin(), steps().end(), is_multiple);
  if (found == steps().end()) return of_floats;
  return of_floats > 0 ? std::min(*found, of_floats) : *found;
}

std::optional<int> decimals_of(const LayerPort& layer) {
  for (int decimals = 2; decimals <= 6; ++decimals) {
    const double power = std::pow(10.0, decimals);
    const auto fits = [power](float v) {
      const double count = v * power;
      return std::abs(count - std::nearbyint(count)) <= 1e-7 * std::abs(count) + 1e-9;
    };
    const auto all_fit = [&](const std::vector<float>& values) {
      return std::all_of(values.begin(), values.end(), fits);
    };
    if (all_fit(layer.weight.values()) && all_fit(layer.bias) && all_fit(layer.slope)) return decimals;
  }
  return std::nullopt;
}

double error_of_coarse_numbers(const std::vector<LayerPort>& layers, const Tensor<float>& input, double step) {
  std::vector<double> units;
  for (const LayerPort& layer : layers) {
    const auto decimals = decimals_of(layer);
    units.push_back(decimals ? std::pow(10.0, -*decimals) : 0);
  }
  if (step == 0 && std::all_of(units.begin(), units.end(), [](double unit) { return unit == 0; })) return 0;
  Tensor<float> exact = input;
  for (const LayerPort& layer : layers) exact = compute(layer, exact);
  std::mt19937 generator(1);
  const auto disturb = [&](std::vector<float>& values, double unit) {
    std::uniform_real_distribution<float> noise(static_cast<float>(-unit / 2), static_cast<float>(unit / 2));
    for (float& v : values) v += unit > 0 ? noise(generator) : 0;
  };
  double largest = 0;
  for (int run = 0; run < kNoisyRuns; ++run) {
    Tensor<float> x = input;
    disturb(x.values(), step);
    for (size_t i = 0; i < layers.size(); ++i) {
      LayerPort noisy = layers[i];
      disturb(noisy.weight.values(), units[i]);
      disturb(noisy.bias, units[i]);
      disturb(noisy.slope, units[i]);
      x = compute(noisy, x);
    }
    for (int64_t i = 0; i < x.count(); ++i) {
      largest = std::max<double>(largest, std::abs(x.data()[i] - exact.data()[i]));
    }
  }
  return 2 * largest;
}

}  // namespace fsrcnn
