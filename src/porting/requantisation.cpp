#include "porting/requantisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fsrcnn {
namespace {

constexpr size_t kMostPoints = 40000;           // of which multipliers are found; all values are checked
constexpr double kEnoughOfThem = 0.999;         // that one multiplier must explain
constexpr double kShortMultiplier = 1.0 / 256;  // what a multiplier of 8 bits may be off by
constexpr double kFloatNoise = 3e-6;            // of sums, relative
constexpr int kMostShift = 31;

/// A value whose integer tells something of the multiplier.
struct Point {
  double sum;  // in steps of the output, by the stated scales
  double q;    // from the zero point on
  int64_t channel;
};

struct Range {
  double low = 0, high = 0;
  size_t count = 0;  // of points that it explains

  double nearest(double to) const { return std::clamp(to, low, high); }
};

/// The factors of the multiplier that explain most points.
Range factors_of(const std::vector<Point>& points, double rounding, double offset) {
  std::vector<std::pair<double, int>> ends;
  for (const Point& p : points) {
    double low = (p.q - offset - rounding) / p.sum, high = (p.q - offset + 1 - rounding) / p.sum;
    if (low > high) std::swap(low, high);
    const double slack = kFloatNoise * std::max(std::abs(low), std::abs(high));
    ends.emplace_back(low - slack, -1);
    ends.emplace_back(high + slack, 1);
  }
  std::sort(ends.begin(), ends.end());
  Range best;
  size_t open = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].second > 0) {
      --open;
      continue;
    }
    if (++open <= best.count) continue;
    const auto close = std::find_if(ends.begin() + static_cast<std::ptrdiff_t>(i), ends.end(),
                                    [](const auto& end) { return end.second > 0; });
    best = {ends[i].first, close->first, open};
  }
  return best;
}

/// The shortest m / 2^k within a range.
std::string shortest_fraction(double low, double high, int& shift) {
  for (shift = 0; shift <= kMostShift; ++shift) {
    const double m = std::ceil(std::ldexp(low, shift));
    if (m >= 1 && m <= std::ldexp(high, shift)) return fmt::format("{:.0f} / 2^{}", m, shift);
  }
  return "";
}

class Requantiser {
 public:
  Requantiser(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& values,
              const Quantisation& stated, std::optional<double> multiplier)
      : port_(port), stated_(stated), multiplier_(multiplier), shape_(values.shape()) {
    LayerPort sums = port;
    sums.activates = false;
    const Tensor<float> linear = compute(sums, input);
    if (linear.shape() != shape_) return;
    const int64_t size = shape_.h * shape_.w;
    for (int64_t i = 0; i < values.count(); ++i) {
      all_.push_back({linear.data()[i] / stated.scale, std::nearbyint(values.data()[i] / stated.scale), i / size});
    }
    for (const Point& p : all_) low_ = std::min(low_, p.q), high_ = std::max(high_, p.q);
    std::vector<const Point*> telling;
    for (const Point& p : all_) {
      if (p.q > low_ && p.q < high_ && std::abs(p.sum) > 0.5 && (p.sum > 0 || !bends())) telling.push_back(&p);
    }
    const size_t step = std::max<size_t>(1, telling.size() / kMostPoints);
    for (size_t i = 0; i < telling.size(); i += step) points_.push_back(*telling[i]);
  }

  std::optional<Requantisation> run() {
    if (points_.size() < 32) return std::nullopt;
    if (!fit() || !all_explained()) return std::nullopt;
    Requantisation result;
    std::vector<std::string> wrong, how;
    if (rounding_ == 0) how.emplace_back("truncated, not rounded to nearest");
    if (rounding_ == 1) how.emplace_back("rounded up, not to nearest");
    if (offset_ != 0) {
      result.ids.emplace_back("zero_point");
      const auto zero = static_cast<double>(stated_.zero_point);
      wrong.push_back(fmt::format("the zero point is {:g}, not {:g}", zero + offset_, zero));
    }
    if (each_.empty()) {
      say_factor(result, wrong, how);
    } else {
      say_factors(result, wrong);
    }
    result.is_right = wrong.empty();
    result.sentence = fmt::format("{}", fmt::join(wrong, ", and "));
    result.how = fmt::format("{}", fmt::join(how, "; "));
    return result;
  }

 private:
  bool bends() const { return port_.activates && port_.activation != Layer::Activation::none; }

  /// One multiplier for all channels, or else one for each.
  bool fit() {
    std::vector<double> offsets = {0};
    const double likely = likely_offset();
    for (const double o : {std::floor(likely), std::ceil(likely)}) {
      if (o != 0) offsets.push_back(o);
    }
    std::vector<std::vector<Point>> by_channel(static_cast<size_t>(shape_.c));
    for (const Point& p : points_) by_channel[static_cast<size_t>(p.channel)].push_back(p);
    size_t most = 0, most_of_each = 0;
    std::vector<Range> each;
    double each_rounding = 0, each_offset = 0;
    for (const double offset : offsets) {
      for (const double rounding : {0.5, 0.0, 1.0}) {
        const Range one = factors_of(points_, rounding, offset);
        if (one.count > most) most = one.count, one_ = one, rounding_ = rounding, offset_ = offset;
      }
    }
    if (static_cast<double>(most) >= kEnoughOfThem * static_cast<double>(points_.size())) return one_.low > 0;
    for (const double offset : offsets) {
      for (const double rounding : {0.5, 0.0, 1.0}) {
        size_t count = 0;
        std::vector<Range> ranges;
        for (const std::vector<Point>& points : by_channel) {
          ranges.push_back(points.empty() ? Range{1, 1, 0} : factors_of(points, rounding, offset));
          count += ranges.back().count;
        }
        if (count <= most_of_each) continue;
        most_of_each = count, each = std::move(ranges), each_rounding = rounding, each_offset = offset;
      }
    }
    if (static_cast<double>(most_of_each) < kEnoughOfThem * static_cast<double>(points_.size())) return false;
    each_ = std::move(each), rounding_ = each_rounding, offset_ = each_offset;
    return true;
  }

