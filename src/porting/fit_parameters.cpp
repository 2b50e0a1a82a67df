// Factors and offsets of a layer's weights and biases, for all channels or for each.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/fits.hpp"
#include "porting/vector_relations.hpp"

namespace fsrcnn {
namespace {

class Scales {
 public:
  explicit Scales(const LayerCase& layer) : layer_(layer), shape_(layer.products().shape()) {
    for (const float v : layer.products().values()) scale_ = std::max<double>(scale_, std::abs(v));
  }

  std::vector<Mistake> all() {
    if (scale_ == 0) return {};
    of_layer();
    of_channels();
    of_input();
    return std::move(list_);
  }

 private:
  double precision() const { return 4 * layer_.tolerance() / scale_; }

  /// Weights times a, biases times b.
  void of_layer() {
    const std::vector<float>& bias = layer_.port().bias;
    const Tensor<float> zero(shape_);
    Tensor<float> biases(shape_);
    double largest = 0;
    for (int64_t c = 0; c < shape_.c && !bias.empty() && !layer_.port().shuffles(); ++c) {
      std::fill_n(biases.plane(0, c), shape_.h * shape_.w, bias[static_cast<size_t>(c)]);
      largest = std::max<double>(largest, std::abs(bias[static_cast<size_t>(c)]));
    }
    const bool has_bias = largest > 4 * layer_.tolerance() && shape_.c > 1;
    std::vector<const Tensor<float>*> features = {&layer_.products()};
    if (has_bias) features.push_back(&biases);
    const auto fit = fit_features(layer_, has_bias ? zero : biases, features);
    if (!fit || fit->inliers < 0.3) return;
    const double a = fit->factors[0], b = has_bias ? fit->factors[1] : 1;
    double an = 0, bn = 0;
    const std::string a_words = named_number(a, precision(), an);
    const std::string b_words = named_number(b, largest > 0 ? 4 * layer_.tolerance() / largest : 0, bn);
    const bool weights = std::abs(a - 1) > precision();
    const bool also_bias = has_bias && std::abs(b - 1) * largest > 4 * layer_.tolerance();
    const auto put = [&](const std::string& id, const std::string& family, const std::string& sentence, double numbers,
                         double wa, double wb) {
      list_.push_back({id, sentence, family, true,
                       [wa, wb](LayerPort& p) {
                         for (float& w : p.weight.values()) w = static_cast<float>(w * wa);
                         for (float& v : p.bias) v = static_cast<float>(v * wb);
                       },
                       numbers});
    };
    if (weights && !also_bias) {
      put("weights_scaled", "scale",
          fmt::format(
              "{} {} times what they should be",
              layer_.port().reads_input ? "the input (or, which is the same, the weights) is" : "the weights are",
              a_words),
          an, a, 1);
    } else if (!weights && also_bias) {
      put("bias_scaled", "bias", fmt::format("the bias is {} times what it should be", b_words), bn, 1, b);
    } else if (weights && also_bias && std::abs(a - b) > precision()) {
      put("weights_and_bias_scaled", "scale",
          fmt::format("the weights are {} times what they should be, and the bias {} times", a_words, b_words), an + bn,
          a, b);
    }
  }

  bool is_right(int64_t c) const {
    const float *found = layer_.found().plane(0, c), *right = layer_.right().plane(0, c);
    for (int64_t i = 0; i < shape_.h * shape_.w; ++i) {
      if (std::abs(found[i] - right[i]) > layer_.tolerance()) return false;
    }
    return true;
  }

