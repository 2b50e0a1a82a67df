#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <unordered_set>

#include <fmt/format.h>

#include "porting/mistakes.hpp"
#include "porting/rearrange.hpp"
#include "porting/trace.hpp"
#include "porting/vector_readings.hpp"

namespace fsrcnn {
namespace {

std::string id_of(const Layer& layer) { return layer.key.empty() ? dump_name(layer.name, "") : layer.key; }

Tensor<float> kernels_in_order(const Tensor<float>& weight, const std::vector<int64_t>& order) {
  Tensor<float> to(weight.shape());
  const int64_t size = weight.shape().h * weight.shape().w;
  for (size_t i = 0; i < order.size(); ++i) {
    std::copy_n(weight.data() + order[i] * size, size, to.data() + static_cast<int64_t>(i) * size);
  }
  return to;
}

std::vector<float> in_order_of_names(const std::vector<float>& values) {
  std::vector<float> to;
  for (const int64_t i : order_of_names(static_cast<int64_t>(values.size()), 1)) to.push_back(values[i]);
  return to;
}

using Axes = std::array<int, 4>;

/// The place of each value of the weight, in order, in an array whose axes are these of the weight's.
std::vector<int64_t> places_in(const Shape& s, const Axes& axes) {
  const std::array<int64_t, 4> extent = {s.n, s.c, s.h, s.w};
  std::array<int64_t, 4> stride{};
  int64_t step = 1;
  for (int i = 3; i >= 0; --i) {
    stride[axes[i]] = step;
    step *= extent[axes[i]];
  }
  std::vector<int64_t> places;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 0; x < s.w; ++x)
          places.push_back(n * stride[0] + c * stride[1] + y * stride[2] + x * stride[3]);
  return places;
}

/// Weights read in other ways: those that give new values.
class Weights {
 public:
  Weights(const MistakeContext& context, const LayerPort& port) : context_(context), port_(port), right_(port.weight) {
    seen_.insert(hash_of(right_));
  }

  std::vector<Mistake> all() {
    turned();
    in_other_order();
    of_other_layers();
    in_memory();
    coarse();
    return std::move(list_);
  }

