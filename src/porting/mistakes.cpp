#include "porting/mistakes.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

/// to(c, y, x) = from(source(c, y, x)) of tensors with one n and the same shape.
template <class Source>
Tensor<float> permuted(const Tensor<float>& from, Source&& source) {
  Tensor<float> to(from.shape());
  const Shape s = from.shape();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 0; x < s.w; ++x) to(n, c, y, x) = from.data()[source(n, c, y, x)];
  return to;
}

int64_t index(const Shape& s, int64_t n, int64_t c, int64_t y, int64_t x) {
  return ((n * s.c + c) * s.h + y) * s.w + x;
}

/// Channels reversed within groups of this many (0: all).
Tensor<float> reverse_channels(const Tensor<float>& t, int64_t group) {
  const Shape s = t.shape();
  const int64_t g = group == 0 ? s.c : group;
  return permuted(t, [&](auto n, auto c, auto y, auto x) { return index(s, n, c / g * g + g - 1 - c % g, y, x); });
}

Tensor<float> flip(const Tensor<float>& t, bool rows, bool columns) {
  const Shape s = t.shape();
  return permuted(t, [&](auto n, auto c, auto y, auto x) {
    return index(s, n, c, rows ? s.h - 1 - y : y, columns ? s.w - 1 - x : x);
  });
}

/// Rows and columns exchanged; the shape stays what it was, as that of a file that is read so.
Tensor<float> transpose(const Tensor<float>& t) {
  const Shape s = t.shape();
  return permuted(t, [&](auto n, auto c, auto y, auto x) {
    const int64_t at = y * s.w + x;
    return index(s, n, c, 0, 0) + at % s.h * s.w + at / s.h;
  });
}

/// NCHW values in the order of NHWC, in a tensor that still calls itself NCHW; and back.
Tensor<float> to_nhwc(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  float* value = to.data();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x)
        for (int64_t c = 0; c < s.c; ++c) *value++ = t(n, c, y, x);
  return to;
}
Tensor<float> from_nhwc(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  const float* value = t.data();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x)
        for (int64_t c = 0; c < s.c; ++c) to(n, c, y, x) = *value++;
  return to;
}

Tensor<float> mapped(const Tensor<float>& t, const std::function<float(float)>& f) {
  Tensor<float> to = t;
  std::transform(to.values().begin(), to.values().end(), to.values().begin(), f);
  return to;
}

float rounded_to_decimals(float value, int digits) {
  const double power = std::pow(10.0, digits);
  return static_cast<float>(std::nearbyint(value * power) / power);
}

