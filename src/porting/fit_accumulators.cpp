// Sums that are rounded or saturate at each step: short floats, few bits. Each is tried on some values.
#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/vector_readings.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kValues = 96;
constexpr double kMostlyRight = 0.9;  // of the values that are tried

/// What is added at once, and in which order.
enum class Terms { channel_then_tap, tap_then_channel, taps, channels };

/// When the bias is added: outside is after the sum, by itself.
enum class Bias { first, last, outside };

struct Accumulator {
  Terms terms = Terms::channel_then_tap;
  Bias bias = Bias::first;
  bool rounds_weights = false, rounds_result = false;
  std::function<double(double)> round;  ///< of a sum
  std::function<double(double)> round_product = nullptr;
  bool single_products = false;  ///< they are rounded to float32 before that
};

const char* words_of(Terms terms) {
  switch (terms) {
    case Terms::channel_then_tap: return "input channel by input channel";
    case Terms::tap_then_channel: return "kernel value by kernel value";
    case Terms::taps: return "the sums of each kernel position";
    case Terms::channels: return "the sums of each input channel";
  }
  return "";
}

/// A plain convolution in such an accumulator, value by value.
class Sums {
 public:
  Sums(const LayerPort& port, const Tensor<float>& input, Accumulator accumulator)
      : port_(port), input_(input), a_(std::move(accumulator)), weight_(port.weight), bias_(port.bias) {
    if (a_.rounds_weights) {
      for (float& w : weight_.values()) w = static_cast<float>(a_.round(w));
      for (float& b : bias_) b = static_cast<float>(a_.round(b));
    }
  }

  float at(int64_t o, int64_t y, int64_t x) const {
    const Shape k = weight_.shape();
    const double bias = bias_.empty() ? 0 : bias_[static_cast<size_t>(o)];
    double sum = a_.bias == Bias::first ? bias : 0;
    const auto add = [&](double term) { sum = a_.round(sum + term); };
    const auto product = [&](int64_t c, int64_t ky, int64_t kx) {
      double p =
          static_cast<double>(weight_(o, c, ky, kx)) * read(c, y + ky - port_.padding.h, x + kx - port_.padding.w);
      if (a_.single_products) p = static_cast<float>(p);
      return a_.round_product ? a_.round_product(p) : p;
    };
    const bool by_tap = a_.terms == Terms::tap_then_channel || a_.terms == Terms::taps;
    const bool grouped = a_.terms == Terms::taps || a_.terms == Terms::channels;
    const int64_t taps = k.h * k.w, outer = by_tap ? taps : k.c, inner = by_tap ? k.c : taps;
    for (int64_t i = 0; i < outer; ++i) {
      double group = 0;
      for (int64_t j = 0; j < inner; ++j) {
        const int64_t tap = by_tap ? i : j;
        const double p = product(by_tap ? j : i, tap / k.w, tap % k.w);
        if (grouped) {
          group += p;
        } else {
          add(p);
        }
      }
      if (grouped) add(group);
    }
    if (a_.bias == Bias::last) add(bias);
    return static_cast<float>(a_.bias == Bias::outside ? sum + bias : sum);
  }

  Tensor<float> all() const {
    const Shape in = input_.shape();
    Tensor<float> t({1, weight_.shape().n, in.h, in.w});
    for (int64_t o = 0; o < t.shape().c; ++o)
      for (int64_t y = 0; y < in.h; ++y)
        for (int64_t x = 0; x < in.w; ++x) t(0, o, y, x) = at(o, y, x);
    return t;
  }

 private:
  double read(int64_t c, int64_t y, int64_t x) const {
    const Shape s = input_.shape();
    if (port_.padding_mode == PaddingMode::replicate) {
      return input_(0, c, std::clamp<int64_t>(y, 0, s.h - 1), std::clamp<int64_t>(x, 0, s.w - 1));
    }
    return y < 0 || x < 0 || y >= s.h || x >= s.w ? 0 : input_(0, c, y, x);
  }

  const LayerPort& port_;
  const Tensor<float>& input_;
  Accumulator a_;
  Tensor<float> weight_;
  std::vector<float> bias_;
};

class Accumulators {
 public:
  explicit Accumulators(const LayerCase& layer) : layer_(layer) {
    std::mt19937 generator(9);
    // Only where something is wrong a kind of sum can be told from the right one; but others must stay right.
    std::vector<int64_t> wrong;
    for (int64_t i = 0; i < layer.found().count(); ++i) {
      if (std::abs(layer.found().data()[i] - layer.right().data()[i]) > layer.tolerance()) wrong.push_back(i);
    }
    for (size_t i = 0; i < kValues && !wrong.empty(); ++i) {
      places_.push_back(i % 2 == 0 ? wrong[generator() % wrong.size()]
                                   : static_cast<int64_t>(generator() % static_cast<uint64_t>(layer.found().count())));
    }
  }

  std::vector<Mistake> all() {
    if (places_.empty()) return {};
    for (const bool half : {true, false}) {
      short_floats(half ? "float16" : "bfloat16", half ? 10 : 7, half ? -14 : -126);
    }
    saturating();
    rounded_products();
    return std::move(list_);
  }

 private:
  float activated(float z, int64_t c) const {
    const LayerPort& p = layer_.port();
    if (!p.activates) return z;
    if (p.is_last && p.clamps) return std::clamp(z, 0.0F, 1.0F);
    if (p.activation == Layer::Activation::none) return z;
    return z > 0 ? z : z * p.slope_of(c);
  }

