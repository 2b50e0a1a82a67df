#include "porting/integer_network.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/depth_to_space.hpp"
#include "nn/interpolate.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMost = 255;             // of u8
constexpr double kMostWeight = 127;        // of s8: symmetric
constexpr double kMostSum = 2147483647;    // of s32
constexpr double kOperandSteps = 1 << 20;  // of an addition's larger operand
constexpr int64_t kInterpolationTaps = 5;

/// (1, 1, factor, 5): of the pixels y - 2 ... y + 2 for output factor * y + phase. Each row sums up to 2^bits, so that
/// what is flat stays flat.
Tensor<double> interpolation_weights(const Layer& layer, int bits) {
  Tensor<double> weights({1, 1, layer.factor, kInterpolationTaps});
  for (int64_t phase = 0; phase < layer.factor; ++phase) {
    const InterpolationTaps taps =
        interpolation_taps(layer.interpolation, layer.factor, phase, layer.cubic_coefficient);
    double* const row = weights.row(0, 0, phase);
    for (size_t i = 0; i < taps.weights.size(); ++i) {
      const int64_t at = taps.first + static_cast<int64_t>(i) + 2;
      if (taps.weights[i] != 0) row[at] = std::round(std::ldexp(taps.weights[i], bits));
    }
    const double sum = std::accumulate(row, row + kInterpolationTaps, 0.0);
    *std::max_element(row, row + kInterpolationTaps) += std::ldexp(1, bits) - sum;
  }
  return weights;
}

Tensor<double> interpolated(const Tensor<double>& input, const Tensor<double>& weights) {
  const auto [n, c, h, w] = input.shape();
  const int64_t f = weights.shape().h;
  Tensor<double> output({n, c, f * h, f * w});
  for (int64_t k = 0; k < c; ++k) {
    for (int64_t y = 0; y < f * h; ++y) {
      for (int64_t x = 0; x < f * w; ++x) {
        double sum = 0;
        for (int64_t i = 0; i < kInterpolationTaps; ++i) {
          for (int64_t j = 0; j < kInterpolationTaps; ++j) {
            sum +=
                weights(0, 0, y % f, i) * weights(0, 0, x % f, j) *
                input(0, k, std::clamp<int64_t>(y / f + i - 2, 0, h - 1), std::clamp<int64_t>(x / f + j - 2, 0, w - 1));
          }
        }
        output(0, k, y, x) = sum;
      }
    }
  }
  return output;
}

/// The largest sum that a layer's kernels can make of values up to `most`, with its bias.
double most_sum(const Layer& layer, const IntegerLayer& in_integers, double most) {
  const auto [n, c, h, w] = in_integers.weight.shape();
  const bool transposed = layer.op == Layer::Op::transposed_convolution;
  double largest = 0;
  for (int64_t o = 0; o < layer.out_channels(); ++o) {
    double sum = in_integers.bias.empty() ? 0 : std::abs(in_integers.bias[static_cast<size_t>(o)]);
    for (int64_t i = 0; i < (transposed ? n : c); ++i) {
      const double* const kernel = transposed ? in_integers.weight.plane(i, o) : in_integers.weight.plane(o, i);
      for (int64_t k = 0; k < h * w; ++k) sum += most * std::abs(kernel[k]);
    }
    largest = std::max(largest, sum);
  }
  return largest;
}

/// A whole sum / 2^shift, rounded, as a word: what FixedPoint does to the value.
int64_t as_word(const FixedPoint& type, double sum, int shift) {
  return type.word(std::ldexp(sum, -shift - type.fraction_bits));
}

double fixed_point_value(const FixedPoint& type, const Layer& layer, const IntegerLayer& l, int64_t channel,
                         double sum) {
  int64_t v = as_word(type, sum, l.shift);
  switch (layer.activation) {
    case Layer::Activation::relu: v = std::max<int64_t>(v, 0); break;
    case Layer::Activation::prelu:
      if (v < 0) {
        const int64_t slope = l.slope[l.slope.size() == 1 ? 0 : static_cast<size_t>(channel)];
        v = as_word(type, static_cast<double>(v * slope), type.fraction_bits);
      }
      break;
    case Layer::Activation::tanh: v = type.word(std::tanh(type.value(v))); break;
    case Layer::Activation::none:
    case Layer::Activation::clamp: break;
  }
  return static_cast<double>(std::clamp(v, l.low, l.high));
}