 private:
  static size_t hash_of(const Tensor<float>& t) {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(t.data()), sizeof(float) * t.count()});
  }

  void put(const std::string& id, const std::string& family, const std::string& sentence, Tensor<float> weight,
           double numbers) {
    const auto tame = [](float v) { return std::abs(v) < 1e6F; };  // bytes in a wrong order are no numbers
    if (!seen_.insert(hash_of(weight)).second || !std::all_of(weight.values().begin(), weight.values().end(), tame)) {
      return;
    }
    list_.push_back(
        {id, sentence, family, true,
         [shared = std::make_shared<const Tensor<float>>(std::move(weight))](LayerPort& p) { p.weight = *shared; },
         numbers});
  }

  /// The same done with the weights that there are then, so that it goes beside other mistakes.
  void put_op(const std::string& id, const std::string& family, const std::string& sentence, const TensorOp& op,
              double numbers = 0) {
    if (!seen_.insert(hash_of(op(right_))).second) return;
    list_.push_back({id, sentence, family, true, [op](LayerPort& p) { p.weight = op(p.weight); }, numbers});
  }

  void turned() {
    const Shape s = right_.shape();
    if (std::max(s.h, s.w) < 2) return;
    const bool turns = port_.is_transposed;
    put_op("kernel_not_turned", "turn",
           turns ? "the kernels are not turned by 180 degrees"
                 : "the kernels are turned by 180 degrees, which a convolution layer does not do",
           [](const Tensor<float>& t) { return flip(t, true, true); });
    put_op("kernel_transposed", "transpose", "the kernels are transposed (rows and columns exchanged, MATLAB's order)",
           transpose);
    put_op("kernel_upside_down", "turn",
           turns ? "the kernels are mirrored but not turned upside down" : "the kernels are upside down",
           [](const Tensor<float>& t) { return flip(t, true, false); });
    put_op("kernel_mirrored", "turn",
           turns ? "the kernels are turned upside down but not mirrored" : "the kernels are mirrored",
           [](const Tensor<float>& t) { return flip(t, false, true); });
    if (s.h != s.w) return;
    put_op(
        "kernel_rotated_90", "turn", "the kernels are rotated by 90 degrees",
        [](const Tensor<float>& t) { return flip(transpose(t), false, true); }, 0.2);
    put_op(
        "kernel_rotated_270", "turn", "the kernels are rotated by 270 degrees",
        [](const Tensor<float>& t) { return flip(transpose(t), true, false); }, 0.2);
    put_op(
        "kernel_transposed_other", "turn", "the kernels are mirrored at their other diagonal",
        [](const Tensor<float>& t) { return flip(transpose(t), true, true); }, 0.3);
  }

  void in_other_order() {
    const Shape s = right_.shape();
    if (s.n > 1 && s.c > 1) {
      put_op("kernel_axes_swapped", "axes", "input and output channels of the kernels are exchanged",
             [](const Tensor<float>& t) {
               const Shape w = t.shape();
               return permuted(t, [w](auto a, auto b, auto y, auto x) { return ((b * w.n + a) * w.h + y) * w.w + x; });
             });
    }
    if (s.n > 10 || s.c > 10) {
      const std::string why = "in the order of their names (10 before 2), not of their numbers";
      list_.push_back({"files_in_order_of_names", "the files are read " + why, "order", true, [s](LayerPort& p) {
                         p.weight = kernels_in_order(p.weight, order_of_names(s.n, s.c));
                         p.bias = in_order_of_names(p.bias);
                         p.slope = in_order_of_names(p.slope);
                       }});
      put_op("kernels_in_order_of_names", "order", "the files of kernels are read " + why,
             [s](const Tensor<float>& t) { return kernels_in_order(t, order_of_names(s.n, s.c)); });
    }
    for (const int64_t by : {1, -1}) {
      if (s.n < 3) break;
      std::vector<int64_t> order;
      for (int64_t i = 0; i < s.n * s.c; ++i) order.push_back((i + (s.n + by) * s.c) % (s.n * s.c));
      put_op(
          by > 0 ? "kernels_off_by_1" : "kernels_off_by_-1", "order",
          fmt::format("the kernels are numbered off by one: the port's kernel {} is the model's kernel {}, and so on",
                      by > 0 ? 0 : 1, by > 0 ? 1 : 0),
          [order](const Tensor<float>& t) { return kernels_in_order(t, order); });
    }
    axes();
    for (const bool outputs : {true, false}) {
      const bool first = outputs != port_.is_transposed;
      for (const Order& order : usual_orders(first ? s.n : s.c)) {
        put(fmt::format("kernels_{}_{}", outputs ? "outputs" : "inputs", order.id), "order",
            fmt::format("the kernels' {} channels are {}", outputs ? "output" : "input", order.words),
            in_order_of(first, order.from), 0.6);
      }
    }
  }

  Tensor<float> in_order_of(bool first, const std::vector<int64_t>& from) const {
    const Shape s = right_.shape();
    return permuted(right_, [&](auto n, auto c, auto y, auto x) {
      return first ? index_of(s, from[static_cast<size_t>(n)], c, y, x)
                   : index_of(s, n, from[static_cast<size_t>(c)], y, x);
    });
  }

  void axes() {
    const Shape s = right_.shape();
    const std::string letters = port_.is_transposed ? "IOHW" : "OIHW";
    Axes order = {0, 1, 2, 3};
    while (std::next_permutation(order.begin(), order.end())) {
      const std::vector<int64_t> places = places_in(s, order);
      std::string name;
      for (const int axis : order) name += letters[static_cast<size_t>(axis)];
      const std::string fortran = order == Axes{3, 2, 1, 0} ? " (Fortran's order)" : "";
      Tensor<float> written(s), read(s);
      for (int64_t i = 0; i < right_.count(); ++i) {
        written.data()[places[static_cast<size_t>(i)]] = right_.data()[i];
        read.data()[i] = right_.data()[places[static_cast<size_t>(i)]];
      }
      put("kernels_written_as_" + name, "axes",
          fmt::format("the kernels lie in the order {}{} and are read as {}", name, fortran, letters),
          std::move(written), 0.5);
      put("kernels_read_as_" + name, "axes",
          fmt::format("the kernels are read in the order {}{}, but lie as {}", name, fortran, letters), std::move(read),
          0.5);
    }
  }

  void of_other_layers() {
    for (const Layer& other : context_.network->layers) {
      if (other.name == port_.name || other.weight.count() < right_.count()) continue;
      std::vector<float> values(other.weight.data(), other.weight.data() + right_.count());
      put("kernels_of_" + id_of(other), "kernels", fmt::format("the kernels are those of {}", other.name),
          Tensor<float>(right_.shape(), std::move(values)), 0.3);
      if (other.weight.shape() != right_.shape()) continue;
      for (const bool with_slopes : {false, true}) {
        Mistake more = list_.back();
        more.id = (with_slopes ? "layer_" : "parameters_of_") + id_of(other);
        more.sentence = fmt::format("{} are those of {}",
                                    with_slopes ? "kernels, biases and slopes" : "the kernels and biases", other.name);
        more.make = [&other, with_slopes](LayerPort& p) {
          p.weight = other.weight, p.bias = other.bias;
          if (with_slopes) p.slope = other.slope;
        };
        list_.push_back(std::move(more));
      }
    }
  }

  /// What a loader makes of the file's bytes.
  void in_memory() {
    const int64_t count = right_.count();
    for (const int64_t by : {1, -1, 2, -2}) {
      for (const bool around : {false, true}) {
        Tensor<float> to(right_.shape());
        for (int64_t i = 0; i < count; ++i) {
          const int64_t from = i + by;
          if (around || (from >= 0 && from < count)) to.data()[i] = right_.data()[(from + count) % count];
        }
        put(fmt::format("kernels_off_by_{}_values{}", by, around ? "_around" : ""), "memory",
            fmt::format("the kernels' values are off by {} in memory ({}{})", std::abs(by),
                        by > 0 ? "each is the one that follows" : "each is the one before",
                        around ? ", around the end" : ""),
            std::move(to), 0.6);
      }
    }
    put_op(
        "kernels_reversed_in_memory", "memory", "the kernels' values are in reversed order in memory",
        [](const Tensor<float>& t) {
          return Tensor<float>(t.shape(), {t.values().rbegin(), t.values().rend()});
        },
        0.5);
    put("kernels_bytes_swapped", "memory", "the kernels are in another byte order (little endian read as big endian)",
        mapped(right_, bytes_swapped), 0.4);
    put("kernels_halves_swapped", "memory", "the kernels have the 16-bit halves of their words exchanged",
        mapped(right_, halves_swapped), 0.5);
    if (count % 2 != 0) return;
    put_op(
        "kernels_words_swapped", "memory", "the kernels' values are exchanged in pairs (64-bit words, halves swapped)",
        [](const Tensor<float>& t) {
          Tensor<float> to = t;
          for (int64_t i = 0; i + 1 < t.count(); i += 2) std::swap(to.data()[i], to.data()[i + 1]);
          return to;
        },
        0.5);
  }

  void coarse() {
    const auto all = [&](const std::string& suffix, const std::string& what, double numbers,
                         const std::function<float(float)>& f) {
      const auto round = [f](const Tensor<float>& t) { return mapped(t, f); };
      list_.push_back({"weights_" + suffix, "the weights, biases and slopes are " + what, "rounding", true,
                       [f, round](LayerPort& p) {
                         p.weight = round(p.weight);
                         for (float& b : p.bias) b = f(b);
                         for (float& s : p.slope) s = f(s);
                       },
                       numbers});
      list_.push_back({"kernels_" + suffix, "the kernels are " + what, "rounding", true,
                       [round](LayerPort& p) { p.weight = round(p.weight); }, numbers});
    };
    for (int digits = 1; digits <= 6; ++digits) {
      all(fmt::format("rounded_{}_decimals", digits), fmt::format("rounded to {} decimal places", digits), 0,
          [digits](float v) { return rounded_to_decimals(v, digits); });
      if (digits > 1 && digits < 6) {
        all(fmt::format("rounded_{}_digits", digits), fmt::format("rounded to {} significant digits", digits), 0,
            [digits](float v) { return rounded_to_digits(v, digits); });
      }
      all(fmt::format("truncated_{}_decimals", digits), fmt::format("truncated to {} decimal places", digits), 0.2,
          [power = std::pow(10.0, digits)](float v) { return static_cast<float>(std::trunc(v * power) / power); });
    }
    all("float16", "rounded to float16", 0, [](float v) { return in_short_float(v, 10, -14); });
    all("bfloat16", "rounded to bfloat16", 0, [](float v) { return in_short_float(v, 7, -126); });
    all("bfloat16_truncated", "truncated to bfloat16", 0.2, [](float v) { return in_short_float(v, 7, -126, true); });
    for (int bits = 2; bits <= 16; ++bits) {
      const double unit = std::ldexp(1, -bits);
      all(fmt::format("fixed_{}", bits), fmt::format("rounded to {} binary places (steps of 1/{})", bits, 1 << bits),
          0.2, [unit](float v) { return static_cast<float>(std::nearbyint(v / unit) * unit); });
      all(fmt::format("fixed_{}_floor", bits),
          fmt::format("truncated to {} binary places (steps of 1/{}), downwards", bits, 1 << bits), 0.3,
          [unit](float v) { return static_cast<float>(std::floor(v / unit) * unit); });
      all(fmt::format("fixed_{}_toward_zero", bits),
          fmt::format("truncated to {} binary places (steps of 1/{}), toward 0", bits, 1 << bits), 0.4,
          [unit](float v) { return static_cast<float>(std::trunc(v / unit) * unit); });
    }
    integers();
  }

  /// Integers with a scale for the tensor or for each output channel.
  void integers() {
    const auto in_levels = [this](const Tensor<float>& t, bool each, int levels, bool truncates) {
      const Shape s = t.shape();
      Tensor<float> to = t;
      const auto channel = [&](int64_t i) {
        return !each ? 0 : port_.is_transposed ? i / (s.h * s.w) % s.c : i / (s.c * s.h * s.w);
      };
      std::vector<double> largest(static_cast<size_t>(std::max(s.n, s.c)), 0);
      for (int64_t i = 0; i < t.count(); ++i) {
        double& most = largest[static_cast<size_t>(channel(i))];
        most = std::max<double>(most, std::abs(t.data()[i]));
      }
      for (int64_t i = 0; i < t.count(); ++i) {
        const double unit = largest[static_cast<size_t>(channel(i))] / levels;
        const double value = unit == 0 ? 0 : t.data()[i] / unit;
        to.data()[i] = static_cast<float>((truncates ? std::trunc(value) : std::nearbyint(value)) * unit);
      }
      return to;
    };
    for (const int levels : {127, 128, 7, 32767}) {
      const int bits = levels == 7 ? 4 : levels == 32767 ? 16 : 8;
      for (const bool each : {false, true}) {
        for (const bool truncates : {false, true}) {
          put(fmt::format("kernels_int{}_{}{}{}", bits, levels, each ? "_each" : "", truncates ? "_truncated" : ""),
              "rounding",
              fmt::format("the kernels are {} to {} bits ({} levels{})", truncates ? "truncated" : "rounded", bits,
                          levels, each ? " for each output channel" : ""),
              in_levels(right_, each, levels, truncates), 0.3);
        }
      }
    }
  }

  const MistakeContext& context_;
  const LayerPort& port_;
  const Tensor<float>& right_;
  std::unordered_set<size_t> seen_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_in_weights(const MistakeContext& context, const LayerPort& port) {
  return Weights(context, port).all();
}

