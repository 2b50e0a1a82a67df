// Maps of values: the same at each pixel, of the sums or of the output.
#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMapSample = 6000;
constexpr double kWorthTrying = 0.3;  // the share of values that a map must meet to be given

/// Where values may be changed: what is activated, or what is written.
struct Stage {
  std::string id, words;
  const Tensor<float>&right, &found;
  const std::vector<uint8_t>* known;
  std::vector<TensorOp> LayerPort::*ops;
};

class Values {
 public:
  Values(const LayerCase& layer, Stage stage) : layer_(layer), stage_(std::move(stage)) {
    std::mt19937 generator(1);
    const auto count = static_cast<uint64_t>(stage_.right.count());
    const bool all = count <= kMapSample;
    for (uint64_t i = 0; i < (all ? count : 3 * kMapSample) && points_.size() < kMapSample; ++i) {
      const uint64_t at = all ? i : generator() % count;
      if ((*stage_.known)[at] != 0) points_.emplace_back(stage_.right.data()[at], stage_.found.data()[at]);
    }
    for (int64_t i = 0; i < stage_.found.count(); ++i) {
      if ((*stage_.known)[static_cast<size_t>(i)] == 0) continue;
      const float r = stage_.right.data()[i], f = stage_.found.data()[i];
      scale_ = std::max<double>(scale_, std::abs(r));
      right_low_ = std::min(right_low_, r), right_high_ = std::max(right_high_, r);
      low_ = std::min(low_, f), high_ = std::max(high_, f);
    }
    collect_jumps();
  }

  std::vector<Mistake> all() {
    if (points_.size() < 16 || scale_ == 0) return {};
    if (stage_.id != "products_") affine();  // that is a factor of the weights
    clipped();
    wrapped();
    signs();
    return std::move(list_);
  }

  std::vector<Mistake> all_of_rounding() {
    rounding();
    return std::move(list_);
  }

 private:
  void put(const std::string& id, const std::string& family, const std::string& sentence, double numbers,
           const std::function<float(float)>& f) {
    list_.push_back({stage_.id + id, sentence, family, true,
                     [f, ops = stage_.ops](LayerPort& p) {
                       (p.*ops).emplace_back([f](const Tensor<float>& t) { return mapped(t, f); });
                     },
                     numbers});
  }

  void affine() {
    const auto line = fit_line(points_, layer_.tolerance(), false);
    if (!line || line->inliers < kWorthTrying) return;
    const double precision = 4 * layer_.tolerance() / scale_;
    const bool scales = std::abs(line->factor - 1) > precision, adds = std::abs(line->offset) > 2 * layer_.tolerance();
    if (!scales && !adds) return;
    double factor_numbers = 0, offset_numbers = 0;
    const std::string factor = named_number(line->factor, precision, factor_numbers);
    const std::string offset = named_number(line->offset, 2 * layer_.tolerance(), offset_numbers);
    std::string sentence;
    if (scales && adds) {
      sentence = fmt::format("{} {} times what it should be, plus {}", stage_.words, factor, offset);
    } else if (scales) {
      sentence = fmt::format("{} {} times what it should be", stage_.words, factor);
    } else {
      sentence =
          fmt::format("{} {} too {}", stage_.words, std::abs(line->offset) == line->offset ? offset : offset.substr(1),
                      line->offset > 0 ? "large" : "small");
    }
    put("scaled", stage_.id + "range", sentence, (scales ? factor_numbers : 0) + (adds ? offset_numbers : 0),
        [a = scales ? line->factor : 1, b = adds ? line->offset : 0](float v) {
          return static_cast<float>(a * v + b);
        });
  }

  void collect_jumps() {
    const Shape s = stage_.right.shape();
    constexpr size_t kMostJumps = 20000;
    const bool output = stage_.ops == &LayerPort::after;
    for (int64_t i = 0; i < stage_.right.count() && jumps_.size() < kMostJumps; ++i) {
      const float f = layer_.found().data()[i];
      if (std::abs(f - layer_.right().data()[i]) <= 2 * layer_.tolerance()) continue;
      const int64_t c = i / (s.h * s.w);
      const double z = layer_.linear().data()[i];
      if (output) {
        jumps_.push_back(std::abs(static_cast<double>(f) - layer_.right().data()[i]));
        continue;
      }
      for (const double sum : sums_for(layer_.port(), f, c)) jumps_.push_back(std::abs(sum - z));
    }
  }

  int64_t count_near(float value) const {
    return std::count_if(points_.begin(), points_.end(),
                         [&](const auto& p) { return std::abs(p.second - value) <= layer_.tolerance(); });
  }

  void clipped() {
    const double tolerance = layer_.tolerance();
    const bool high = right_high_ > high_ + 2 * tolerance && count_near(high_) >= 2;
    const bool low = right_low_ < low_ - 2 * tolerance && count_near(low_) >= 2;
    double within = 0;
    for (const auto& [r, f] : points_) {
      const float clipped = std::clamp(r, low ? low_ : right_low_, high ? high_ : right_high_);
      within += std::abs(clipped - f) <= tolerance ? 1 : 0;
    }
    if ((!high && !low) || within < kWorthTrying * static_cast<double>(points_.size())) return;
    double n = 0, numbers = 0;
    std::string bounds;
    if (low) bounds = fmt::format("below at {}", named_number(low_, tolerance, n)), numbers += n;
    if (high) {
      bounds += fmt::format("{}above at {}", low ? " and " : "", named_number(high_, tolerance, n));
      numbers += n;
      if (std::abs(high_ - 6) <= tolerance) bounds += ", as by ReLU6";
    }
    put("clipped", stage_.id + "clip", fmt::format("{} clipped {} (it saturates)", stage_.words, bounds), numbers,
        [a = low ? low_ : -INFINITY, b = high ? high_ : INFINITY](float v) { return std::clamp(v, a, b); });
  }

