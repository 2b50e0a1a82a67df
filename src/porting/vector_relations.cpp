#include "porting/vector_relations.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include <fmt/format.h>

#include "porting/evidence.hpp"
#include "porting/layer_case.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

class Relations {
 public:
  Relations(const std::vector<float>& right, const std::vector<float>& found, const std::vector<double>& precision)
      : right_(right), found_(found), precision_(precision) {
    for (const float v : right) largest_ = std::max<double>(largest_, std::abs(v));
  }

  std::vector<VectorReading> all() {
    bytes();
    if (right_.size() < 2) return std::move(list_);
    powers();
    steps();
    some_scaled();
    wrapped();
    clipped();
    channels();
    line();
    return std::move(list_);
  }

 private:
  bool is_at(size_t i, double value) const { return std::abs(value - found_[i]) <= precision_[i]; }

  void each(const std::string& id, const std::string& words, double numbers, const std::function<double(double)>& f) {
    std::vector<float> values;
    for (size_t i = 0; i < right_.size(); ++i) {
      values.push_back(static_cast<float>(f(right_[i])));
      if (!is_at(i, values.back())) return;
    }
    list_.push_back({id, words, values, numbers});
  }

  void powers() {
    const auto power = [](const std::function<double(double)>& round) {
      return [round](double v) { return v == 0 ? 0 : std::copysign(std::exp2(round(std::log2(std::abs(v)))), v); };
    };
    each("powers_of_two", "are rounded to powers of two (shifts)", 0.3,
         power([](double e) { return std::nearbyint(e); }));
    each("powers_of_two", "are rounded to powers of two (shifts), each to the nearer one", 0.4, [](double v) {
      if (v == 0) return 0.0;
      const double low = std::exp2(std::floor(std::log2(std::abs(v))));
      return std::copysign(std::abs(v) - low < 2 * low - std::abs(v) ? low : 2 * low, v);
    });
    each("powers_of_two", "are rounded down to powers of two (shifts)", 0.4,
         power([](double e) { return std::floor(e); }));
    each("powers_of_two", "are rounded up to powers of two (shifts)", 0.5,
         power([](double e) { return std::ceil(e); }));
  }

  void steps() {
    const auto in_steps = [&](const std::string& id, const std::string& of, double unit, double numbers) {
      each(id, "are rounded to " + of, numbers, [unit](double v) { return std::nearbyint(v / unit) * unit; });
      each(id + "_floor", "are rounded down to " + of, numbers + 0.1,
           [unit](double v) { return std::floor(v / unit) * unit; });
      each(id + "_truncated", "are truncated to " + of, numbers + 0.15,
           [unit](double v) { return std::trunc(v / unit) * unit; });
    };
    for (int digits = 0; digits < 5; ++digits) {
      in_steps(fmt::format("decimals_{}", digits), digits == 0 ? "integers" : fmt::format("{} decimals", digits),
               std::pow(10.0, -digits), 0.3);
    }
    for (int bits = 1; bits <= 16; ++bits) {
      in_steps(fmt::format("fixed_{}", bits), fmt::format("{} binary places (steps of 2^-{})", bits, bits),
               std::ldexp(1, -bits), 0.35);
    }
    for (const int levels : {7, 127, 128, 255, 256}) {
      if (largest_ == 0) return;
      in_steps(fmt::format("levels_{}", levels), fmt::format("steps of the largest / {}", levels), largest_ / levels,
               0.45);
    }
  }

  /// Words of 16 or 32 bits, misread.
  void bytes() {
    for (const int width : {2, 4}) {
      for (int places = 4; places < 8 * width; ++places) {
        each(fmt::format("bytes_swapped_{}", 8 * width),
             fmt::format("are words of {} bits (steps of 2^-{}) in the other byte order (endianness)", 8 * width,
                         places),
             0.4, [width, places](double v) {
               const double limit = std::ldexp(1, 8 * width - 1);
               const double word = std::clamp(std::nearbyint(std::ldexp(v, places)), -limit, limit - 1);
               return std::ldexp(static_cast<double>(bytes_exchanged(static_cast<int64_t>(word), width)), -places);
             });
      }
    }
  }

  bool differs(size_t i) const { return !is_at(i, right_[i]); }

  /// Some are multiplied by the same factor.
  void some_scaled() {
    for (const double factor : {2.0, 0.5, -1.0, 3.0}) {
      std::vector<float> values;
      IndexSet some{static_cast<int64_t>(right_.size())};
      for (size_t i = 0; i < right_.size(); ++i) {
        values.push_back(static_cast<float>(differs(i) ? factor * right_[i] : right_[i]));
        if (!is_at(i, values.back())) break;
        if (differs(i)) some.indices.push_back(static_cast<int64_t>(i));
      }
      if (values.size() < right_.size() || !is_at(right_.size() - 1, values.back())) continue;
      if (some.indices.size() < 2 || some.is_all()) continue;
      list_.push_back({"some_scaled",
                       fmt::format("are {} in {}",
                                   factor == 2     ? "doubled (added twice)"
                                   : factor == -1  ? "negated"
                                   : factor == 0.5 ? "halved"
                                                   : "added three times",
                                   to_words(some, "channel")),
                       values, 0.6});
    }
  }

