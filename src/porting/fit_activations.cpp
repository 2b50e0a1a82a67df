// Another activation in place of the layer's, and slopes and biases that are taken by another index than the channel's
// or only at some pixels. All is tried on a sample of pixels first.
#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "engine/reference_network.hpp"
#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kActivationPoints = 2400;
constexpr double kMetByCurve = 0.9;  // the share of a sample, beyond which a mistake is given
constexpr double kMetByBias = 0.97;

struct ActivationPoint {
  int64_t c, y, x, at;
};

/// Half of them near the border, where there is one.
std::vector<ActivationPoint> activation_points(const Shape& s) {
  std::vector<ActivationPoint> points;
  std::mt19937 generator(5);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); };
  for (int64_t i = 0; i < kActivationPoints; ++i) {
    const int64_t c = below(s.c);
    int64_t y = below(s.h), x = below(s.w);
    if (i % 4 == 1) y = below(2) == 0 ? y % std::min<int64_t>(s.h, 5) : s.h - 1 - y % std::min<int64_t>(s.h, 5);
    if (i % 4 == 3) x = below(2) == 0 ? x % std::min<int64_t>(s.w, 5) : s.w - 1 - x % std::min<int64_t>(s.w, 5);
    points.push_back({c, y, x, (c * s.h + y) * s.w + x});
  }
  return points;
}

/// What a pixel of a channel takes in place of the channel's own number, of `count`.
struct PixelIndex {
  std::string id, words;
  bool local;
  std::function<int64_t(int64_t c, int64_t y, int64_t x, const Shape& s, int64_t count)> index;
};

const std::vector<PixelIndex>& pixel_indices() {
  static const std::vector<PixelIndex> list = {
      {"column", "by the column (x mod {0})", true, [](auto, auto, auto x, auto&, auto n) { return x % n; }},
      {"row", "by the row (y mod {0})", true, [](auto, auto y, auto, auto&, auto n) { return y % n; }},
      {"pixel", "by the pixel in raster order (i mod {0})", false,
       [](auto, auto y, auto x, auto& s, auto n) { return (y * s.w + x) % n; }},
      {"value", "by the place in memory (i mod {0}, as if channels came last)", false,
       [](auto c, auto y, auto x, auto& s, auto n) { return ((c * s.h + y) * s.w + x) % n; }},
      {"value_nhwc", "by the place in memory (i / the pixels of a channel), where channels come last", false,
       [](auto c, auto y, auto x, auto& s, auto n) { return ((y * s.w + x) * n + c) / (s.h * s.w); }},
      {"channel_and_column", "by channel and column (c + x mod {0})", true,
       [](auto c, auto, auto x, auto&, auto n) { return (c + x) % n; }},
      {"channel_and_row", "by channel and row (c + y mod {0})", true,
       [](auto c, auto y, auto, auto&, auto n) { return (c + y) % n; }},
      {"column_to_the_last", "by the column (the last for all columns beyond)", true,
       [](auto, auto, auto x, auto&, auto n) { return std::min(x, n - 1); }},
      {"row_to_the_last", "by the row (the last for all rows beyond)", true,
       [](auto, auto y, auto, auto&, auto n) { return std::min(y, n - 1); }},
      {"part_of_columns", "by the column (x * {0} / width)", false,
       [](auto, auto, auto x, auto& s, auto n) { return x * n / s.w; }},
      {"part_of_rows", "by the row (y * {0} / height)", false,
       [](auto, auto y, auto, auto& s, auto n) { return y * n / s.h; }},
  };
  return list;
}

/// A sum (slope: of its channel) -> what is written.
using Curve = std::function<double(double z, double slope)>;

struct NamedCurve {
  std::string id, words;
  double numbers;
  Curve f;
};

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

