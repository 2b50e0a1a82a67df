#include "porting/layer_port.hpp"

#include <algorithm>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/depth_to_space.hpp"
#include "nn/pad2d.hpp"
#include "nn/prelu.hpp"

namespace fsrcnn {
namespace {

Tensor<float> convolution(const LayerPort& port, const Tensor<float>& input) {
  const int64_t p = port.pads ? port.weight.shape().h / 2 : 0;
  const auto [dy, dx] = port.shift;
  if (p == 0 && dy == 0 && dx == 0) return conv2d(input, port.weight, {}, {});
  return conv2d(pad2d(input, {p - dy, p + dy, p - dx, p + dx}, port.padding_mode), port.weight, {}, {});
}

/// All that the kernels write, cut to the output: rows that nothing writes stay 0.
Tensor<float> deconvolution(const LayerPort& port, const Tensor<float>& input) {
  const int64_t s = port.scale, k = port.weight.shape().h, p = 4;
  const int64_t extra = port.pads ? s - 1 : 0;
  const bool replicates = port.padding_mode == PaddingMode::replicate;
  const int64_t border = replicates ? (k + s - 1) / s : port.border;
  const Tensor<float> full = conv_transpose2d(pad2d(input, {border, border, border, border}, PaddingMode::replicate),
                                              port.weight, {}, {.stride = {s, s}});
  const int64_t top = -(p + border * s + port.shift.h), left = -(p + border * s + port.shift.w);
  const int64_t height = (input.shape().h - 1) * s + k - 2 * p + extra;
  const int64_t width = (input.shape().w - 1) * s + k - 2 * p + extra;
  return pad2d(full, {top, height - full.shape().h - top, left, width - full.shape().w - left}, PaddingMode::zeros);
}

void add_bias(const LayerPort& port, Tensor<float>& x) {
  if (port.bias.empty()) return;
  const Shape shape = x.shape();
  for (int64_t c = 0; c < shape.c; ++c) {
    float* values = x.plane(0, c);
    for (int64_t i = 0; i < shape.h * shape.w; ++i) values[i] += port.bias[c];
  }
}

void activate(const LayerPort& port, Tensor<float>& x) {
  if (port.activation == LayerPort::Activation::prelu && !port.slope.empty()) prelu(x, port.slope);
  if (port.activation == LayerPort::Activation::relu) prelu(x, {0.0F});
}

}  // namespace

LayerPort right_port(const Model& model, size_t layer) {
  const Layer& l = model.layers[layer];
  LayerPort port;
  port.name = l.name;
  port.is_tail = layer + 1 == model.layers.size();
  port.is_deconvolution = port.is_tail && model.tail == Tail::deconvolution;
  port.weight = l.weight;
  port.bias = l.bias;
  port.slope = l.slope;
  port.scale = model.scale;
  // A deconvolution's input is not padded but by its border; its padding_mode is a mistake.
  port.padding_mode = port.is_deconvolution ? PaddingMode::zeros : model.padding_mode;
  port.border = port.is_deconvolution ? model.deconvolution_border : 0;
  return port;
}

Tensor<float> compute(const LayerPort& port, const Tensor<float>& input) {
  Tensor<float> x = port.other_input != nullptr ? *port.other_input : input;
  for (const TensorOp& op : port.before) x = op(x);
  if (port.convolves) {
    x = port.is_deconvolution ? deconvolution(port, x) : convolution(port, x);
    if (port.activation_before_bias && port.activates) activate(port, x);
    add_bias(port, x);
    if (port.is_tail && !port.is_deconvolution) x = depth_to_space(x, port.scale);
  }
  if (port.activates && !port.is_tail && !port.activation_before_bias) activate(port, x);
  if (port.activates && port.is_tail && port.clamps) {
    for (float& value : x.values()) value = std::clamp(value, 0.0F, 1.0F);
  }
  for (const TensorOp& op : port.after) x = op(x);
  return x;
}

}  // namespace fsrcnn