  /// The largest are the range of a word too small.
  void wrapped() {
    double range = 0, least = largest_, most_kept = 0;
    size_t count = 0;
    for (size_t i = 0; i < right_.size(); ++i) {
      const double size = std::abs(right_[i]);
      if (!differs(i)) {
        most_kept = std::max(most_kept, size);
        continue;
      }
      const double off = (right_[i] - found_[i]) * (right_[i] < 0 ? -1 : 1);
      if (count++ > 0 && std::abs(off - range) > 2 * precision_[i]) return;
      range = off, least = std::min(least, size);
    }
    if (count < 2 || range <= 0 || least < most_kept || std::abs(range / 2 - least) > range / 2) return;
    const double bits = std::nearbyint(std::log2(range));
    const bool is_power = std::abs(std::exp2(bits) / range - 1) < 1e-3;
    if (is_power) range = std::exp2(bits);
    std::vector<float> values;
    for (size_t i = 0; i < right_.size(); ++i) {
      values.push_back(differs(i) ? static_cast<float>(right_[i] - std::copysign(range, right_[i])) : right_[i]);
      if (!is_at(i, values.back())) return;
    }
    list_.push_back(
        {"wrapped",
         fmt::format("wrap round (overflow): those beyond {:.4g} are {:.4g}{} off, the range of their words", range / 2,
                     range, is_power ? fmt::format(" (2^{:g})", bits) : ""),
         values, 0.5});
  }

  /// The largest are cut at one size.
  void clipped() {
    double bound = 0, least = largest_, most_kept = 0;
    size_t count = 0;
    for (size_t i = 0; i < right_.size(); ++i) {
      if (!differs(i)) {
        most_kept = std::max<double>(most_kept, std::abs(right_[i]));
        continue;
      }
      const double size = std::abs(found_[i]);
      if (count++ > 0 && std::abs(size - bound) > 2 * precision_[i]) return;
      if (found_[i] * right_[i] < 0) return;
      bound = size, least = std::min<double>(least, std::abs(right_[i]));
    }
    if (count < 2 || least < bound || most_kept > bound + 2 * precision_[0]) return;
    std::vector<float> values;
    for (const float v : right_) {
      values.push_back(static_cast<float>(std::clamp<double>(v, -bound, bound)));
    }
    list_.push_back({"clipped", fmt::format("are clipped at {:.4g} in size (they saturate)", bound), values, 0.5});
  }

  /// Each is one of the right ones, or 0.
  void channels() {
    std::vector<int64_t> from;
    std::vector<float> values;
    for (size_t i = 0; i < found_.size(); ++i) {
      int64_t source = is_at(i, right_[i]) ? static_cast<int64_t>(i) : -1;
      double nearest = precision_[i];
      for (size_t k = 0; k < right_.size() && source != static_cast<int64_t>(i); ++k) {
        const double off = std::abs(right_[k] - found_[i]);
        if (off <= nearest) nearest = off, source = static_cast<int64_t>(k);
      }
      if (source < 0 && !is_at(i, 0)) return;
      from.push_back(source);
      values.push_back(source < 0 ? 0 : right_[static_cast<size_t>(source)]);
    }
    double numbers = 0;
    const Order order = named_order(from, "channel", numbers);
    // Where a channel is 0, its slope is hardly the cause.
    const double unlikely = order.id == "dead" ? 0.5 : 0.2;
    list_.push_back({order.id, "are those of the channels " + order.words, values, numbers / 2 + unlikely});
    if (order.id == "exchanged" || order.id == "copied" || order.id == "dead") {
      list_.back().words = "are right but " + order.words;
    }
  }

  void line() {
    std::vector<std::pair<float, float>> points;
    double coarsest = 0;
    for (size_t i = 0; i < right_.size(); ++i) {
      points.emplace_back(right_[i], found_[i]);
      coarsest = std::max(coarsest, precision_[i]);
    }
    if (points.size() < 6) return;
    const auto fit = fit_line(points, coarsest, false);
    if (!fit || fit->inliers < 1) return;
    double an = 0, bn = 0;
    const std::string a = named_number(fit->factor, 4 * coarsest / std::max(largest_, 1e-9), an);
    const std::string b = named_number(fit->offset, 4 * coarsest, bn);
    if (a == "0" || (a == "1" && b == "0")) return;
    std::vector<float> values;
    for (const float v : right_) values.push_back(static_cast<float>(fit->factor * v + fit->offset));
    list_.push_back({"scaled", fmt::format("are {} times what they should be, plus {}", a, b), values, an + bn});
  }

  const std::vector<float>&right_, &found_;
  const std::vector<double>& precision_;
  double largest_ = 0;
  std::vector<VectorReading> list_;
};

}  // namespace

std::vector<VectorReading> vector_relations(const std::vector<float>& right, const std::vector<float>& found,
                                            const std::vector<double>& precision) {
  if (right.size() != found.size() || right.empty()) return {};
  return Relations(right, found, precision).all();
}

}  // namespace fsrcnn