const std::vector<NamedCurve>& activation_curves() {
  static const std::vector<NamedCurve> list = [] {
    std::vector<NamedCurve> curves = {
        {"elu", "ELU", 0.3, [](double z, double) { return z > 0 ? z : std::expm1(z); }},
        {"elu_slope", "ELU, of which the slopes are the factors", 0.4,
         [](double z, double a) { return z > 0 ? z : a * std::expm1(z); }},
        {"selu", "SELU", 0.3,
         [](double z, double) { return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * std::expm1(z)); }},
        {"gelu", "GELU", 0.3, [](double z, double) { return z / 2 * (1 + std::erf(z / std::sqrt(2.0))); }},
        {"gelu_tanh", "GELU (approximated by tanh)", 0.35,
         [](double z, double) {
           return z / 2 * (1 + std::tanh(std::sqrt(2 / 3.141592653589793) * (z + 0.044715 * z * z * z)));
         }},
        {"gelu_quick", "GELU (approximated by a sigmoid)", 0.4,
         [](double z, double) { return z * logistic(1.702 * z); }},
        {"silu", "SiLU (swish)", 0.3, [](double z, double) { return z * logistic(z); }},
        {"mish", "Mish", 0.3, [](double z, double) { return z * std::tanh(std::log1p(std::exp(z))); }},
        {"softplus", "softplus", 0.3, [](double z, double) { return std::log1p(std::exp(z)); }},
        {"hard_swish", "hard-swish", 0.3, [](double z, double) { return z * std::clamp(z / 6 + 0.5, 0.0, 1.0); }},
        {"hard_sigmoid", "hard-sigmoid", 0.3, [](double z, double) { return std::clamp(z / 6 + 0.5, 0.0, 1.0); }},
        {"hard_sigmoid_keras", "hard-sigmoid (0.2 z + 0.5)", 0.35,
         [](double z, double) { return std::clamp(0.2 * z + 0.5, 0.0, 1.0); }},
        {"sigmoid", "a sigmoid", 0.3, [](double z, double) { return logistic(z); }},
        {"tanh", "tanh", 0.3, [](double z, double) { return std::tanh(z); }},
        {"tanh_half", "(tanh + 1) / 2", 0.35, [](double z, double) { return (std::tanh(z) + 1) / 2; }},
        {"softsign", "softsign", 0.3, [](double z, double) { return z / (1 + std::abs(z)); }},
        {"arctangent", "the arctangent", 0.3, [](double z, double) { return std::atan(z); }},
        {"absolute", "the absolute value", 0.3, [](double z, double) { return std::abs(z); }},
        {"square", "the square", 0.3, [](double z, double) { return z * z; }},
        {"relu_squared", "the square of ReLU", 0.3, [](double z, double) { return z > 0 ? z * z : 0; }},
        {"relu6", "ReLU6", 0.3, [](double z, double) { return std::clamp(z, 0.0, 6.0); }},
        {"relu1", "ReLU clipped at 1", 0.35, [](double z, double) { return std::clamp(z, 0.0, 1.0); }},
        {"sine", "the sine", 0.4, [](double z, double) { return std::sin(z); }}};
    for (const double slope : {0.3, 0.05, 0.5, 0.02, 0.001, 1.0 / 3, 1 / 5.5}) {
      curves.push_back({fmt::format("leaky_{:.4g}", slope), fmt::format("LeakyReLU with the slope {:.4g}", slope), 0.4,
                        [slope](double z, double) { return z > 0 ? z : slope * z; }});
    }
    return curves;
  }();
  return list;
}

/// Slopes that are used in another way than as factors of what is below 0.
const std::vector<NamedCurve>& slope_curves() {
  static const std::vector<NamedCurve> list = {
      {"slope_added", "the slope is added to values below 0, not multiplied by them (z + a)", 0.3,
       [](double z, double a) { return z > 0 ? z : z + a; }},
      {"slope_subtracted", "the slope is subtracted from values below 0, not multiplied by them (z - a)", 0.35,
       [](double z, double a) { return z > 0 ? z : z - a; }},
      {"slope_instead", "values below 0 become the slope itself", 0.35,
       [](double z, double a) { return z > 0 ? z : a; }},
      {"slope_everywhere", "all values are multiplied by the slope, not only those below 0", 0.3,
       [](double z, double a) { return a * z; }},
      {"slope_divides", "values below 0 are divided by the slope, not multiplied by it", 0.35,
       [](double z, double a) { return z > 0 || a == 0 ? z : z / a; }},
      {"slope_of_size", "values below 0 become the slope times their absolute value", 0.35,
       [](double z, double a) { return z > 0 ? z : -a * z; }},
      {"slope_by_maximum", "the PReLU is computed as max(z, a z)", 0.3,
       [](double z, double a) { return std::max(z, a * z); }},
      {"slope_by_minimum", "the PReLU is computed as min(z, a z)", 0.35,
       [](double z, double a) { return std::min(z, a * z); }},
      {"slope_threshold", "values are compared with the slope, not with 0", 0.35,
       [](double z, double a) { return z > a ? z : a * z; }},
      {"slope_floor", "values are kept above the slope: max(z, a)", 0.4,
       [](double z, double a) { return std::max(z, a); }},
      {"slope_plus_values", "values below 0 are multiplied by 1 + the slope", 0.35,
       [](double z, double a) { return z > 0 ? z : (1 + a) * z; }},
      {"slope_both", "the negative part is added to the whole value: z + a min(z, 0)", 0.4,
       [](double z, double a) { return z + a * std::min(z, 0.0); }}};
  return list;
}

