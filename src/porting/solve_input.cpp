#include "porting/solve_input.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {

namespace {

/// Channels are more than enough: an input has one.
constexpr size_t kSolvedChannels = 8;

/// The channels with the strongest kernels, by what their activation lets through.
std::vector<int64_t> strongest(const LayerPort& port, const Shape& shape) {
  std::vector<std::pair<double, int64_t>> strength;
  const Shape w = port.weight.shape();
  for (int64_t c = 0; c < shape.c; ++c) {
    double squares = 0;
    for (int64_t i = 0; i < w.h * w.w; ++i) {
      squares += static_cast<double>(port.weight.plane(c, 0)[i]) * port.weight.plane(c, 0)[i];
    }
    const double slope = port.activates ? port.slope_of(c) : 1;
    strength.emplace_back(-squares * (slope > 0.05 ? 1 : 0.01), c);
  }
  std::sort(strength.begin(), strength.end());
  std::vector<int64_t> list;
  for (size_t i = 0; i < std::min(kSolvedChannels, strength.size()); ++i) list.push_back(strength[i].second);
  return list;
}

LayerPort with_channels(const LayerPort& port, const std::vector<int64_t>& channels) {
  const Shape w = port.weight.shape();
  LayerPort part = port;
  part.weight = Tensor<float>({static_cast<int64_t>(channels.size()), w.c, w.h, w.w});
  part.bias.clear();
  part.slope.clear();
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t c = channels[i];
    std::copy_n(port.weight.plane(c, 0), w.c * w.h * w.w, part.weight.plane(static_cast<int64_t>(i), 0));
    if (!port.bias.empty()) part.bias.push_back(port.bias[static_cast<size_t>(c)]);
    part.slope.push_back(port.slope.empty() ? 1.0F : port.slope_of(c));
  }
  return part;
}

std::pair<Tensor<float>, double> solve(const LayerPort& port, const Tensor<float>& output);

}  // namespace

std::pair<Tensor<float>, double> solve_input(const LayerPort& port, const Tensor<float>& output) {
  const Shape shape = output.shape();
  if (shape.c <= static_cast<int64_t>(kSolvedChannels)) return solve(port, output);
  const std::vector<int64_t> channels = strongest(port, shape);
  Tensor<float> part({1, static_cast<int64_t>(channels.size()), shape.h, shape.w});
  for (size_t i = 0; i < channels.size(); ++i) {
    std::copy_n(output.plane(0, channels[i]), shape.h * shape.w, part.plane(0, static_cast<int64_t>(i)));
  }
  auto [x, worst] = solve(with_channels(port, channels), part);
  // All the others must agree.
  const Tensor<float> all = compute(port, x);
  for (int64_t i = 0; i < output.count(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(all.data()[i]) - output.data()[i]));
  }
  return {std::move(x), worst};
}

namespace {

std::pair<Tensor<float>, double> solve(const LayerPort& port, const Tensor<float>& output) {
  const Shape shape = output.shape();
  const Tensor<double> weight(port.weight.shape(), {port.weight.values().begin(), port.weight.values().end()});
  const Conv2dParams conv{.padding = port.padding, .dilation = port.dilation};
  const ConvTranspose2dParams transposed{.padding = port.padding, .dilation = port.dilation};
  // A zero slope hides half of the values.
  Tensor<double> right(shape), known(shape);
  for (int64_t i = 0; i < output.count(); ++i) {
    const int64_t c = i / (shape.h * shape.w);
    double value = output.data()[i];
    const double slope = port.activates ? port.slope_of(c) : 1;
    if (value < 0 && slope > 0) value /= slope;
    known.data()[i] = slope > 1e-3 || (slope >= 0 && value > 0) ? 1 : 0;
    right.data()[i] = known.data()[i] * (value - (port.bias.empty() ? 0 : port.bias[c]));
  }
  const auto forward = [&](const Tensor<double>& x) {
    Tensor<double> y = conv2d_reference(x, weight, std::vector<double>(), conv);
    for (int64_t i = 0; i < y.count(); ++i) y.data()[i] *= known.data()[i];
    return y;
  };
  const auto dot = [](const Tensor<double>& a, const Tensor<double>& b) {
    double sum = 0;
    for (int64_t i = 0; i < a.count(); ++i) sum += a.data()[i] * b.data()[i];
    return sum;
  };
  Tensor<double> x({1, 1, shape.h, shape.w}), left = right;
  Tensor<double> gradient = conv_transpose2d_reference(left, weight, std::vector<double>(), transposed);
  Tensor<double> direction = gradient;
  double norm = dot(gradient, gradient);
  const double enough = std::max(1e-26 * static_cast<double>(output.count()), 1e-17 * norm);
  for (int iteration = 0; iteration < 300 && norm > enough; ++iteration) {
    const Tensor<double> step = forward(direction);
    const double length = norm / std::max(dot(step, step), 1e-300);
    for (int64_t i = 0; i < x.count(); ++i) x.data()[i] += length * direction.data()[i];
    for (int64_t i = 0; i < left.count(); ++i) left.data()[i] -= length * step.data()[i];
    gradient = conv_transpose2d_reference(left, weight, std::vector<double>(), transposed);
    const double next = dot(gradient, gradient);
    for (int64_t i = 0; i < x.count(); ++i)
      direction.data()[i] = gradient.data()[i] + next / norm * direction.data()[i];
    norm = next;
  }
  double worst = 0;
  for (const double value : left.values()) worst = std::max(worst, std::abs(value));
  return {Tensor<float>(x.shape(), {x.values().begin(), x.values().end()}), worst};
}

}  // namespace

std::optional<ValueCurve> value_curve(const Tensor<float>& given, const Tensor<float>& solved) {
  constexpr float kSteepest = 40, kNoise = 1e-3F;
  std::vector<std::pair<float, float>> points;
  for (int64_t i = 0; i < given.count(); ++i) points.emplace_back(given.data()[i], solved.data()[i]);
  std::sort(points.begin(), points.end());
  size_t jumps = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    const float step = points[i].first - points[i - 1].first,
                change = std::abs(points[i].second - points[i - 1].second);
    jumps += change > kSteepest * step + kNoise ? 1 : 0;
  }
  if (points.empty() || 100 * jumps > points.size()) return std::nullopt;
  const auto at = [&](float value) {
    const auto found = std::lower_bound(points.begin(), points.end(), std::pair(value, 0.0F));
    return found == points.end() ? points.back().second : found->second;
  };
  ValueCurve curve{std::nullopt, at(0.25F), at(0.5F), at(0.75F)};
  double xy = 0, xx = 0;
  for (const auto& [v, x] : points) {
    if (v < 0.05F || v > 0.95F || x <= 0) continue;
    xy += std::log(static_cast<double>(v)) * std::log(static_cast<double>(x));
    xx += std::log(static_cast<double>(v)) * std::log(static_cast<double>(v));
  }
  if (xx == 0) return curve;
  const double power = xy / xx;
  const bool fits = std::all_of(points.begin(), points.end(), [&](const auto& p) {
    return p.first < 0 || std::abs(std::pow(static_cast<double>(p.first), power) - p.second) <= kNoise;
  });
  if (fits && std::abs(power - 1) > 1e-3) curve.power = power;
  return curve;
}

}  // namespace fsrcnn