std::vector<Mistake> mistakes_in_vectors(const MistakeContext& context, const LayerPort& port) {
  std::vector<Mistake> list;
  const auto put = [&](const std::string& id, const std::string& family, const std::string& sentence, double numbers,
                       std::function<void(LayerPort&)> make) {
    list.push_back({id, sentence, family, true, std::move(make), numbers});
  };
  std::vector<OtherVector> biases, slopes;
  for (const Layer& other : context.network->layers) {
    if (other.name == port.name) continue;
    if (!other.bias.empty()) biases.push_back({id_of(other), other.name, other.bias});
    if (!other.slope.empty()) slopes.push_back({id_of(other), other.name, other.slope});
  }
  const bool sees_activation = context.output_is_activated || !context.output_is_dump;
  if (port.has_weight() && port.convolves && !port.bias.empty()) {
    put("bias_missing", "bias", "the bias is missing", 0, [](LayerPort& p) { p.bias.clear(); });
    const int64_t inputs = port.kernels_each();
    if (inputs > 2) {
      put("bias_each_channel", "bias", fmt::format("the bias is added once for each of the {} input channels", inputs),
          0, [inputs](LayerPort& p) {
            for (float& b : p.bias) b *= static_cast<float>(inputs);
          });
    }
    for (const VectorReading& r : vector_readings(port.bias, biases)) {
      if (r.id == "inverted" || r.id == "squared" || r.id == "applied_twice" || r.id.starts_with("one_")) continue;
      put("bias_" + r.id, "bias", r.id == "doubled" ? "the bias is added twice" : "the biases " + r.words, r.numbers,
          [values = r.values](LayerPort& p) { p.bias = values; });
    }
  }
  if (port.activation == Layer::Activation::prelu && sees_activation) {
    for (const VectorReading& r : vector_readings(port.slope, slopes)) {
      const std::string words = r.id == "of_first_channel"
                                    ? "the PReLU has the slope of the first channel for all channels"
                                    : "the PReLU's slopes " + r.words;
      put("slope_" + r.id, "activation", words, r.numbers, [values = r.values](LayerPort& p) { p.slope = values; });
    }
  }
  return list;
}

}  // namespace fsrcnn