  void try_one(const std::string& id, const std::string& sentence, const Accumulator& a, double numbers) {
    const Sums sums(layer_.port(), layer_.input(), a);
    const Shape s = layer_.found().shape();
    size_t right = 0, seen = 0;
    for (const int64_t i : places_) {
      const int64_t c = i / (s.h * s.w);
      float value = activated(sums.at(c, i / s.w % s.h, i % s.w), c);
      if (a.rounds_result) value = static_cast<float>(a.round(value));
      right += std::abs(value - layer_.found().data()[i]) <= layer_.tolerance() ? 1 : 0;
      if (++seen == 16 && right < 8) return;
    }
    if (static_cast<double>(right) < kMostlyRight * static_cast<double>(seen)) return;
    list_.push_back({id, sentence, "accumulator", false,
                     [a](LayerPort& p) {
                       p.convolve = [a](const LayerPort& port, const Tensor<float>& x) {
                         return Sums(port, x, a).all();
                       };
                       // The bias is in the sums.
                       p.between.insert(p.between.begin(), [bias = p.bias](const Tensor<float>& t) {
                         Tensor<float> to = t;
                         const int64_t size = t.shape().h * t.shape().w;
                         for (int64_t i = 0; i < t.count() && !bias.empty(); ++i) {
                           to.data()[i] -= bias[static_cast<size_t>(i / size)];
                         }
                         return to;
                       });
                       if (a.rounds_result) {
                         p.after.emplace_back([round = a.round](const Tensor<float>& t) {
                           Tensor<float> to = t;
                           for (float& v : to.values()) v = static_cast<float>(round(v));
                           return to;
                         });
                       }
                     },
                     numbers});
  }

  template <class F>
  void each_order(F&& f) {
    for (const Terms terms : {Terms::channel_then_tap, Terms::tap_then_channel, Terms::taps, Terms::channels}) {
      for (const Bias bias : {Bias::first, Bias::last, Bias::outside}) f(terms, bias);
    }
  }

  void short_floats(const std::string& type, int mantissa, int smallest) {
    const auto round = [=](double v) { return in_short_float(static_cast<float>(v), mantissa, smallest); };
    each_order([&](Terms terms, Bias bias) {
      for (int variant = 0; variant < 8; ++variant) {
        const bool weights = (variant & 1) != 0, result = (variant & 2) != 0, products = (variant & 4) != 0;
        try_one("accumulator_" + type,
                fmt::format("the sums are rounded to {} at each addition ({}{})", type, words_of(terms),
                            weights ? "; the weights are in it, too" : ""),
                {terms, bias, weights, result, round, products ? round : std::function<double(double)>()}, 0.6);
      }
    });
  }

  void saturating() {
    double most = 0;
    for (const float v : layer_.linear().values()) most = std::max<double>(most, std::abs(v));
    for (int bits = static_cast<int>(std::ceil(std::log2(std::max(most, 1e-6)))) + 2, n = 0; n < 6; --bits, ++n) {
      const double limit = std::ldexp(1, bits);
      each_order([&](Terms terms, Bias bias) {
        try_one("accumulator_saturates",
                fmt::format("the accumulator saturates at {:g} while it sums ({})", limit, words_of(terms)),
                {terms, bias, false, false,
                 [limit](double v) { return static_cast<float>(std::clamp(v, -limit, limit)); }, nullptr},
                0.8);
      });
    }
  }

  void rounded_products() {
    for (int bits = 3; bits <= 20; ++bits) {
      const double unit = std::ldexp(1, -bits);
      for (const bool single : {true, false}) {
        const auto products = [&](const char* how, const std::function<double(double)>& round) {
          try_one("products_in_steps",
                  fmt::format("each product is {} to steps of 2^-{} before it is added", how, bits),
                  {Terms::channel_then_tap, Bias::outside, false, false, [](double v) { return v; },
                   [unit, round](double v) { return round(v / unit) * unit; }, single},
                  0.8);
        };
        products("rounded", [](double v) { return std::floor(v + 0.5); });
        products("truncated", [](double v) { return std::floor(v); });
        products("truncated toward 0", [](double v) { return std::trunc(v); });
      }
      for (const double half : {0.5, 0.0}) {
        for (const Terms terms : {Terms::taps, Terms::channels, Terms::tap_then_channel}) {
          try_one("sums_in_steps",
                  fmt::format("the sum is {} to steps of 2^-{} at each addition ({})",
                              half > 0 ? "rounded" : "truncated", bits, words_of(terms)),
                  {terms, Bias::outside, false, false,
                   [unit, half](double v) { return static_cast<float>(std::floor(v / unit + half) * unit); }, nullptr},
                  0.8);
        }
      }
    }
  }

  const LayerCase& layer_;
  std::vector<int64_t> places_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_accumulators(const LayerCase& layer) {
  const LayerPort& p = layer.port();
  if (!p.convolves || !p.has_weight() || p.is_transposed || p.shuffles() || p.convolve || p.tiles || p.groups != 1 ||
      p.dilation != Pair{1, 1} || p.beyond || !p.before.empty() || p.other_input || p.activation_before_bias ||
      p.activation == Layer::Activation::tanh || p.activation == Layer::Activation::clamp) {
    return {};
  }
  return Accumulators(layer).all();
}

}  // namespace fsrcnn