double int8_value(const IntegerLayer& l, int64_t channel, double sum) {
  const Rescale& r = (sum < 0 ? l.negative : l.positive)[static_cast<size_t>(channel)];
  const int64_t v = (static_cast<int64_t>(sum) * r.multiplier + (int64_t{1} << (r.shift - 1))) >> r.shift;
  if (!l.table.empty()) return static_cast<double>(l.table[static_cast<size_t>(std::clamp<int64_t>(v + 128, 0, 255))]);
  return static_cast<double>(std::clamp(v + l.zero, l.low, l.high));
}

int64_t as_u8(double value, double scale, int64_t zero) {
  return static_cast<int64_t>(std::clamp(std::floor(value / scale + 0.5) + static_cast<double>(zero), 0.0, 255.0));
}

/// The least and the largest of some values, and 0.
struct Range {
  float low = 0, high = 0;

  explicit Range(const Tensor<float>& x) {
    for (const float v : x.values()) low = std::min(low, v), high = std::max(high, v);
  }
};

/// What int8 knows of the float32 network on a picture.
struct Calibration {
  std::vector<Range> outputs, before_activation;  // of each layer
};

Calibration calibrate(const Network& network, const Tensor<float>& input) {
  Calibration c;
  reference_network<float>(network, input, [&](size_t layer, const std::string&, const Tensor<float>& x) {
    if (c.outputs.size() == layer) {
      c.outputs.emplace_back(x);
      c.before_activation.emplace_back(x);
    } else {
      c.outputs[layer] = Range(x);
    }
  });
  return c;
}

/// s8 kernels, each output channel's with a scale of its own, and biases in steps of the sums.
void quantise_kernels(const Layer& layer, double input_scale, IntegerLayer& l) {
  l.weight = Tensor<double>(layer.weight.shape(), {layer.weight.values().begin(), layer.weight.values().end()});
  const auto [n, c, h, w] = l.weight.shape();
  const bool transposed = layer.op == Layer::Op::transposed_convolution;
  for (int64_t o = 0; o < layer.out_channels(); ++o) {
    const auto kernel = [&](int64_t i) { return transposed ? l.weight.plane(i, o) : l.weight.plane(o, i); };
    const int64_t count = transposed ? n : c;
    double most = 0;
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t k = 0; k < h * w; ++k) most = std::max(most, std::abs(kernel(i)[k]));
    }
    const double bias = layer.bias.empty() ? 0 : static_cast<double>(layer.bias[static_cast<size_t>(o)]);
    // Where the kernel is nearly nothing, the bias must fit all the same.
    double scale = std::max(most / kMostWeight, std::abs(bias) / input_scale / std::ldexp(1, 30));
    if (scale == 0) scale = 1;
    l.weight_scale.push_back(scale);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t k = 0; k < h * w; ++k) kernel(i)[k] = std::floor(kernel(i)[k] / scale + 0.5);
    }
    if (!layer.bias.empty()) l.bias.push_back(std::floor(bias / (input_scale * scale) + 0.5));
  }
}

/// A layer's output: its scale and zero point.
void choose_scale(const Network& network, size_t index, double input_scale, int64_t input_zero, const Range& range,
                  IntegerLayer& l) {
  const Layer& layer = network.layers[index];
  const bool moves = layer.op == Layer::Op::depth_to_space ||
                     (layer.op == Layer::Op::interpolate && layer.interpolation == Interpolation::nearest);
  if (index + 1 == network.layers.size()) {
    l.scale = 1.0 / 255;
  } else if (moves && layer.activation == Layer::Activation::none) {
    l.scale = input_scale, l.zero = input_zero;
  } else {
    const double low = range.low, high = range.high;
    l.scale = high > low ? (high - low) / static_cast<double>(kMost) : 1.0 / 255;
    l.zero = as_u8(-low, l.scale, 0);
  }
  l.high = kMost;
  if (layer.activation == Layer::Activation::clamp) {
    l.low = as_u8(layer.low, l.scale, l.zero);
    l.high = as_u8(layer.high, l.scale, l.zero);
  }
}

}  // namespace