  /// A factor and an offset for each output channel: alone, if one of them explains as much. Empty: too few of the
  /// channel's values are known.
  std::optional<Line> line_of(int64_t c, double bias) const {
    if (is_right(c)) return Line{1, bias, 1};
    const int64_t size = shape_.h * shape_.w, step = std::max<int64_t>(1, size / 3000);
    std::vector<std::pair<float, float>> points, from_bias, from_zero;
    std::vector<double> offsets;
    for (int64_t i = 0; i < size; i += step) {
      const float p = layer_.products().plane(0, c)[i], f = layer_.found().plane(0, c)[i];
      for (const double sum : sums_for(layer_.port(), f, c)) offsets.push_back(sum - p);
      if (layer_.found_linear().known[static_cast<size_t>(c * size + i)] == 0) continue;
      const float z = layer_.found_linear().values.plane(0, c)[i];
      points.emplace_back(p, z);
      from_bias.emplace_back(p, static_cast<float>(z - bias));
      from_zero.emplace_back(static_cast<float>(p + bias), z);
    }
    const double tolerance = 2 * layer_.tolerance();
    const auto n = static_cast<double>((size + step - 1) / step);
    const auto [offset, count] = densest(std::move(offsets), tolerance);
    const Line shifted{1, offset, static_cast<double>(count) / n};
    // Near 0 a slope may have hidden the sign, so that not all are met.
    if (shifted.inliers > 0.9) return shifted;
    const auto free = fit_line(points, tolerance, false);
    const double enough = free ? 0.97 * free->inliers : 0.3;
    if (shifted.inliers >= enough) return shifted;
    if (auto line = fit_line(from_bias, tolerance, true); line && line->inliers >= enough) {
      line->offset = bias;
      return line;
    }
    if (auto line = fit_line(from_zero, tolerance, true); line && line->inliers >= enough) {
      line->offset = line->factor * bias;
      return line;
    }
    return free;
  }

  void of_channels() {
    if (layer_.port().shuffles() || layer_.port().activation_before_bias) return;
    std::vector<float> factors, offsets, biases;
    std::vector<int64_t> other_factors, other_offsets;
    bool scaled_after = true;  // the bias with the weights
    double inliers = 0;
    for (int64_t c = 0; c < shape_.c; ++c) {
      const float bias = layer_.port().bias.empty() ? 0 : layer_.port().bias[static_cast<size_t>(c)];
      const auto line = line_of(c, bias);
      Line l = line.value_or(Line{1, bias, 1});
      inliers += l.inliers / static_cast<double>(shape_.c);
      double largest = 0;
      for (int64_t i = 0; i < shape_.h * shape_.w; ++i) {
        largest = std::max<double>(largest, std::abs(layer_.products().plane(0, c)[i]));
      }
      if (std::abs(l.factor - 1) * largest <= 4 * layer_.tolerance()) {
        l.offset += (l.factor - 1) * (largest / 2);
        l.factor = 1;
      } else {
        other_factors.push_back(c);
      }
      if (l.factor != 1 && std::abs(l.offset - l.factor * bias) <= layer_.tolerance()) {
        l.offset = l.factor * bias;
        other_offsets.push_back(c);
      } else if (std::abs(l.offset - bias) <= (l.factor == 1 ? 4 : 1) * layer_.tolerance()) {
        l.offset = bias;
      } else {
        other_offsets.push_back(c);
      }
      scaled_after = scaled_after && std::abs(l.offset - l.factor * bias) <= 10 * layer_.tolerance();
      factors.push_back(static_cast<float>(l.factor));
      offsets.push_back(static_cast<float>(l.offset));
    }
    if (inliers < 0.3 || (other_factors.empty() && other_offsets.empty())) return;
    if (other_factors.empty()) return put_biases(offsets, other_offsets);
    put_factors(factors, offsets, other_factors, other_offsets, scaled_after);
  }

  void put_biases(const std::vector<float>& biases, const std::vector<int64_t>& other) {
    const std::vector<float>& right = layer_.port().bias;
    const auto c = static_cast<size_t>(other.front());
    const float was = right.empty() ? 0 : right[c];
    double n = 0;
    const double offset = biases[c] - was;
    const bool same =
        other.size() == biases.size() && other.size() > 1 && std::all_of(other.begin(), other.end(), [&](int64_t o) {
          const auto i = static_cast<size_t>(o);
          return std::abs(biases[i] - (right.empty() ? 0 : right[i]) - offset) <= 8 * layer_.tolerance();
        });
    list_.push_back(
        {same ? "bias_offset" : "bias",
         same ? fmt::format("the bias has {} more than it should in each channel",
                            named_number(offset, 4 * layer_.tolerance(), n))
              : fmt::format("the bias is another in {} of {} channels: {:.6g} instead of {:.6g} in channel {}",
                            other.size(), biases.size(), biases[c], was, c),
         "bias", true, [biases](LayerPort& p) { p.bias = biases; }, same ? n : static_cast<double>(other.size())});
    for (const VectorReading& r :
         vector_relations(right, biases, std::vector<double>(biases.size(), 8 * layer_.tolerance()))) {
      if (r.id == "scaled") continue;  // is told of the layer
      list_.insert(list_.end() - 1, {"bias_" + r.id, "the biases " + r.words, "bias", true,
                                     [values = r.values](LayerPort& p) { p.bias = values; }, r.numbers});
    }
    for (size_t i = 0; i < other.size() && !same; ++i) list_.back().parameters.emplace_back("bias", other[i]);
  }