TensorOp each_pixel(std::function<double(double v, int64_t c, int64_t y, int64_t x, const Shape& s)> f) {
  return [f = std::move(f)](const Tensor<float>& t) {
    Tensor<float> to = t;
    const Shape s = t.shape();
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 0; x < s.w; ++x) to(0, c, y, x) = static_cast<float>(f(t(0, c, y, x), c, y, x, s));
    return to;
  };
}

class Activations {
 public:
  explicit Activations(const LayerCase& layer)
      : layer_(layer), shape_(layer.found().shape()), points_(activation_points(shape_)) {}

  std::vector<Mistake> all() {
    const LayerPort& port = layer_.port();
    if (port.activates && !port.activation_before_bias && port.positive_slope.empty()) activations();
    const bool has_biases = port.convolves && port.has_weight() && !port.bias.empty() && !port.shuffles();
    if (has_biases && !port.activation_before_bias && port.before_bias.empty()) biases();
    return std::move(list_);
  }

 private:
  using AtPoint = std::function<double(const ActivationPoint& p)>;

  double met(const AtPoint& f) const {
    size_t met = 0, seen = 0;
    for (const ActivationPoint& p : points_) {
      met += std::abs(f(p) - layer_.found().data()[p.at]) <= 2 * layer_.tolerance() ? 1 : 0;
      if (++seen == 64 && met < 32) return 0;
    }
    return static_cast<double>(met) / static_cast<double>(seen);
  }

  /// Of this layer's own activation.
  double activated(double z, int64_t c) const {
    const LayerPort& p = layer_.port();
    if (!p.activates) return z;
    if (p.activation == Layer::Activation::tanh) z = std::tanh(z);
    if (p.activation == Layer::Activation::clamp) z = std::clamp<double>(z, p.low, p.high);
    if (p.bends()) {
      z = z > 0 ? z : z * p.slope_of(c);
    }
    return p.is_last && p.clamps ? std::clamp(z, 0.0, 1.0) : z;
  }

  double sum_at(const ActivationPoint& p) const { return layer_.linear().data()[p.at]; }

  void put_activation(const std::string& id, const std::string& sentence, double numbers, bool local,
                      const std::function<double(double, int64_t, int64_t, int64_t, const Shape&)>& f) {
    if (met([&](const ActivationPoint& p) { return f(sum_at(p), p.c, p.y, p.x, shape_); }) < kMetByCurve) return;
    list_.push_back({id, sentence, "activation", local,
                     [op = each_pixel(f)](LayerPort& p) {
                       p.activation = Layer::Activation::none;
                       p.clamps = false;
                       p.between.push_back(op);
                     },
                     numbers});
  }

  void activations() {
    const LayerPort& port = layer_.port();
    const bool last = port.is_last && port.clamps;
    if (port.activation == Layer::Activation::none && !last) return;
    const std::string right = port.activation != Layer::Activation::none ? std::string(activation_name(port.activation))
                                                                         : "the clamp to [0, 1]";
    const auto slope = [&port](int64_t c) -> double {
      return port.activation == Layer::Activation::prelu ? port.slope_of(c) : 0;
    };
    std::vector<double> slopes;
    for (int64_t c = 0; c < shape_.c; ++c) slopes.push_back(slope(c));
    const auto curve = [&](const NamedCurve& n, const std::string& id, const std::string& sentence) {
      put_activation(id, sentence, n.numbers, true, [f = n.f, slopes](double z, int64_t c, auto, auto, auto&) {
        return f(z, slopes[static_cast<size_t>(c)]);
      });
    };
    for (const NamedCurve& n : activation_curves()) {
      curve(n, "activation_" + n.id,
            last ? fmt::format("the output goes through {} in place of {}", n.words, right)
                 : fmt::format("the activation is {}, not {}", n.words, right));
    }
    if (port.activation != Layer::Activation::prelu || last) return;
    for (const NamedCurve& n : slope_curves()) curve(n, n.id, n.words);
    if (port.slope.size() < 2) return;
    for (const PixelIndex& by : pixel_indices()) {
      put_activation("slope_by_" + by.id,
                     fmt::format("the PReLU's slope is taken {}, not by the channel",
                                 fmt::format(fmt::runtime(by.words), port.slope.size())),
                     0.4, by.local,
                     [index = by.index, a = port.slope](double z, auto c, auto y, auto x, const Shape& s) {
                       const int64_t i = index(c, y, x, s, static_cast<int64_t>(a.size()));
                       return z > 0 ? z : z * a[static_cast<size_t>(i)];
                     });
    }
  }