float rounded_to_digits(float value, int digits) {
  if (value == 0) return 0;
  return rounded_to_decimals(value, digits - 1 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
}

/// The order in which files numbered so are listed by name: kernel10 before kernel2.
std::vector<int64_t> order_of_names(int64_t a, int64_t b) {
  std::vector<std::pair<std::string, int64_t>> names;
  for (int64_t i = 0; i < a * b; ++i) names.emplace_back(fmt::format("{}_{}.txt", i / b, i % b), i);
  std::sort(names.begin(), names.end());
  std::vector<int64_t> order;
  for (const auto& [name, i] : names) order.push_back(i);
  return order;
}

Tensor<float> kernels_in_order(const Tensor<float>& weight, const std::vector<int64_t>& order) {
  Tensor<float> to(weight.shape());
  const int64_t size = weight.shape().h * weight.shape().w;
  for (size_t i = 0; i < order.size(); ++i) {
    std::copy_n(weight.data() + order[i] * size, size, to.data() + static_cast<int64_t>(i) * size);
  }
  return to;
}

std::vector<float> in_order(const std::vector<float>& values) {
  std::vector<float> to;
  for (const int64_t i : order_of_names(static_cast<int64_t>(values.size()), 1)) to.push_back(values[i]);
  return to;
}

/// Of (a, b, kh, kw) read as if it were (b, a, kh, kw).
Tensor<float> swap_axes(const Tensor<float>& weight) {
  const Shape s = weight.shape();
  return permuted(weight, [&](auto a, auto b, auto y, auto x) { return ((b * s.n + a) * s.h + y) * s.w + x; });
}

class List {
 public:
  explicit List(const MistakeContext& context)
      : context_(context), port_(right_port(*context.model, context.layer)), kernel_(port_.weight.shape().h) {}

  std::vector<Mistake> all() {
    kernels();
    order();
    biases();
    geometry();
    if (context_.output_is_activated || !context_.output_is_dump) activations();
    inputs();
    if (context_.output_is_dump) outputs();
    rounding();
    return std::move(list_);
  }

 private:
  using Make = std::function<void(LayerPort&)>;

  void add(std::string id, std::string family, std::string sentence, Make make, bool local = true) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), local, std::move(make)});
  }

  void kernels() {
    if (kernel_ > 1) {
      const bool turns = port_.is_deconvolution;
      add("kernel_not_turned", "turn",
          turns ? "the kernels are not turned by 180 degrees"
                : "the kernels are turned by 180 degrees, which a convolution layer does not do",
          [](LayerPort& p) { p.weight = flip(p.weight, true, true); });
      add("kernel_transposed", "transpose", "the kernels are transposed (rows and columns exchanged, MATLAB's order)",
          [](LayerPort& p) { p.weight = transpose(p.weight); });
      add("kernel_upside_down", "turn",
          turns ? "the kernels are mirrored but not turned upside down" : "the kernels are upside down",
          [](LayerPort& p) { p.weight = flip(p.weight, true, false); });
      add("kernel_mirrored", "turn",
          turns ? "the kernels are turned upside down but not mirrored" : "the kernels are mirrored",
          [](LayerPort& p) { p.weight = flip(p.weight, false, true); });
    }
    if (port_.weight.shape().n > 1 && port_.weight.shape().c > 1) {
      add("kernel_axes_swapped", "axes", "input and output channels of the kernels are exchanged",
          [](LayerPort& p) { p.weight = swap_axes(p.weight); });
    }
  }

  /// Files of kernels taken for others.
  void order() {
    const Shape s = port_.weight.shape();
    if (s.n > 10 || s.c > 10) {
      const std::string why = "in the order of their names (10 before 2), not of their numbers";
      add("files_in_order_of_names", "order", "the files are read " + why, [s](LayerPort& p) {
        p.weight = kernels_in_order(p.weight, order_of_names(s.n, s.c));
        p.bias = in_order(p.bias);
        p.slope = in_order(p.slope);
      });
      add("kernels_in_order_of_names", "order", "the files of kernels are read " + why,
          [s](LayerPort& p) { p.weight = kernels_in_order(p.weight, order_of_names(s.n, s.c)); });
    }
    for (const int64_t by : {1, -1}) {
      if (s.n < 3) break;
      add(by > 0 ? "kernels_off_by_1" : "kernels_off_by_-1", "order",
          fmt::format("the kernels are numbered off by one: kernel{}_0.txt holds what kernel{}_0.txt should",
                      by > 0 ? 1 : 0, by > 0 ? 0 : 1),
          [s, by](LayerPort& p) {
            std::vector<int64_t> order;
            for (int64_t i = 0; i < s.n * s.c; ++i) order.push_back((i + (s.n + by) * s.c) % (s.n * s.c));
            p.weight = kernels_in_order(p.weight, order);
          });
    }
  }

  void biases() {
    add("bias_missing", "bias", "the bias is missing", [](LayerPort& p) { p.bias.clear(); });
    add("bias_doubled", "bias", "the bias is added twice", [](LayerPort& p) {
      for (float& b : p.bias) b *= 2;
    });
    const int64_t inputs = port_.is_deconvolution ? port_.weight.shape().n : port_.weight.shape().c;
    if (inputs > 2) {
      add("bias_each_channel", "bias", fmt::format("the bias is added once for each of the {} input channels", inputs),
          [inputs](LayerPort& p) {
            for (float& b : p.bias) b *= static_cast<float>(inputs);
          });
    }
    for (const Layer& other : context_.model->layers) {
      if (other.bias.size() < port_.bias.size() || other.name == port_.name) continue;
      add("bias_of_" + other.key, "bias", fmt::format("the bias is that of {}", other.name), [&other](LayerPort& p) {
        p.bias.assign(other.bias.begin(), other.bias.begin() + static_cast<ptrdiff_t>(p.bias.size()));
      });
    }
    if (!port_.slope.empty() && context_.output_is_activated) {
      add("bias_after_activation", "activation", "the bias is added after the activation, not before it",
          [](LayerPort& p) { p.activation_before_bias = true; });
    }
  }

  void shift(const std::string& id, const std::string& sentence, Pair by) {
    add(id, "crop", sentence, [by](LayerPort& p) { p.shift = {p.shift.h + by.h, p.shift.w + by.w}; });
  }

  void geometry() {
    const int64_t extra = port_.scale - 1;
    if (port_.is_deconvolution) {
      add("output_padding_missing", "crop", "output_padding is missing", [](LayerPort& p) { p.pads = false; });
      shift("output_padding_top_left", "output_padding is at the top and left, not at the bottom and right",
            {-extra, -extra});
    } else if (kernel_ > 1) {
      add("padding_missing", "crop", "the input is not padded", [](LayerPort& p) { p.pads = false; });
    }
    if (port_.border > 0) {
      add("border_missing", "padding", "the input has no replicated pixel around it",
          [](LayerPort& p) { p.border = 0; });
    }
    if (kernel_ > 1) {
      const bool replicates = port_.padding_mode == PaddingMode::replicate;
      add(replicates ? "padding_zeros" : "padding_replicate", "padding",
          replicates ? "the input is padded with zeros, not with its edges"
                     : "the input is padded with its edges (replicate), not with zeros",
          [replicates](LayerPort& p) { p.padding_mode = replicates ? PaddingMode::zeros : PaddingMode::replicate; });
      const int64_t farthest = port_.is_deconvolution ? 6 : 2;
      const std::string what = port_.is_deconvolution ? "the output is cropped" : "the kernel's window is";
      const auto off = [&](int64_t dy, int64_t dx) {
        if (port_.is_deconvolution && dy == -extra && dx == -extra) return;
        shift(fmt::format("crop_off_{}_{}", dy, dx),
              fmt::format("{} {} row(s) and {} column(s) off (positive: too far down and right)", what, dy, dx),
              {dy, dx});
      };
      for (int64_t d = 1; d <= farthest; ++d) {
        off(d, d);
        off(-d, -d);
        if (d > 2) continue;
        for (const int64_t e : {d, -d}) {
          off(0, e);
          off(e, 0);
        }
      }
    }
  }

  void activations() {
    if (port_.is_tail) {
      add("clamp_missing", "clamp", "the output is not clamped to [0, 1]", [](LayerPort& p) { p.clamps = false; });
      return;
    }
    if (port_.slope.empty()) return;
    add("relu", "activation", "the activation is ReLU, not PReLU",
        [](LayerPort& p) { p.activation = LayerPort::Activation::relu; });
    add("activation_missing", "activation", "the activation is missing",
        [](LayerPort& p) { p.activation = LayerPort::Activation::none; });
    const auto slopes = [&](const std::string& id, const std::string& sentence, const Make& make) {
      add(id, "activation", sentence, make);
    };
    if (port_.slope.size() > 1) {
      slopes("slope_of_first_channel", "the PReLU has the slope of the first channel for all channels",
             [](LayerPort& p) { p.slope.assign(1, p.slope[0]); });
    }
    for (const float slope : {0.25F, 0.01F, 0.1F, 0.2F}) {
      slopes(fmt::format("slope_{:g}", slope), fmt::format("the activation has the slope {:g}, not the PReLU's", slope),
             [slope](LayerPort& p) { p.slope.assign(1, slope); });
    }
    slopes("slope_negated", "the PReLU's slopes have the wrong sign", [](LayerPort& p) {
      for (float& s : p.slope) s = -s;
    });
    for (const Layer& other : context_.model->layers) {
      if (other.slope.size() != port_.slope.size() || other.name == port_.name) continue;
      slopes("slope_of_" + other.key, fmt::format("the PReLU's slopes are those of {}", other.name),
             [&other](LayerPort& p) { p.slope = other.slope; });
    }
  }

  /// Orders that an array may be read or written in by mistake.
  void layouts(const std::string& prefix, const std::string& what, int64_t channels,
               std::vector<TensorOp> LayerPort::*ops, const TensorOp& nhwc) {
    const auto put = [&](const std::string& id, const std::string& sentence, const TensorOp& op, bool local) {
      add(
          prefix + id, prefix + "layout", fmt::format(fmt::runtime(sentence), what),
          [op, ops](LayerPort& p) { (p.*ops).push_back(op); }, local);
    };
    if (channels > 1) {
      put("nhwc", "{} is in the order NHWC, not NCHW", nhwc, false);
      put(
          "channels_reversed", "the channels (lanes) of {} are in reversed order",
          [](const Tensor<float>& t) { return reverse_channels(t, 0); }, true);
      for (const int64_t group : {4, 8}) {
        if (channels % group != 0 || channels == group) continue;
        put(
            fmt::format("channels_reversed_by_{}", group),
            fmt::format("the channels (lanes) of {{}} are reversed in groups of {}", group),
            [group](const Tensor<float>& t) { return reverse_channels(t, group); }, true);
      }
    }
    put(
        "upside_down", "{} is upside down (stored bottom-up)",
        [](const Tensor<float>& t) { return flip(t, true, false); }, false);
    put(
        "mirrored", "{} is mirrored", [](const Tensor<float>& t) { return flip(t, false, true); }, false);
    put(
        "turned", "{} is turned by 180 degrees", [](const Tensor<float>& t) { return flip(t, true, true); }, false);
    put(
        "transposed", "{} is transposed (rows and columns exchanged)",
        [](const Tensor<float>& t) { return transpose(t); }, false);
  }

  void inputs() {
    for (const auto& [name, luma] : context_.other_lumas) {
      add("input_" + name, "input", fmt::format("the input is {}", name),
          [luma = luma](LayerPort& p) { p.other_input = luma; });
    }
    if (context_.layer == 0 && port_.name == "feature extraction") {
      const auto range = [&](const std::string& id, const std::string& sentence, const std::function<float(float)>& f) {
        add(id, "input_range", sentence,
            [f](LayerPort& p) { p.before.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); });
      };
      range("input_scale_255", "the input is in [0, 255], not in [0, 1]", [](float v) { return v * 255; });
      range("input_scale_twice", "the input is divided by 255 twice", [](float v) { return v / 255; });
      range("input_full_range", "the input is luma of full range, not of limited range (16 to 235)",
            [](float v) { return (v * 255 - 16) / 219; });
      range("input_limited_twice", "the input is brought to limited range twice",
            [](float v) { return (v * 219 + 16) / 255; });
      range("input_8_bits", "the input is rounded to 8 bits", [](float v) { return std::nearbyint(v * 255) / 255; });
      range("input_8_bits_truncated", "the input is truncated to 8 bits",
            [](float v) { return std::floor(v * 255) / 255; });
    }
    for (const auto& [name, map] : context_.other_inputs) {
      add("input_of_" + name, "input", fmt::format("the input is the feature map of {}", name),
          [map = map](LayerPort& p) { p.other_input = map; });
    }
    const int64_t channels = port_.is_deconvolution ? port_.weight.shape().n : port_.weight.shape().c;
    layouts("input_", "the input", channels, &LayerPort::before, from_nhwc);
  }

  void outputs() {
    const int64_t channels = port_.is_tail ? 1 : port_.weight.shape().n;
    layouts("output_", "the output", channels, &LayerPort::after, to_nhwc);
    const auto range = [&](const std::string& id, const std::string& sentence, const std::function<float(float)>& f) {
      add(id, "output_range", sentence,
          [f](LayerPort& p) { p.after.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); });
    };
    // A truncated value is half a step below the rounded one, on the average, and never more than half a step from
    // that.
    const double q = context_.quantum;
    if (q > 0) {
      range("output_truncated", "the output is truncated, not rounded",
            [q](float v) { return v - static_cast<float>(q / 2); });
    }
    if (!port_.is_tail) return;
    range("output_scale_255", "the output is in [0, 255], not in [0, 1]", [](float v) { return v * 255; });
    if (q > 0) {
      range("output_scale_255_truncated", "the output is in [0, 255], not in [0, 1], and truncated, not rounded",
            [q](float v) { return 255 * v - static_cast<float>(q / 2); });
    }
  }

  void rounding() {
    const auto put = [&](int digits, const std::string& form, const std::string& unit, float (*round)(float, int)) {
      const std::string suffix = fmt::format("rounded_{}_{}", digits, form);
      add("weights_" + suffix, "rounding",
          fmt::format("the weights, biases and slopes are rounded to {} {}", digits, unit),
          [digits, round](LayerPort& p) {
            p.weight = mapped(p.weight, [=](float v) { return round(v, digits); });
            for (float& b : p.bias) b = round(b, digits);
            for (float& s : p.slope) s = round(s, digits);
          });
      add("kernels_" + suffix, "rounding", fmt::format("the kernels are rounded to {} {}", digits, unit),
          [digits, round](LayerPort& p) { p.weight = mapped(p.weight, [=](float v) { return round(v, digits); }); });
    };
    for (int digits = 1; digits <= 6; ++digits) {
      put(digits, "decimals", "decimal places", rounded_to_decimals);
      if (digits > 1 && digits < 6) put(digits, "digits", "significant digits", rounded_to_digits);
    }
  }

  const MistakeContext& context_;
  LayerPort port_;
  int64_t kernel_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_at(const MistakeContext& context) { return List(context).all(); }

}  // namespace fsrcnn