Rescale rescale_by(double factor) {
  int exponent = 0;
  auto multiplier = static_cast<int64_t>(std::round(std::ldexp(std::frexp(factor, &exponent), 31)));
  if (std::abs(multiplier) == int64_t{1} << 31) multiplier /= 2, ++exponent;
  if (factor == 0 || exponent < -31) return {0, 1};
  if (exponent > 30) fail(ErrorCode::limit, "int8 cannot rescale by {}: 2^30 is too much", factor);
  return {multiplier, 31 - exponent};
}

IntegerNetwork fixed_point_network(const Network& network, const FixedPoint& type) {
  IntegerNetwork result{.network = network, .fixed = type, .input_scale = type.value(1)};
  const auto words = [&](const std::vector<float>& values) {
    std::vector<double> list;
    for (const float v : values) list.push_back(static_cast<double>(type.word(v)));
    return list;
  };
  FixedPoint saturating = type;
  saturating.overflow = Overflow::saturate;
  for (const Layer& layer : network.layers) {
    IntegerLayer l{.scale = type.value(1)};
    l.low = -(int64_t{1} << (type.bits() - 1)), l.high = -l.low - 1;
    const auto clamp_to = [&](double low, double high) {
      l.low = std::max(l.low, saturating.word(low)), l.high = std::min(l.high, saturating.word(high));
    };
    if (layer.activation == Layer::Activation::clamp) clamp_to(layer.low, layer.high);
    if (&layer == &network.layers.back()) clamp_to(0, 1);
    if (layer.has_weight()) {
      l.weight = Tensor<double>(layer.weight.shape(), words(layer.weight.values()));
      l.bias = words(layer.bias);
      for (double& b : l.bias) b = std::ldexp(b, type.fraction_bits);
      l.shift = type.fraction_bits;
      if (most_sum(layer, l, std::ldexp(1, type.bits() - 1)) > std::ldexp(1, 53)) {
        fail(ErrorCode::limit, "words of {} bits are too wide: the sums of '{}' would need more than 53 bits",
             type.bits(), layer.name);
      }
    } else if (layer.op == Layer::Op::interpolate) {
      l.weight = interpolation_weights(layer, result.interpolation_bits());
      l.shift = 2 * result.interpolation_bits();
    }
    for (const float s : layer.slope) l.slope.push_back(type.word(s));
    result.layers.push_back(std::move(l));
  }
  return result;
}