  /// Of a line through the points.
  double likely_offset() const {
    double x = 0, y = 0, xx = 0, xy = 0;
    const auto n = static_cast<double>(points_.size());
    for (const Point& p : points_) x += p.sum, y += p.q, xx += p.sum * p.sum, xy += p.sum * p.q;
    const double squares = xx - x * x / n;
    return squares > 0 ? (y - (xy - x * y / n) / squares * x) / n : 0;
  }

  double factor_of(int64_t channel) const {
    const Range& range = each_.empty() ? one_ : each_[static_cast<size_t>(channel)];
    return (range.low + range.high) / 2;
  }

  /// Also those that were cut off, and those that an activation bends.
  bool all_explained() const {
    double low = low_, high = high_;
    if (const auto range = stated_.type ? integer_range(*stated_.type) : std::nullopt) {
      const auto zero = static_cast<double>(stated_.zero_point);
      low = std::min(low, static_cast<double>(range->low) - zero);
      high = std::max(high, static_cast<double>(range->high) - zero);
    }
    return std::all_of(all_.begin(), all_.end(), [&](const Point& p) {
      double q = p.sum * factor_of(p.channel);
      if (bends() && q < 0) q *= port_.slope_of(p.channel);
      q = std::floor(q + rounding_) + offset_;
      const bool is_cut = (p.q == low_ && q <= p.q) || (p.q == high_ && q >= p.q);
      return is_cut || std::abs(std::clamp(q, low, high) - p.q) <= 1;
    });
  }

  void say_factor(Requantisation& result, std::vector<std::string>& wrong, std::vector<std::string>& how) const {
    const double nearest = one_.nearest(1);
    if (nearest == 1) return;
    int shift = 0;
    const std::string fraction =
        multiplier_ ? shortest_fraction(one_.low * *multiplier_, one_.high * *multiplier_, shift) : "";
    const std::string right = multiplier_ ? fmt::format("{:.4g} / 2^{}", std::ldexp(*multiplier_, shift), shift) : "1";
    if (std::abs(nearest - 1) <= kShortMultiplier) {
      if (!fraction.empty()) how.push_back(fmt::format("multiplier {} for {}", fraction, right));
      return;
    }
    const double factor = (one_.low + one_.high) / 2, bits = std::nearbyint(std::log2(factor));
    const bool is_shift = std::exp2(bits) >= one_.low && std::exp2(bits) <= one_.high;
    result.ids.emplace_back(is_shift ? "shift" : "multiplier");
    std::string sentence = fmt::format("the integers are {:.4g} times what the scales give", factor);
    if (is_shift) {
      sentence += fmt::format(" (a shift to the right by {:g} bit{} too {})", std::abs(bits),
                              std::abs(bits) == 1 ? "" : "s", bits > 0 ? "few" : "many");
    } else if (!fraction.empty()) {
      sentence += fmt::format(": the multiplier is {}, where the scales give {}", fraction, right);
    }
    wrong.push_back(std::move(sentence));
    result.same_result = fmt::format(
        "another scale of its output ({:.6g} for {:.6g}), of its input or of its weights ({:.4g} times the stated one)",
        stated_.scale / factor, stated_.scale, factor);
  }

  void say_factors(Requantisation& result, std::vector<std::string>& wrong) const {
    std::vector<std::string> channels;
    size_t count = 0;
    for (int64_t c = 0; c < shape_.c; ++c) {
      if (std::abs(each_[static_cast<size_t>(c)].nearest(1) - 1) <= kShortMultiplier) continue;
      if (++count <= 4) channels.push_back(fmt::format("{:.4g} in channel {}", factor_of(c), c));
    }
    if (count == 0) return;
    result.ids.emplace_back("multiplier");
    wrong.push_back(
        fmt::format("the multipliers of {} of {} channels are not those that the scales give; they are {} "
                    "{}times as large",
                    count, shape_.c, fmt::join(channels, ", "), count > channels.size() ? "... " : ""));
  }

  const LayerPort& port_;
  const Quantisation& stated_;
  std::optional<double> multiplier_;
  Shape shape_;
  std::vector<Point> all_, points_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;  // of the integers
  double rounding_ = 0.5, offset_ = 0;
  Range one_;                // of the multiplier's factor, the same for all channels
  std::vector<Range> each_;  // of each channel's; empty: one_ holds
};

}  // namespace

std::optional<Requantisation> requantisation_of(const LayerPort& port, const Tensor<float>& input,
                                                const Tensor<float>& values, const Quantisation& stated,
                                                std::optional<double> multiplier) {
  return Requantiser(port, input, values, stated, multiplier).run();
}

}  // namespace fsrcnn
