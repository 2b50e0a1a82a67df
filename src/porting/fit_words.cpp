// Values that were taken for others one by one: words that are misread, a dead zone, another threshold, a borrow, a
// product of two channels.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"
#include "porting/value_grid.hpp"
#include "porting/vector_readings.hpp"

namespace fsrcnn {
namespace {

constexpr double kWordsMet = 0.9;       // the share of values that a rule must meet to be given
constexpr double kMostWords = 1 << 24;  // beyond it float32 does not hold words
constexpr double kNearHalf = 0.02;      // of a step: which of two words a value becomes, its last bits decide
constexpr int64_t kFewestDiffering = 8;
constexpr int64_t kProbes = 64;

class Words {
 public:
  explicit Words(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {
    for (int64_t i = 0; i < layer.found().count(); ++i) {
      if (!differs(i)) continue;
      if (differing_ % (layer.found().count() / kProbes + 1) == 0) probes_.push_back(i);
      ++differing_;
    }
  }

  std::vector<Mistake> all() {
    if (differing_ < kFewestDiffering || layer_.right().shape() != shape_) return {};
    misread();
    dead_zone();
    threshold();
    borrow();
    products_of_channels();
    return std::move(list_);
  }

 private:
  double right(int64_t i) const { return layer_.right().data()[i]; }
  double found(int64_t i) const { return layer_.found().data()[i]; }
  bool is_near(double a, double b) const { return std::abs(a - b) <= layer_.tolerance(); }
  bool differs(int64_t i) const { return !is_near(right(i), found(i)); }
  int64_t channel_of(int64_t i) const { return i / (shape_.h * shape_.w); }

  void put(std::string id, std::string sentence, std::string family, double numbers,
           std::function<void(LayerPort&)> make, bool local = true) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), local, std::move(make), numbers});
  }

  /// Words in steps of those that were found.
  void misread() {
    double step = layer_.context().quantum;
    if (step == 0) {
      const auto grid = grid_of(layer_.found().values());
      if (!grid || std::abs(grid->zero) > 1e-3 * grid->step) return;
      step = grid->step;
    }
    double largest = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      largest = std::max({largest, std::abs(right(i)), std::abs(found(i))});
    }
    if (largest > kMostWords * step) return;
    const auto rule = [&](const std::string& id, const std::string& what, double numbers,
                          const std::function<int64_t(int64_t)>& f) {
      word_rule(id, fmt::format("the output's words (steps of {:.4g}) {}", step, what), numbers, step, f);
    };
    if (largest < 32768.5 * step) {
      rule("words_bytes_swapped", "of 16 bits are in the other byte order (endianness)", 0.3,
           [](int64_t w) { return bytes_exchanged(w, 2); });
    }
    for (int bits = 4; bits <= 24; ++bits) {
      const int64_t half = int64_t{1} << (bits - 1);
      if (static_cast<double>(half) * step > 2.5 * largest || static_cast<double>(2 * half) * step < largest) continue;
      rule("words_sign_and_magnitude",
           fmt::format("of {} bits mix up two's complement with sign and magnitude: those below 0 are misread", bits),
           0.4, [half](int64_t w) { return w < 0 ? -half - w : w; });
      rule("words_offset_binary",
           fmt::format("of {} bits mix up two's complement with offset binary (the sign bit is inverted)", bits), 0.4,
           [half](int64_t w) { return w < 0 ? w + half : w - half; });
    }
    rule("words_ones_complement", "below 0 are one step off: ones' complement for two's", 0.5,
         [](int64_t w) { return w < 0 ? w + 1 : w; });
    for (int high = 1; high < 16 && std::ldexp(step, high) < 2 * largest; ++high) {
      for (int low = 0; low < high; ++low) {
        rule("words_bits_exchanged", fmt::format("have bits {} and {} exchanged (two data lines)", high, low), 0.5,
             [high, low](int64_t w) {
               const int64_t differ = (w >> high ^ w >> low) & 1;
               return w ^ (differ << high | differ << low);
             });
      }
    }
    parts_late(step, largest);
    for (int bit = 0; bit < 24 && std::ldexp(step, bit) < 2 * largest; ++bit) {
      const int64_t mask = int64_t{1} << bit;
      rule("words_bit_0", fmt::format("always have 0 in bit {} (stuck, or not connected)", bit), 0.5,
           [mask](int64_t w) { return w & ~mask; });
      rule("words_bit_1", fmt::format("always have 1 in bit {} (stuck)", bit), 0.5,
           [mask](int64_t w) { return w | mask; });
    }
  }

  void word_rule(const std::string& id, const std::string& sentence, double numbers, double step,
                 const std::function<int64_t(int64_t)>& f) {
    // Of a value half-way between two words either may have been taken.
    const auto made = [f, step](double v, double like) {
      const double word = std::nearbyint(v / step), rest = v / step - std::floor(v / step);
      double value = static_cast<double>(f(static_cast<int64_t>(word))) * step;
      if (std::abs(rest - 0.5) < kNearHalf) {
        const double other = std::floor(v / step) + (word > v / step ? 0 : 1);
        const double second = static_cast<double>(f(static_cast<int64_t>(other))) * step;
        if (std::abs(second - like) < std::abs(value - like)) value = second;
      }
      return static_cast<float>(value);
    };
    const auto is_met = [&](int64_t i) {
      const double value = made(right(i), found(i));
      return std::abs(value - found(i)) <= 0.01 * step + 1e-6 * std::abs(value);
    };
    if (!std::all_of(probes_.begin(), probes_.end(), is_met)) return;
    int64_t met = 0, changed = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      met += is_met(i) ? 1 : 0;
      changed += std::abs(made(right(i), found(i)) - right(i)) > step ? 1 : 0;
    }
    if (changed == 0 || static_cast<double>(met) < kWordsMet * static_cast<double>(layer_.found().count())) return;
    put(
        id, sentence, "output_words", numbers,
        [made, like = std::make_shared<const Tensor<float>>(layer_.found())](LayerPort& p) {
          p.after.emplace_back([made, like](const Tensor<float>& t) {
            if (t.shape() != like->shape()) return t;
            Tensor<float> to = t;
            for (int64_t i = 0; i < t.count(); ++i) to.data()[i] = made(t.data()[i], like->data()[i]);
            return to;
          });
        },
        false);
  }

  /// A byte of each word comes a value later (or earlier) than the rest.
  void parts_late(double step, double largest) {
    if (largest > 32768.5 * step) return;
    const int64_t count = layer_.found().count();
    for (const bool low : {true, false}) {
      for (const int64_t by : {1, -1}) {
        const auto made = [step, low, by, count](const float* t, int64_t i) {
          const auto word = [&](int64_t at) { return static_cast<int64_t>(std::nearbyint(t[at] / step)); };
          const int64_t from = i - by, there = from < 0 || from >= count ? 0 : word(from);
          return static_cast<float>(static_cast<double>(low ? (word(i) & ~int64_t{255}) | (there & 255)
                                                            : (word(i) & 255) | (there & ~int64_t{255})) *
                                    step);
        };
        const auto is_met = [&](int64_t i) {
          return std::abs(made(layer_.right().data(), i) - found(i)) <= 1.01 * step;
        };
        if (!std::all_of(probes_.begin(), probes_.end(), is_met)) continue;
        int64_t met = 0, changed = 0;
        for (int64_t i = 0; i < count; ++i) {
          const double value = made(layer_.right().data(), i);
          met += std::abs(value - found(i)) <= 1.01 * step ? 1 : 0;
          changed += std::abs(value - right(i)) > 4 * step ? 1 : 0;
        }
        if (static_cast<double>(met) < 0.99 * static_cast<double>(count) || 5 * changed < count) continue;
        // Of a value half-way between two words either may have been taken: what was found is right to a step.
        put(
            "words_byte_late",
            fmt::format(
                "the {} byte of the output's words (steps of {:.4g}) comes a value {}: it is that of the pixel {}",
                low ? "lower" : "upper", step, by > 0 ? "late" : "early", by > 0 ? "before" : "after"),
            "output_words", 0.6,
            [made, step, like = std::make_shared<const Tensor<float>>(layer_.found())](LayerPort& p) {
              p.after.emplace_back([made, step, like](const Tensor<float>& t) {
                Tensor<float> to = t;
                for (int64_t i = 0; i < t.count() && t.shape() == like->shape(); ++i) {
                  const float value = made(t.data(), i), other = like->data()[i];
                  to.data()[i] = std::abs(value - other) <= 1.01 * step ? other : value;
                }
                return to;
              });
            },
            false);
      }
    }
  }

  /// What is small is 0.
  void dead_zone() {
    double most_zero = 0, least_kept = INFINITY;
    int64_t zeros = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      const double size = std::abs(right(i));
      if (found(i) != 0) {
        if (differs(i)) return;
        least_kept = std::min(least_kept, size);
      } else if (differs(i)) {
        most_zero = std::max(most_zero, size);
        ++zeros;
      }
    }
    if (zeros < kFewestDiffering || most_zero > least_kept + layer_.tolerance()) return;
    const double limit = std::isfinite(least_kept) ? (most_zero + least_kept) / 2 : 2 * most_zero;
    put("small_values_zeroed",
        fmt::format("values smaller than {:.4g} in size are 0 (a dead zone, a threshold, or a flush of small numbers)",
                    limit),
        "output_range", 0.6, [limit](LayerPort& p) {
          p.after.emplace_back([limit](const Tensor<float>& t) {
            return mapped(t, [limit](float v) { return std::abs(v) < limit ? 0.0F : v; });
          });
        });
  }

  /// The PReLU compares with another number than 0.
  void threshold() {
    const LayerPort& port = layer_.port();
    if (!port.activates || !port.bends() || !port.positive_slope.empty() || port.activation_before_bias) return;
    double most_bent = -INFINITY, least_kept = INFINITY;
    int64_t told = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      const double z = layer_.linear().data()[i], bent = z * port.slope_of(channel_of(i));
      const bool kept = is_near(z, found(i)), is_bent = is_near(bent, found(i));
      if (!kept && !is_bent) {
        // Some may be wrong for another reason, but few.
        if (++told > layer_.found().count() / 100) return;
        continue;
      }
      if (kept && is_bent) continue;
      if (kept) least_kept = std::min(least_kept, z);
      if (is_bent) most_bent = std::max(most_bent, z);
    }
    if (!std::isfinite(most_bent) || !std::isfinite(least_kept) || most_bent > least_kept + layer_.tolerance()) return;
    double n = 0, at = (most_bent + least_kept) / 2;
    // A usual number that lies between.
    for (int digits = 0; digits < 5; ++digits) {
      const double unit = std::pow(10.0, -digits), rounded = std::nearbyint(at / unit) * unit;
      if (rounded < most_bent || rounded > least_kept) continue;
      at = rounded;
      break;
    }
    const std::string words = named_number(at, 1e-3 * std::abs(at), n);
    if (at == 0) return;
    put("activation_threshold",
        fmt::format("the PReLU's slopes apply below {}, not below 0 (another threshold)", words), "activation", 0.5,
        [at](LayerPort& p) {
          p.between.emplace_back([at, right = p](const Tensor<float>& t) {
            Tensor<float> to = t;
            const int64_t size = t.shape().h * t.shape().w;
            for (int64_t i = 0; i < t.count(); ++i) {
              if (t.data()[i] <= at) to.data()[i] *= right.slope_of(i / size);
            }
            return to;
          });
          p.activation = Layer::Activation::none;
        });
  }

  /// Two products in one word: where the lower is below 0, the upper lacks a step.
  void borrow() {
    const LayerPort& port = layer_.port();
    if (!port.convolves || !port.has_weight() || port.shuffles() || shape_.c < 2) return;
    const Target& sums = layer_.found_linear();
    double step = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < sums.values.count(); ++i) {
      if (sums.known[static_cast<size_t>(i)] == 0) continue;
      const double d = static_cast<double>(sums.values.data()[i]) - layer_.linear().data()[i];
      if (std::abs(d) <= layer_.tolerance()) continue;
      if (count++ > 0 && std::abs(d - step) > 2 * layer_.tolerance()) return;
      step = d;
    }
    if (count < kFewestDiffering) return;
    for (const int64_t parity : {0, 1}) {
      put("borrow_between_channels",
          fmt::format("in channels {}, {}, ... the sums are a step ({:.4g}) too {} where those of the channel {} are "
                      "below 0: a borrow, as of two products that are packed into one word",
                      parity, parity + 2, std::abs(step), step < 0 ? "small" : "large",
                      parity == 0 ? "after it" : "before it"),
          "sums", 0.6, [parity, step](LayerPort& p) {
            p.before_bias.emplace_back([parity, step](const Tensor<float>& t) {
              Tensor<float> to = t;
              const Shape s = t.shape();
              for (int64_t c = parity; c < s.c; c += 2) {
                const int64_t other = c ^ 1;
                for (int64_t i = 0; i < s.h * s.w && other < s.c; ++i) {
                  if (t.plane(0, other)[i] < 0) to.plane(0, c)[i] += static_cast<float>(step);
                }
              }
              return to;
            });
          });
    }
  }

  /// Premultiplied alpha, and the like.
  void products_of_channels() {
    if (shape_.c < 2) return;
    const int64_t size = shape_.h * shape_.w, stride = std::max<int64_t>(1, size / 200);
    std::vector<int64_t> by(static_cast<size_t>(shape_.c), -1);
    std::vector<std::string> told;
    for (int64_t c = 0; c < shape_.c; ++c) {
      bool wrong = false;
      for (int64_t i = 0; i < size && !wrong; ++i) wrong = differs(c * size + i);
      if (!wrong) continue;
      for (int64_t a = 0; a < shape_.c && by[static_cast<size_t>(c)] < 0; ++a) {
        bool same = true;
        for (int64_t i = 0; i < size && same; i += stride) {
          same = is_near(right(c * size + i) * right(a * size + i), found(c * size + i));
        }
        if (same) by[static_cast<size_t>(c)] = a;
      }
      if (by[static_cast<size_t>(c)] < 0) return;
      if (told.size() < 4) told.push_back(fmt::format("{} by {}", c, by[static_cast<size_t>(c)]));
    }
    put("channels_multiplied",
        fmt::format("channels are multiplied by others, as by an alpha that is premultiplied: channel {}{}",
                    fmt::join(told, ", "), told.size() == 4 ? ", ..." : ""),
        "output_layout", 0.6, [by](LayerPort& p) {
          p.after.emplace_back([by](const Tensor<float>& t) {
            Tensor<float> to = t;
            const Shape s = t.shape();
            for (int64_t c = 0; c < s.c && c < std::ssize(by); ++c) {
              const int64_t a = by[static_cast<size_t>(c)];
              for (int64_t i = 0; a >= 0 && i < s.h * s.w; ++i) to.plane(0, c)[i] *= t.plane(0, a)[i];
            }
            return to;
          });
        });
  }

  const LayerCase& layer_;
  Shape shape_;
  int64_t differing_ = 0;
  std::vector<int64_t> probes_;  // places that differ, at which rules are tried first
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_words(const LayerCase& layer) {
  if (layer.right().shape() != layer.found().shape()) return {};
  return Words(layer).all();
}

}  // namespace fsrcnn
