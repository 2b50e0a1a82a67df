// Curves that the output's values went through: gammas, ranges; the same at each pixel.
#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/curve_words.hpp"
#include "porting/fits.hpp"
#include "porting/rearrange.hpp"
#include "porting/transfer_curves.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kCurvePoints = 2000;
constexpr double kCurveShare = 0.9;  // the share of the points that a curve must meet

using CurvePoints = std::vector<std::pair<float, float>>;  // right, found

CurvePoints curve_points_of(const Tensor<float>& right, const Tensor<float>& found, size_t most) {
  std::mt19937 generator(23);
  CurvePoints points;
  const auto count = static_cast<uint64_t>(right.count());
  for (uint64_t i = 0; i < count && points.size() < most; ++i) {
    const uint64_t at = count <= most ? i : generator() % count;
    points.emplace_back(right.data()[at], found.data()[at]);
  }
  return points;
}

class Curves {
 public:
  explicit Curves(const LayerCase& layer)
      : layer_(layer), points_(curve_points_of(layer.right(), layer.found(), kCurvePoints)) {}

  std::vector<Mistake> all() {
    if (layer_.right().shape() != layer_.found().shape() || points_.size() < 32) return {};
    if (layer_.port().is_last) {
      known();
      ranges();
    }
    power();
    return std::move(list_);
  }

 private:
  double met(const std::function<float(float)>& f) const {
    double n = 0;
    for (const auto& [r, v] : points_) n += std::abs(f(r) - v) <= layer_.tolerance() ? 1 : 0;
    return n / static_cast<double>(points_.size());
  }

  bool curve(const std::string& id, const std::string& sentence, double numbers, const std::function<float(float)>& f) {
    if (met(f) < kCurveShare) return false;
    list_.push_back({"output_" + id, sentence, "output_range", true,
                     [f](LayerPort& p) { p.after.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); },
                     numbers});
    return true;
  }

  void known() {
    for (const TransferCurve& c : transfer_curves()) {
      curve(c.id, fmt::format(fmt::runtime(c.sentence), "the output"), 0.3, c.f);
    }
  }

  void ranges() {
    const auto clamped = [](double v) { return static_cast<float>(std::clamp(v, 0.0, 1.0)); };
    curve("limited_to_full", "the output is brought from limited range (16 to 235) to full range, and clamped", 0.3,
          [=](float v) { return clamped((v * 255.0 - 16) / 219); });
    curve("full_to_limited", "the output is brought from full range to limited range (16 to 235)", 0.3,
          [=](float v) { return clamped((v * 219.0 + 16) / 255); });
    curve("doubled_clamped", "the output is doubled, and clamped to [0, 1]", 0.4,
          [=](float v) { return clamped(2.0 * v); });
  }

  /// Any exponent, of values that are not negative.
  void power() {
    double xy = 0, xx = 0;
    for (const auto& [r, f] : points_) {
      if (r < -layer_.tolerance() || f < -layer_.tolerance()) return;
      if (r < 0.05F || r > 0.95F || f <= 0) continue;
      const double x = std::log(static_cast<double>(r)), y = std::log(static_cast<double>(f));
      xy += x * y, xx += x * x;
    }
    if (xx == 0) return;
    if (std::abs(xy / xx - 1) < 1e-3) return;
    for (const double exponent : {std::nearbyint(100 * xy / xx) / 100, xy / xx}) {
      const bool is_met =
          curve("power", fmt::format("the output is raised to the power of {:.4g} (a gamma)", exponent), 0.9,
                [exponent](float v) { return static_cast<float>(std::pow(std::max(v, 0.0F), exponent)); });
      if (is_met) return;
    }
  }

  const LayerCase& layer_;
  CurvePoints points_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_curves(const LayerCase& layer) { return Curves(layer).all(); }

std::string curve_words(const Tensor<float>& right, const Tensor<float>& found, double tolerance) {
  constexpr double kSteepest = 30, kMostJumps = 0.01;
  if (right.shape() != found.shape() || right.count() < 64) return "";
  CurvePoints points = curve_points_of(right, found, 20000);
  std::sort(points.begin(), points.end());
  const double range = static_cast<double>(points.back().first) - points.front().first;
  size_t jumps = 0, differing = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    differing += std::abs(points[i].second - points[i].first) > tolerance ? 1 : 0;
    if (i == 0) continue;
    const double step = static_cast<double>(points[i].first) - points[i - 1].first;
    const double change = std::abs(static_cast<double>(points[i].second) - points[i - 1].second);
    jumps += change > kSteepest * step + 2 * tolerance ? 1 : 0;
  }
  if (range <= 64 * tolerance || 4 * differing < points.size()) return "";
  if (static_cast<double>(jumps) > kMostJumps * static_cast<double>(points.size())) return "";
  std::vector<std::string> parts;
  for (const double share : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    const auto& [r, f] = points[static_cast<size_t>(share * static_cast<double>(points.size() - 1))];
    parts.push_back(fmt::format("{:.3g} -> {:.3g}", r, f));
  }
  return fmt::format("each value is a function (a curve) of the right one alone: {}", fmt::join(parts, ", "));
}

}  // namespace fsrcnn