IntegerNetwork int8_network(const Network& network, const Tensor<float>& input) {
  IntegerNetwork result{.network = network};
  const Calibration ranges = calibrate(network, input);
  for (size_t index = 0; index < network.layers.size(); ++index) {
    const Layer& layer = network.layers[index];
    const double input_scale = result.scale_of(layer.inputs[0]);
    IntegerLayer l;
    choose_scale(network, index, input_scale, result.zero_of(layer.inputs[0]), ranges.outputs[index], l);
    const int64_t channels = value_shapes(network)[index].channels;
    std::vector<double> sum_scale(static_cast<size_t>(channels), input_scale);  // what a sum's step stands for
    if (layer.has_weight()) {
      quantise_kernels(layer, input_scale, l);
      if (most_sum(layer, l, kMost) > kMostSum) {
        fail(ErrorCode::limit, "the sums of '{}' may need more than the 32 bits of int8's", layer.name);
      }
      for (size_t o = 0; o < sum_scale.size(); ++o) sum_scale[o] *= l.weight_scale[o];
    } else if (layer.op == Layer::Op::interpolate) {
      l.weight = interpolation_weights(layer, result.interpolation_bits());
      for (double& s : sum_scale) s = std::ldexp(s, -2 * result.interpolation_bits());
    } else if (layer.op == Layer::Op::add) {
      const double other_scale = result.scale_of(layer.inputs[1]);
      const double step = std::max(input_scale, other_scale) / kOperandSteps;
      l.operands = {std::llround(input_scale / step), std::llround(other_scale / step)};
      for (double& s : sum_scale) s = step;
    }
    const bool is_tanh = layer.activation == Layer::Activation::tanh;
    if (is_tanh) {
      const Range& before = ranges.before_activation[index];
      // From 4 on tanh is 1 but for a sixth of a step.
      const double most = std::min(4.0, static_cast<double>(std::max(-before.low, before.high)));
      l.table_scale = most > 0 ? most / 127 : 1;
      for (int i = 0; i < 256; ++i) l.table.push_back(as_u8(std::tanh((i - 128) * l.table_scale), l.scale, l.zero));
    }
    for (size_t o = 0; o < sum_scale.size(); ++o) {
      const double factor = sum_scale[o] / (is_tanh ? l.table_scale : l.scale);
      l.positive.push_back(rescale_by(factor));
      const double slope = layer.activation == Layer::Activation::relu ? 0
                           : layer.activation != Layer::Activation::prelu
                               ? 1
                               : static_cast<double>(layer.slope[layer.slope.size() == 1 ? 0 : o]);
      l.negative.push_back(rescale_by(factor * slope));
    }
    result.layers.push_back(std::move(l));
  }
  return result;
}

std::vector<Tensor<double>> run_integers(const IntegerNetwork& network, const Tensor<float>& input) {
  std::vector<Tensor<double>> values(network.layers.size() + 1);  // the input first
  values[0] = Tensor<double>(input.shape());
  for (int64_t i = 0; i < input.count(); ++i) {
    const double v = input.data()[i];
    values[0].data()[i] =
        static_cast<double>(network.fixed ? network.fixed->word(v) : as_u8(v, network.input_scale, 0));
  }
  for (size_t index = 0; index < network.layers.size(); ++index) {
    const Layer& layer = network.network.layers[index];
    const IntegerLayer& l = network.layers[index];
    // From its zero point, so that padding is 0.
    const auto read = [&](size_t operand) {
      const int from = layer.inputs[operand];
      Tensor<double> x = values[static_cast<size_t>(from + 1)];
      for (double& v : x.values()) {
        v = (v - static_cast<double>(network.zero_of(from))) * static_cast<double>(l.operands[operand]);
      }
      return x;
    };
    Tensor<double> x = read(0);
    switch (layer.op) {
      case Layer::Op::convolution: x = conv2d_reference(x, l.weight, l.bias, layer.conv); break;
      case Layer::Op::transposed_convolution: {
        const int64_t b = layer.border;
        if (b > 0) x = pad2d(x, {b, b, b, b}, PaddingMode::replicate);
        x = conv_transpose2d_reference(x, l.weight, l.bias, layer.conv_transpose);
        break;
      }
      case Layer::Op::depth_to_space: x = depth_to_space(x, layer.factor); break;
      case Layer::Op::interpolate: x = interpolated(x, l.weight); break;
      case Layer::Op::add: {
        Tensor<double> other = read(1);
        if (x.shape().c < other.shape().c) std::swap(x, other);
        const Shape s = x.shape();
        for (int64_t c = 0; c < s.c; ++c) {
          const double* const from = other.plane(0, other.shape().c == 1 ? 0 : c);
          for (int64_t i = 0; i < s.h * s.w; ++i) x.plane(0, c)[i] += from[i];
        }
      }
    }
    const Shape s = x.shape();
    for (int64_t c = 0; c < s.c; ++c) {
      for (int64_t i = 0; i < s.h * s.w; ++i) {
        double& v = x.plane(0, c)[i];
        v = network.fixed ? fixed_point_value(*network.fixed, layer, l, c, v) : int8_value(l, c, v);
      }
    }
    values[index + 1] = std::move(x);
  }
  return values;
}

}  // namespace fsrcnn