  static std::string some(const std::vector<int64_t>& channels) {
    const std::vector<int64_t> first(channels.begin(),
                                     channels.begin() + static_cast<ptrdiff_t>(std::min<size_t>(channels.size(), 6)));
    return fmt::format("{} {}{}", channels.size() == 1 ? "channel" : "channels", fmt::join(first, ", "),
                       channels.size() > 6 ? ", ..." : "");
  }

  void put_factors(const std::vector<float>& factors, const std::vector<float>& offsets,
                   const std::vector<int64_t>& other, const std::vector<int64_t>& other_offsets, bool scaled_after) {
    const auto c = static_cast<size_t>(other.front());
    double n = 0;
    const std::string factor = named_number(factors[c], precision(), n);
    const bool weights_only = other_offsets.empty();
    const std::string what = weights_only || !scaled_after ? "the weights" : "weights and bias";
    std::string sentence =
        fmt::format("{} are scaled in {} ({} times what they should be in channel {})", what, some(other), factor, c);
    if (!weights_only && !scaled_after) {
      sentence += fmt::format(", and the bias is another in {} ({:.6g} in channel {})", some(other_offsets),
                              offsets[static_cast<size_t>(other_offsets.front())], other_offsets.front());
    }
    list_.push_back({"channels_scaled", sentence, "scale", true,
                     [factors, offsets, transposed = layer_.port().is_transposed](LayerPort& p) {
                       const Shape s = p.weight.shape();
                       for (int64_t a = 0; a < s.n; ++a)
                         for (int64_t b = 0; b < s.c; ++b)
                           for (int64_t i = 0; i < s.h * s.w; ++i)
                             p.weight.plane(a, b)[i] *= factors[static_cast<size_t>(transposed ? b : a)];
                       p.bias = offsets;
                     },
                     n * static_cast<double>(other.size()) + (factors[c] == 0 ? 1 : 0) +
                         (weights_only || scaled_after ? 0 : static_cast<double>(other_offsets.size()))});
  }

  /// The layer read a x + b instead of x, with zeros around it as ever.
  void of_input() {
    const LayerPort& port = layer_.port();
    LayerPort bare = port;
    bare.activates = false;
    bare.bias.clear();
    bare.between.clear();
    bare.after.clear();
    const Shape in = layer_.input().shape();
    const Tensor<float> of_one = compute(bare, Tensor<float>(in, std::vector<float>(layer_.input().count(), 1)));
    Tensor<float> base = layer_.linear();
    for (int64_t i = 0; i < base.count(); ++i) base.data()[i] -= layer_.products().data()[i];
    if (of_one.shape() != base.shape()) return;
    const auto fit = fit_features(layer_, base, {&layer_.products(), &of_one});
    if (!fit || fit->inliers < 0.3) return;
    double an = 0, bn = 0, largest = 0;
    for (const float v : of_one.values()) largest = std::max<double>(largest, std::abs(v));
    if (largest == 0 || std::abs(fit->factors[1]) * largest <= 4 * layer_.tolerance()) return;
    const double a = std::abs(fit->factors[0] - 1) <= precision() ? 1 : fit->factors[0], b = fit->factors[1];
    const std::string bw = named_number(b, 4 * layer_.tolerance() / largest, bn);
    std::string sentence = fmt::format("the input has {} added", bw);
    if (a != 1) {
      sentence = fmt::format("the input is {} times what it should be, plus {}", named_number(a, precision(), an), bw);
    }
    list_.push_back({"input_scaled", sentence, "input_range", true,
                     [a, b](LayerPort& p) {
                       p.before.emplace_back([a, b](const Tensor<float>& t) {
                         Tensor<float> to = t;
                         for (float& v : to.values()) v = static_cast<float>(a * v + b);
                         return to;
                       });
                     },
                     an + bn + 0.2});
  }

  const LayerCase& layer_;
  Shape shape_;
  double scale_ = 0;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_parameters(const LayerCase& layer) {
  if (!layer.port().convolves || !layer.port().has_weight()) return {};
  return Scales(layer).all();
}

}  // namespace fsrcnn
