#include "porting/port_chain.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "nn/pad2d.hpp"
#include "porting/kept_layers.hpp"

namespace fsrcnn {
namespace {

/// The adjoint of pad2d with the same margin on all sides.
Tensor<float> fold(const Tensor<float>& padded, Pair margin, PaddingMode mode) {
  if (margin == Pair{0, 0}) return padded;
  const Shape p = padded.shape(), s = {p.n, p.c, p.h - 2 * margin.h, p.w - 2 * margin.w};
  // Where each padded pixel comes from; 0: from nowhere.
  Tensor<float> numbers({1, 1, s.h, s.w});
  std::iota(numbers.values().begin(), numbers.values().end(), 1.0F);
  const Tensor<float> from = pad2d(numbers, {margin.h, margin.h, margin.w, margin.w}, mode);
  Tensor<float> to(s);
  for (int64_t plane = 0; plane < s.n * s.c; ++plane) {
    for (int64_t i = 0; i < p.h * p.w; ++i) {
      const auto at = static_cast<int64_t>(from.data()[i]);
      if (at > 0) to.data()[plane * s.h * s.w + at - 1] += padded.data()[plane * p.h * p.w + i];
    }
  }
  return to;
}

/// The gradient by a convolution's input from that by its output.
Tensor<float> back_through_convolution(const LayerPort& port, const Tensor<float>& gradient) {
  if (port.is_transposed) {
    const int64_t s = port.factor;
    const Pair padding = {port.padding.h + port.border * s, port.padding.w + port.border * s};
    return fold(kept_conv2d(gradient, port.weight, {.stride = {s, s}, .padding = padding, .dilation = port.dilation}),
                {port.border, port.border}, PaddingMode::replicate);
  }
  if (port.padding_mode == PaddingMode::zeros) {
    return kept_conv_transpose2d(gradient, port.weight,
                                 {.padding = port.padding, .dilation = port.dilation, .groups = port.groups});
  }
  return fold(kept_conv_transpose2d(gradient, port.weight, {.dilation = port.dilation, .groups = port.groups}),
              port.padding, port.padding_mode);
}

/// The derivative of an activation at one value.
float slope_at(const LayerPort& port, int64_t channel, float z) {
  switch (port.activation) {
    case Layer::Activation::relu:
    case Layer::Activation::prelu: return z > 0 ? 1.0F : port.slope_of(channel);
    case Layer::Activation::clamp: return z > port.low && z < port.high ? 1.0F : 0.0F;
    case Layer::Activation::tanh: return 1 - std::tanh(z) * std::tanh(z);
    case Layer::Activation::none: break;
  }
  return 1;
}

/// Makes gradients by an activation's output ones by its input, and changes of its input ones of its output.
void back_through_activation(const LayerPort& port, const Tensor<float>& linear, Tensor<float>& gradients) {
  if (port.activation == Layer::Activation::none) return;
  const Shape shape = linear.shape();
  Tensor<float> slopes(shape);
  for (int64_t c = 0; c < shape.c; ++c) {
    for (int64_t i = 0; i < shape.h * shape.w; ++i) slopes.plane(0, c)[i] = slope_at(port, c, linear.plane(0, c)[i]);
  }
  for (int64_t n = 0; n < gradients.shape().n; ++n) {
    float* g = gradients.plane(n, 0);
    for (int64_t i = 0; i < slopes.count(); ++i) g[i] *= slopes.data()[i];
  }
}

/// The last one without its clamp.
LayerPort unclamped(LayerPort port) {
  port.clamps = false;
  if (port.is_last && port.activation == Layer::Activation::clamp) port.activation = Layer::Activation::none;
  return port;
}

}  // namespace

bool is_differentiable(const LayerPort& port) {
  return port.other_input == nullptr && port.before.empty() && port.after.empty() && port.pads &&
         port.shift == Pair{0, 0} && !port.activation_before_bias && (!port.convolves || port.has_weight());
}

Tensor<float> space_to_depth(const Tensor<float>& from, int64_t s) {
  const Shape f = from.shape();
  Tensor<float> to({f.n, f.c * s * s, f.h / s, f.w / s});
  for (int64_t n = 0; n < f.n; ++n)
    for (int64_t c = 0; c < f.c; ++c)
      for (int64_t y = 0; y < f.h; ++y)
        for (int64_t x = 0; x < f.w; ++x) to(n, (c * s + y % s) * s + x % s, y / s, x / s) = from(n, c, y, x);
  return to;
}

PortChain::PortChain(std::vector<LayerPort> ports, const Tensor<float>& input) : ports_(std::move(ports)) {
  ports_.back() = unclamped(ports_.back());
  run(input);
}

PortChain::PortChain(const PortChain& right, size_t at, LayerPort port) : ports_(right.ports_), first_(at) {
  ports_[at] = at + 1 == ports_.size() ? unclamped(std::move(port)) : std::move(port);
  run(right.step(at).input);
}

void PortChain::run(const Tensor<float>& input) {
  for (size_t i = first_; i < ports_.size(); ++i) {
    ChainStep step;
    step.input = i == first_ ? input : steps_.back().output;
    // What a port does before and after its layer is no part of what has a derivative.
    LayerPort linear = ports_[i], rest = ports_[i];
    linear.activates = false;
    linear.after.clear();
    rest.convolves = false;
    rest.other_input = nullptr;
    rest.before.clear();
    if (ports_[i].activation_before_bias) {
      step.output = compute(ports_[i], step.input);
    } else {
      step.linear = compute(linear, step.input);
      step.output = compute(rest, step.linear);
    }
    steps_.push_back(std::move(step));
  }
}

std::vector<ChainGradient> PortChain::gradients(const Tensor<float>& by_output, size_t to) const {
  std::vector<ChainGradient> gradients(ports_.size() - to);
  Tensor<float> gradient = by_output;
  for (size_t i = ports_.size(); i-- > to;) {
    const LayerPort& port = ports_[i];
    ChainGradient& g = gradients[i - to];
    g.output = gradient;
    if (i == to && !is_differentiable(port)) break;
    if (port.activates) back_through_activation(port, step(i).linear, gradient);
    g.linear = port.convolves && port.shuffles() ? space_to_depth(gradient, port.factor) : std::move(gradient);
    if (i > to) gradient = port.convolves ? back_through_convolution(port, g.linear) : g.linear;
  }
  return gradients;
}

Tensor<float> PortChain::tangent(Tensor<float> by_input) const {
  for (size_t i = first_; i < ports_.size(); ++i) {
    LayerPort linear = ports_[i];
    linear.activates = false;
    linear.bias.clear();
    by_input = compute(linear, by_input);
    if (ports_[i].activates) back_through_activation(ports_[i], step(i).linear, by_input);
  }
  return by_input;
}

Tensor<float> PortChain::gradient_by_input(const Tensor<float>& by_output) const {
  const ChainGradient gradient = std::move(gradients(by_output, first_).front());
  return ports_[first_].convolves ? back_through_convolution(ports_[first_], gradient.linear) : gradient.linear;
}

int64_t PortChain::scale(size_t port) const {
  int64_t scale = 1;
  for (size_t i = 0; i <= port; ++i) scale *= ports_[i].convolves ? ports_[i].factor : 1;
  return scale;
}

int64_t PortChain::reach_before(size_t port) const {
  int64_t reach = 0;
  for (size_t i = ports_.size(); i-- > port;) {
    const int64_t factor = ports_[i].convolves ? ports_[i].factor : 1;
    reach = (reach + factor - 1) / factor + reach_of(ports_[i]);
  }
  return reach;
}

}  // namespace fsrcnn
