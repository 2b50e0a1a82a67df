#include "porting/value_grid.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace fsrcnn {
namespace {

constexpr int64_t kMostLevels = int64_t{1} << 17;
constexpr double kFloatError = 1.2e-7;  // float32's, of a value: written, and read back from a few products
/// A grid's step in units of what float32 can tell apart at the largest value.
constexpr double kLeastStep = 16;
constexpr int64_t kPart = 8192;     // values that are looked at first
constexpr int64_t kTelling = 4096;  // different ones among these, of which some are neighbours on any grid
constexpr int kMostParts = 12;      // of the smallest gap that may be the step

}  // namespace

namespace {

/// Values that are on a grid are so in a part of them, too, which takes less time to sort.
bool has_grid_in_part(const float* values, int64_t count) {
  std::vector<float> part;
  for (int64_t i = 0; i < kPart; ++i) part.push_back(values[i * (count / kPart)]);
  if (std::adjacent_find(part.begin(), part.end(), std::not_equal_to<>()) == part.end()) return true;
  std::vector<float> sorted = part;
  std::sort(sorted.begin(), sorted.end());
  const auto levels = std::unique(sorted.begin(), sorted.end()) - sorted.begin();
  return levels < kTelling || grid_of(part.data(), kPart).has_value();
}

}  // namespace

std::optional<ValueGrid> grid_of(const float* values, int64_t count) {
  if (count >= 4 * kPart && !has_grid_in_part(values, count)) return std::nullopt;
  std::vector<float> sorted;
  sorted.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(values[i])) sorted.push_back(values[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  const auto levels = static_cast<int64_t>(sorted.size());
  if (levels < 3 || levels > kMostLevels) return std::nullopt;
  const double largest =
      std::max(std::abs(static_cast<double>(sorted.front())), std::abs(static_cast<double>(sorted.back())));
  const double error = kFloatError * largest;
  // Values that are one level but for float32's rounding are one.
  std::vector<double> level = {sorted[0]};
  for (const float v : sorted) {
    if (v - level.back() > 4 * error) level.push_back(v);
  }
  if (level.size() < 3) return std::nullopt;
  // The step is the gap of which all gaps are multiples. From small to large, so that it gets sharper with what is
  // known of it before a gap of many steps is looked at; where one is none, a part of the step may be.
  std::vector<double> gaps;
  for (size_t i = 1; i < level.size(); ++i) gaps.push_back(level[i] - level[i - 1]);
  std::sort(gaps.begin(), gaps.end());
  double sum = gaps[0], steps = 1;
  for (const double gap : gaps) {
    const auto fits = [&](int parts) {
      const double step = sum / steps / parts, k = std::nearbyint(gap / step);
      return std::abs(gap - k * step) <= 4 * error * (1 + k / (steps * parts));
    };
    int parts = 1;
    while (parts <= kMostParts && !fits(parts)) ++parts;
    if (parts > kMostParts) return std::nullopt;
    steps *= parts;
    const double k = std::nearbyint(gap * steps / sum);
    sum += gap, steps += k;
    if (sum / steps < kLeastStep * error) return std::nullopt;
  }
  const double step = (level.back() - level.front()) / std::nearbyint((level.back() - level.front()) * steps / sum);
  for (const double v : level) {
    const double k = (v - level[0]) / step;
    if (std::abs(k - std::nearbyint(k)) * step > 4 * error) return std::nullopt;
  }
  const double range = (level.back() - level.front()) / step;
  if (range > static_cast<double>(kMostLevels) || (range > 64 * static_cast<double>(level.size()))) return std::nullopt;
  double zero = std::fmod(level[0], step);
  if (zero < 0) zero += step;
  if (zero < 4 * error || step - zero < 4 * error) zero = 0;
  return ValueGrid{step, zero, levels};
}

std::optional<ValueGrid> grid_of(const std::vector<float>& values) {
  return grid_of(values.data(), static_cast<int64_t>(values.size()));
}

}  // namespace fsrcnn