  /// Values come back at the other end of their range, as integers do that overflow.
  void wrapped() {
    const double tolerance = layer_.tolerance();
    if (jumps_.size() < 2) return;
    double largest = 0;
    for (const double jump : jumps_) largest = std::max(largest, jump);
    // Most that jump do so by one step; a slope may leave open by how much.
    const auto [least, count] = densest(jumps_, 4 * tolerance + 2e-6 * largest);
    if (count < 2 || 10 * count < jumps_.size() || least < 8 * tolerance) return;
    double numbers = 0;
    // A power of two to the last bit, if it is one.
    const double nearest = std::exp2(std::nearbyint(std::log2(least)));
    const double step = std::abs(nearest / least - 1) < 1e-3 ? nearest : least;
    const std::string words = named_number(step, 1e-3 * step, numbers);
    if (count < 4 && numbers >= 1) return;  // so few tell a usual number only
    std::vector<double> starts = {-step / 2, 0};
    if (low_ != 0 && std::abs(low_ + step / 2) >= tolerance) starts.push_back(low_);
    for (const double first : starts) {
      const std::string as = first == 0 ? "as words below 0 that are read without their sign, or an overflow"
                                        : "as an integer that overflows";
      put("wrapped", stage_.id + "clip",
          fmt::format("{} wrapped round modulo {} (values beyond {:g} come back at {:g}, {})", stage_.words, words,
                      first + step, first, as),
          numbers + (first == -step / 2 || first == 0 ? 0 : 1), [=, q = layer_.context().quantum](float v) {
            const double word = q > 0 ? std::nearbyint(v / q) * q : v;  // it is words that wrap
            return static_cast<float>(v - step * std::floor((word - first) / step));
          });
      if (stage_.id != "sum_" || !layer_.port().is_last || !layer_.port().clamps) continue;
      // Where a word wraps, nobody has clamped it.
      Mistake unclamped = list_.back();
      unclamped.sentence += ", and not clamped";
      unclamped.numbers += 0.1;
      unclamped.make = [wrap = unclamped.make](LayerPort& p) {
        wrap(p);
        p.clamps = false;
      };
      list_.push_back(std::move(unclamped));
    }
  }

  void signs() {
    if (low_ >= 0 && right_low_ < -2 * layer_.tolerance()) {
      put("absolute", stage_.id + "range", fmt::format("{} without its sign (the absolute value)", stage_.words), 0.2,
          [](float v) { return std::abs(v); });
    }
    if (stage_.id != "products_") rounding();
  }

  void rounding() {
    const double q = layer_.context().quantum;
    if (q == 0) return;
    put("truncated_toward_zero", stage_.id + "range", fmt::format("{} truncated toward 0, not rounded", stage_.words),
        0.1, [q](float v) { return static_cast<float>(v - std::copysign(std::min<double>(q / 2, std::abs(v)), v)); });
    put("half_added_then_truncated", stage_.id + "range",
        fmt::format("{} rounded by adding a half and truncating toward 0: values below 0 are rounded up", stage_.words),
        0.15, [q](float v) { return v < 0 ? static_cast<float>(std::min(v + q, 0.0)) : v; });
    put("rounded_up", stage_.id + "range", fmt::format("{} rounded up, not to the nearest", stage_.words), 0.1,
        [q](float v) { return static_cast<float>(v + q / 2); });
  }

  const LayerCase& layer_;
  Stage stage_;
  std::vector<std::pair<float, float>> points_;
  double scale_ = 0;
  std::vector<double> jumps_;  // how far values are off, where they are
  float low_ = INFINITY, high_ = -INFINITY, right_low_ = INFINITY, right_high_ = -INFINITY;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fits_of_rounding(const LayerCase& layer) {
  const std::vector<uint8_t> all(static_cast<size_t>(layer.found().count()), 1);
  return Values(layer, {"output_", "the output is", layer.right(), layer.found(), &all, &LayerPort::after})
      .all_of_rounding();
}

std::vector<Mistake> fit_values(const LayerCase& layer) {
  const std::vector<uint8_t> all(static_cast<size_t>(layer.found().count()), 1);
  std::vector<Mistake> list =
      Values(layer, {"output_", "the output is", layer.right(), layer.found(), &all, &LayerPort::after}).all();
  const Target& linear = layer.found_linear();
  const std::vector<float>& bias = layer.port().bias;
  if (!bias.empty() && layer.port().convolves && layer.port().has_weight() && !layer.port().shuffles()) {
    Tensor<float> products = linear.values;
    const int64_t size = products.shape().h * products.shape().w;
    for (int64_t i = 0; i < products.count(); ++i) products.data()[i] -= bias[static_cast<size_t>(i / size)];
    Values of_products(layer, {"products_", "the sum of products is", layer.products(), products, &linear.known,
                               &LayerPort::before_bias});
    for (Mistake& m : of_products.all()) list.push_back(std::move(m));
  }
  if (!layer.bends()) return list;
  for (Mistake& m : Values(layer, {"sum_", "the sum before the activation is", layer.linear(), linear.values,
                                   &linear.known, &LayerPort::between})
                        .all()) {
    list.push_back(std::move(m));
  }
  return list;
}

}  // namespace fsrcnn
