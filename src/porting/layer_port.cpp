#include "porting/layer_port.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "nn/depth_to_space.hpp"
#include "nn/interpolate.hpp"
#include "nn/pad2d.hpp"
#include "nn/prelu.hpp"
#include "porting/kept_layers.hpp"

namespace fsrcnn {
namespace {

Tensor<float> convolution(const LayerPort& port, const Tensor<float>& input) {
  const Pair p = port.pads ? port.padding : Pair{0, 0};
  const auto [dy, dx] = port.shift;
  const Conv2dParams params{.dilation = port.dilation, .groups = port.groups};
  if (p == Pair{0, 0} && dy == 0 && dx == 0) return kept_conv2d(input, port.weight, params);
  const Margins margins{p.h - dy, p.h + dy, p.w - dx, p.w + dx};
  const Tensor<float> padded =
      port.beyond ? pad_sides(input, margins, *port.beyond) : pad2d(input, margins, port.padding_mode);
  return kept_conv2d(padded, port.weight, params);
}

/// All that the kernels write, cut to the output: rows that nothing writes stay 0.
Tensor<float> transposed_convolution(const LayerPort& port, const Tensor<float>& input) {
  const int64_t s = port.factor;
  const Pair p = port.padding, extra = port.pads ? port.output_padding : Pair{0, 0};
  const Pair k = {port.dilation.h * (port.weight.shape().h - 1) + 1, port.dilation.w * (port.weight.shape().w - 1) + 1};
  const bool replicates = port.padding_mode == PaddingMode::replicate;
  const int64_t border = replicates || port.beyond ? (std::max(k.h, k.w) + s - 1) / s : port.border;
  const Margins margins{border, border, border, border};
  const Tensor<float> padded =
      port.beyond ? pad_sides(input, margins, *port.beyond) : pad2d(input, margins, PaddingMode::replicate);
  const Tensor<float> full = kept_conv_transpose2d(padded, port.weight, {.stride = {s, s}, .dilation = port.dilation});
  const int64_t top = -(p.h + border * s + port.shift.h), left = -(p.w + border * s + port.shift.w);
  const int64_t height = (input.shape().h - 1) * s + k.h - 2 * p.h + extra.h;
  const int64_t width = (input.shape().w - 1) * s + k.w - 2 * p.w + extra.w;
  return pad2d(full, {top, height - full.shape().h - top, left, width - full.shape().w - left}, PaddingMode::zeros);
}

Tensor<float> whole_or_part(const LayerPort& port, const Tensor<float>& input) {
  if (port.convolve) return port.convolve(port, input);
  return port.is_transposed ? transposed_convolution(port, input) : convolution(port, input);
}

/// Each tile with its halo, as if it were a picture; what lies beyond the whole picture is the right layer's.
Tensor<float> in_tiles(LayerPort port, const Tensor<float>& input) {
  const Tiles tiles = *port.tiles;
  port.tiles.reset();
  const Shape in = input.shape();
  const int64_t s = port.is_transposed ? port.factor : 1;
  const int64_t height = tiles.height > 0 ? tiles.height : in.h, width = tiles.width > 0 ? tiles.width : in.w;
  const auto beyond = [](PaddingMode mode) {
    return Side{mode == PaddingMode::zeros ? Beyond::zeros : Beyond::replicate, {}, {}};
  };
  const Side seam = beyond(tiles.seam), edge = beyond(port.padding_mode);
  Tensor<float> output;
  for (int64_t y = 0; y < in.h; y += height) {
    for (int64_t x = 0; x < in.w; x += width) {
      const int64_t y1 = std::min(in.h, y + height), x1 = std::min(in.w, x + width);
      const int64_t top = std::max<int64_t>(0, y - tiles.halo), bottom = std::min(in.h, y1 + tiles.halo);
      const int64_t left = std::max<int64_t>(0, x - tiles.halo), right = std::min(in.w, x1 + tiles.halo);
      if (tiles.seam != port.padding_mode) {
        port.beyond = Border{top > 0 ? seam : edge, bottom < in.h ? seam : edge, left > 0 ? seam : edge,
                             right < in.w ? seam : edge};
      }
      const Tensor<float> part =
          whole_or_part(port, pad2d(input, {-top, bottom - in.h, -left, right - in.w}, PaddingMode::zeros));
      const Shape p = part.shape();
      if (p.h != s * (bottom - top) || p.w != s * (right - left)) {
        fail(ErrorCode::input, "a tile of {}x{} becomes one of {}x{}", bottom - top, right - left, p.h, p.w);
      }
      if (output.count() == 0) output = Tensor<float>({1, p.c, s * in.h, s * in.w});
      for (int64_t c = 0; c < p.c; ++c)
        for (int64_t row = s * y; row < s * y1; ++row)
          std::copy_n(part.row(0, c, row - s * top) + s * (x - left), s * (x1 - x), output.row(0, c, row) + s * x);
    }
  }
  return output;
}

/// Of a bias or slope for each channel; a dump may have any number of them.
void check_channels(const LayerPort& port, const std::vector<float>& values, const char* what, const Shape& s) {
  if (std::ssize(values) <= 1 || std::ssize(values) == s.c) return;
  fail(ErrorCode::input, "{} has {} {}s, but its values have the shape {}", port.name, values.size(), what,
       to_string(s));
}

void add_bias(const LayerPort& port, Tensor<float>& x) {
  if (port.bias.empty()) return;
  const Shape shape = x.shape();
  if (std::ssize(port.bias) != shape.c) {
    fail(ErrorCode::input, "{} has {} biases, but its sums have the shape {}", port.name, port.bias.size(),
         to_string(shape));
  }
  for (int64_t c = 0; c < shape.c; ++c) {
    float* values = x.plane(0, c);
    for (int64_t i = 0; i < shape.h * shape.w; ++i) values[i] += port.bias[static_cast<size_t>(c)];
  }
}

void activate(const LayerPort& port, Tensor<float>& x) {
  check_channels(port, port.slope, "slope", x.shape());
  check_channels(port, port.positive_slope, "slope", x.shape());
  if (!port.positive_slope.empty()) {
    const Shape s = x.shape();
    for (int64_t c = 0; c < s.c; ++c) {
      const float above = port.positive_slope[port.positive_slope.size() == 1 ? 0 : static_cast<size_t>(c)];
      const float below = port.slope_of(c);
      for (int64_t i = 0; i < s.h * s.w; ++i) x.plane(0, c)[i] *= x.plane(0, c)[i] > 0 ? above : below;
    }
    return;
  }
  switch (port.activation) {
    case Layer::Activation::none: break;
    case Layer::Activation::relu: prelu(x, {0.0F}, pool_for(x.count())); break;
    case Layer::Activation::prelu: prelu(x, port.slope, pool_for(x.count())); break;
    case Layer::Activation::clamp:
      for (float& value : x.values()) value = std::clamp(value, port.low, port.high);
      break;
    case Layer::Activation::tanh:
      for (float& value : x.values()) value = std::tanh(value);
  }
}

/// A layer without a weight that reads one value.
TensorOp fixed_op(const Layer& layer) {
  if (layer.op == Layer::Op::depth_to_space) {
    return [r = layer.factor](const Tensor<float>& x) { return depth_to_space(x, r); };
  }
  return [r = layer.factor, mode = layer.interpolation, a = layer.cubic_coefficient](const Tensor<float>& x) {
    return interpolate(x, r, mode, a);
  };
}

}  // namespace

std::optional<size_t> depth_to_space_after(const Network& network, size_t layer) {
  const Layer& l = network.layers[layer];
  if (l.op != Layer::Op::convolution || l.activation != Layer::Activation::none) return std::nullopt;
  std::optional<size_t> after;
  for (size_t i = layer + 1; i < network.layers.size(); ++i) {
    const std::vector<int>& inputs = network.layers[i].inputs;
    if (std::find(inputs.begin(), inputs.end(), static_cast<int>(layer)) == inputs.end()) continue;
    if (after || network.layers[i].op != Layer::Op::depth_to_space) return std::nullopt;
    after = i;
  }
  return after;
}

LayerPort right_port(const Network& network, size_t layer) {
  const Layer& l = network.layers[layer];
  const std::optional<size_t> shuffle = depth_to_space_after(network, layer);
  const Layer& end = network.layers[shuffle.value_or(layer)];
  LayerPort port;
  port.name = l.name;
  port.layer = layer;
  port.reads_input = l.inputs[0] == kNetworkInput && (!l.has_weight() || l.in_channels() == network.channels());
  port.is_last = &end == &network.layers.back();
  port.is_transposed = l.op == Layer::Op::transposed_convolution;
  port.weight = l.weight;
  port.bias = l.bias;
  port.slope = end.slope;
  port.activation = end.activation;
  port.low = end.low;
  port.high = end.high;
  if (port.is_transposed) {
    // Its input is not padded but by its border; a padding_mode of it is a mistake.
    const ConvTranspose2dParams& p = l.conv_transpose;
    port.factor = p.stride.h;
    port.border = l.border;
    port.padding = {p.padding.h - l.border * p.stride.h, p.padding.w - l.border * p.stride.w};
    port.output_padding = p.output_padding;
    port.dilation = p.dilation;
  } else if (l.op == Layer::Op::convolution) {
    port.factor = shuffle ? end.factor : 1;
    port.padding = l.conv.padding;
    port.padding_mode = l.conv.padding_mode;
    port.dilation = l.conv.dilation;
    port.groups = l.conv.groups;
  } else if (l.op == Layer::Op::add) {
    port.convolves = false;
  } else {
    port.factor = l.factor;
    port.fixed = fixed_op(l);
    port.fixed_shuffles = l.op == Layer::Op::depth_to_space;
  }
  return port;
}

bool is_plain_convolution(const LayerPort& port) {
  const Shape w = port.weight.shape();
  return port.has_weight() && !port.is_transposed && !port.shuffles() && w.h * w.w > 1 && port.dilation == Pair{1, 1} &&
         port.padding == Pair{(w.h - 1) / 2, (w.w - 1) / 2};
}

int64_t reach_of(const LayerPort& port) {
  if (port.fixed) return port.factor == 1 ? 0 : 2;
  if (!port.convolves || !port.has_weight()) return 0;
  const Shape w = port.weight.shape();
  const Pair p = port.padding, span = {port.dilation.h * (w.h - 1), port.dilation.w * (w.w - 1)};
  const int64_t before = std::max(p.h, p.w), after = std::max(span.h - p.h, span.w - p.w);
  if (!port.is_transposed) return std::max(before, after);
  return std::max(port.factor - 1 + before, after) / port.factor;
}

Tensor<float> convolved(const LayerPort& port, const Tensor<float>& input) {
  return port.tiles ? in_tiles(port, input) : whole_or_part(port, input);
}

Tensor<float> compute(const LayerPort& port, const Tensor<float>& input) {
  const Tensor<float>& given = port.other_input != nullptr ? *port.other_input : input;
  Tensor<float> x;
  if (!port.before.empty() || !port.convolves) x = given;
  for (const TensorOp& op : port.before) x = op(x);
  const Tensor<float>& read = port.before.empty() ? given : x;
  if (port.convolves && port.fixed) {
    x = port.fixed(read);
  } else if (port.convolves) {
    x = convolved(port, read);
    for (const TensorOp& op : port.before_bias) x = op(x);
    if (port.activation_before_bias && port.activates) activate(port, x);
    add_bias(port, x);
    if (port.shuffles()) x = depth_to_space(x, port.factor);
  }
  for (const TensorOp& op : port.between) x = op(x);
  if (port.activates && !port.activation_before_bias) activate(port, x);
  if (port.activates && port.is_last && port.clamps) {
    for (float& value : x.values()) value = std::clamp(value, 0.0F, 1.0F);
  }
  for (const TensorOp& op : port.after) x = op(x);
  return x;
}

Tensor<float> sum_of(const Tensor<float>& a, const Tensor<float>& b) {
  const Shape s = a.shape(), t = b.shape();
  if (s.c < t.c) return sum_of(b, a);
  if (s.h != t.h || s.w != t.w || (t.c != s.c && t.c != 1)) {
    fail(ErrorCode::input, "values of shapes {} and {} cannot be added", to_string(s), to_string(t));
  }
  Tensor<float> sum = a;
  for (int64_t c = 0; c < s.c; ++c) {
    const float* const from = b.plane(0, t.c == 1 ? 0 : c);
    for (int64_t i = 0; i < s.h * s.w; ++i) sum.plane(0, c)[i] += from[i];
  }
  return sum;
}

}  // namespace fsrcnn