  /// What is added to the sums of products in place of the channel's bias.
  using BiasAt = std::function<double(int64_t c, int64_t y, int64_t x, const Shape& s)>;

  void put_bias(const std::string& id, const std::string& sentence, double numbers, bool local, const BiasAt& f) {
    const double share = met([&](const ActivationPoint& p) {
      return activated(layer_.products().data()[p.at] + f(p.c, p.y, p.x, shape_), p.c);
    });
    if (share < kMetByBias) return;
    list_.push_back({id, sentence, "bias", local,
                     [op = each_pixel([f](double v, auto c, auto y, auto x, const Shape& s) {
                        return v + f(c, y, x, s);
                      })](LayerPort& p) {
                       p.bias.clear();
                       p.before_bias.push_back(op);
                     },
                     numbers});
  }

  void biases() {
    const std::vector<float>& bias = layer_.port().bias;
    if (bias.size() > 1) {
      for (const PixelIndex& by : pixel_indices()) {
        put_bias(
            "bias_by_" + by.id,
            fmt::format("the bias is taken {}, not by the channel", fmt::format(fmt::runtime(by.words), bias.size())),
            0.4, by.local, [index = by.index, bias](auto c, auto y, auto x, const Shape& s) {
              return bias[static_cast<size_t>(index(c, y, x, s, static_cast<int64_t>(bias.size())))];
            });
      }
    }
    biases_of_places();
  }

  void biases_of_places() {
    using IsThere = std::function<bool(int64_t y, int64_t x, const Shape& s)>;
    const auto place = [&](const std::string& id, const std::string& where, const IsThere& is_there) {
      for (const auto& [times, words] : {std::pair{0, "missing"}, {2, "added twice"}}) {
        put_bias(fmt::format("bias_{}_{}", times == 0 ? "missing" : "twice", id),
                 fmt::format("the bias is {} {}", words, where), 0.4, false,
                 [bias = layer_.port().bias, is_there, times = times](auto c, auto y, auto x, const Shape& s) {
                   return static_cast<double>(bias[static_cast<size_t>(c)]) * (is_there(y, x, s) ? times : 1);
                 });
      }
    };
    for (int64_t w = 1; w <= std::min<int64_t>(8, std::min(shape_.h, shape_.w) / 2); ++w) {
      const std::string pixels = w == 1 ? "outermost pixels" : fmt::format("{} outermost pixels", w);
      const auto rows = [w](int64_t y, int64_t, const Shape& s) { return y < w || y >= s.h - w; };
      const auto columns = [w](int64_t, int64_t x, const Shape& s) { return x < w || x >= s.w - w; };
      const auto border = [=](int64_t y, int64_t x, const Shape& s) { return rows(y, x, s) || columns(y, x, s); };
      place("at_border", fmt::format("at the border (the {} of each side)", pixels), border);
      place("inside", fmt::format("everywhere but at the border (the {} of each side)", pixels),
            [border](int64_t y, int64_t x, const Shape& s) { return !border(y, x, s); });
      place("at_top_and_bottom", fmt::format("at the top and bottom border (the {})", pixels), rows);
      place("at_left_and_right", fmt::format("at the left and right border (the {})", pixels), columns);
      place("at_top", fmt::format("at the top border (the {})", pixels), [w](auto y, auto, auto&) { return y < w; });
      place("at_left", fmt::format("at the left border (the {})", pixels), [w](auto, auto x, auto&) { return x < w; });
      place("at_bottom", fmt::format("at the bottom border (the {})", pixels),
            [w](auto y, auto, auto& s) { return y >= s.h - w; });
      place("at_right", fmt::format("at the right border (the {})", pixels),
            [w](auto, auto x, auto& s) { return x >= s.w - w; });
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<ActivationPoint> points_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_activations(const LayerCase& layer) {
  if (layer.found().shape() != layer.linear().shape() || layer.found().count() == 0) return {};
  return Activations(layer).all();
}

}  // namespace fsrcnn
