#include "network/network.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMostLayers = 512;
constexpr int64_t kMostScale = 8, kMostChannels = 1024;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Checks the layers in order, and computes the shape of each value.
class Checker {
 public:
  Checker(const Network& network, const std::string& source) : network_(network), source_(source) {}

  std::vector<ValueShape> check() {
    if (network_.layers.empty() || network_.layers.size() > kMostLayers) {
      fail(ErrorCode::model, "{}: the network has {} layers; expected 1 to {}", source_, network_.layers.size(),
           kMostLayers);
    }
    for (size_t i = 0; i < network_.layers.size(); ++i) shapes_.push_back(check_layer(i));
    const ValueShape out = shapes_.back();
    if (out.channels != network_.channels()) {
      fail(ErrorCode::model, "{}: the network has {} input channels, but {} output channels", source_,
           network_.channels(), out.channels);
    }
    if (network_.scale != 0 && out.scale != network_.scale) {
      fail(ErrorCode::model, "{}: the layers enlarge the picture {} times, but the scale is {}", source_, out.scale,
           network_.scale);
    }
    return shapes_;
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(const Layer& layer, fmt::format_string<Args...> text, Args&&... args) const {
    fail(ErrorCode::model, "{}: layer '{}' {}", source_, layer.name, fmt::format(text, std::forward<Args>(args)...));
  }

  void check_finite(const Layer& layer, const char* what, const std::vector<float>& values) const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) {
        refuse(layer, "has the {} {} at index {}; weights must be finite", what, values[i], i);
      }
    }
  }

  ValueShape input(const Layer& layer, size_t index, size_t at) const {
    const int from = layer.inputs[index];
    if (from == kNetworkInput) return {network_.channels(), 1};
    if (from < 0 || static_cast<size_t>(from) >= at) {
      refuse(layer, "reads layer {}, which is not before it", from);
    }
    return shapes_[static_cast<size_t>(from)];
  }

  ValueShape check_layer(size_t at) const {
    const Layer& layer = network_.layers[at];
    const size_t count = layer.op == Layer::Op::add ? 2 : 1;
    if (layer.inputs.size() != count) refuse(layer, "has {} inputs; expected {}", layer.inputs.size(), count);
    const ValueShape in = input(layer, 0, at);
    ValueShape out = in;
    switch (layer.op) {
      case Layer::Op::convolution: out = check_convolution(layer, in); break;
      case Layer::Op::transposed_convolution: out = check_transposed(layer, in); break;
      case Layer::Op::depth_to_space:
        if (layer.factor < 1 || layer.factor > kMostScale || in.channels % (layer.factor * layer.factor) != 0) {
          refuse(layer, "applies depth to space by {} to {} channels, which do not divide evenly", layer.factor,
                 in.channels);
        }
        out = {in.channels / (layer.factor * layer.factor), in.scale * layer.factor};
        break;
      case Layer::Op::add: {
        const ValueShape other = input(layer, 1, at);
        if (other.scale != in.scale || (other.channels != in.channels && other.channels != 1 && in.channels != 1)) {
          refuse(layer, "adds {} channels at scale {} to {} at scale {}", other.channels, other.scale, in.channels,
                 in.scale);
        }
        out.channels = std::max(in.channels, other.channels);
        break;
      }
      case Layer::Op::interpolate:
        if (layer.factor < 1 || layer.factor > kMostScale) {
          refuse(layer, "interpolates to {} times the size; 1 to {} are supported", layer.factor, kMostScale);
        }
        out.scale *= layer.factor;
    }
    if (out.scale > kMostScale) refuse(layer, "enlarges the picture {} times; the limit is {}", out.scale, kMostScale);
    check_activation(layer, out.channels);
    return out;
  }

  void check_weight(const Layer& layer, int64_t groups, int64_t in, int64_t reads) const {
    const Shape& shape = layer.weight.shape();
    if (layer.weight.count() == 0 || layer.out_channels() > kMostChannels || in > kMostChannels) {
      refuse(layer, "has a weight of shape {}; 1 to {} channels are supported", to_string(shape), kMostChannels);
    }
    if (groups < 1 || reads != in) {
      refuse(layer, "expects {} input channels, but gets {}", reads, in);
    }
    const auto biases = static_cast<int64_t>(layer.bias.size());
    if (biases != 0 && biases != layer.out_channels()) {
      refuse(layer, "has {} biases for {} outputs", biases, layer.out_channels());
    }
    check_finite(layer, "weight", layer.weight.values());
    check_finite(layer, "bias", layer.bias);
  }

  ValueShape check_convolution(const Layer& layer, ValueShape in) const {
    const Conv2dParams& p = layer.conv;
    const Shape& w = layer.weight.shape();
    check_weight(layer, p.groups, in.channels, w.c * p.groups);
    if (w.n % p.groups != 0) refuse(layer, "has {} outputs in {} groups", w.n, p.groups);
    if (p.stride != Pair{1, 1} || p.dilation.h < 1 || p.dilation.w < 1 || 2 * p.padding.h != p.dilation.h * (w.h - 1) ||
        2 * p.padding.w != p.dilation.w * (w.w - 1)) {
      refuse(layer,
             "with kernel {}x{}, stride ({}, {}), padding ({}, {}) changes the size of the picture, which is not "
             "supported; use stride 1 and padding (kernel - 1) / 2",
             w.h, w.w, p.stride.h, p.stride.w, p.padding.h, p.padding.w);
    }
    return {w.n, in.scale};
  }

  ValueShape check_transposed(const Layer& layer, ValueShape in) const {
    const ConvTranspose2dParams& p = layer.conv_transpose;
    const Shape& w = layer.weight.shape();
    check_weight(layer, p.groups, in.channels, w.n);
    if (p.groups != 1) refuse(layer, "is a transposed convolution with {} groups, which is not supported", p.groups);
    const auto fits = [&](int64_t stride, int64_t padding, int64_t dilation, int64_t kernel, int64_t output_padding) {
      return (2 * layer.border - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1 == 0;
    };
    const int64_t s = p.stride.h;
    if (network_.scale == 0 && s == 0 && p.stride.w == 0) return {w.c, in.scale};
    if (s < 1 || s > kMostScale || p.stride.w != s || layer.border < 0 || layer.border > 64 || p.dilation.h < 1 ||
        p.dilation.w < 1 || p.padding.h < 0 || p.padding.w < 0 ||
        !fits(s, p.padding.h, p.dilation.h, w.h, p.output_padding.h) ||
        !fits(s, p.padding.w, p.dilation.w, w.w, p.output_padding.w)) {
      refuse(layer,
             "with kernel {}x{}, stride ({}, {}), padding ({}, {}) and output_padding ({}, {}) does not enlarge the "
             "picture exactly `stride` times",
             w.h, w.w, p.stride.h, p.stride.w, p.padding.h, p.padding.w, p.output_padding.h, p.output_padding.w);
    }
    return {w.c, in.scale * s};
  }

  void check_activation(const Layer& layer, int64_t channels) const {
    const auto slopes = static_cast<int64_t>(layer.slope.size());
    const bool prelu = layer.activation == Layer::Activation::prelu;
    if (prelu ? slopes != 1 && slopes != channels : slopes != 0) {
      refuse(layer, "has {} PReLU slopes for {} channels", slopes, channels);
    }
    check_finite(layer, "slope", layer.slope);
    if (layer.activation == Layer::Activation::clamp && !(layer.low <= layer.high)) {
      refuse(layer, "clamps to the range {} to {}", layer.low, layer.high);
    }
  }

  const Network& network_;
  const std::string& source_;
  std::vector<ValueShape> shapes_;
};

/// How far a layer looks in the picture around its output, in its input's pixels.
int64_t reach(const Layer& layer) {
  switch (layer.op) {
    case Layer::Op::convolution: return std::max(layer.conv.padding.h, layer.conv.padding.w);
    case Layer::Op::transposed_convolution: {
      // Output column s * x + p reads at most column x + floor((p + padding) / s), and at least
      // x - floor((dilation * (kernel - 1) - padding) / s), of an input with its border.
      const ConvTranspose2dParams& p = layer.conv_transpose;
      if (p.stride.h == 0) return 0;
      const auto along = [&](int64_t s, int64_t padding, int64_t span) {
        return std::max((s - 1 + padding) / s - layer.border, (span - padding + layer.border * s) / s);
      };
      return std::max(along(p.stride.h, p.padding.h, p.dilation.h * (layer.weight.shape().h - 1)),
                      along(p.stride.w, p.padding.w, p.dilation.w * (layer.weight.shape().w - 1)));
    }
    case Layer::Op::interpolate:
      return layer.interpolation == Interpolation::nearest ? 0 : layer.interpolation == Interpolation::bilinear ? 1 : 2;
    case Layer::Op::depth_to_space:
    case Layer::Op::add: return 0;
  }
  return 0;
}

/// A value's shape at its layer's input.
ValueShape input_shape(const Network& network, const std::vector<ValueShape>& shapes, const Layer& layer) {
  const int from = layer.inputs[0];
  return from == kNetworkInput ? ValueShape{network.channels(), 1} : shapes[static_cast<size_t>(from)];
}

}  // namespace

int64_t Layer::in_channels() const {
  return op == Op::transposed_convolution ? weight.shape().n : weight.shape().c * conv.groups;
}

int64_t Layer::out_channels() const {
  return op == Op::transposed_convolution ? weight.shape().c * conv_transpose.groups : weight.shape().n;
}

std::vector<ValueShape> value_shapes(const Network& network) { return Checker(network, "the network").check(); }

void check_network(const Network& network, const std::string& source) { Checker(network, source).check(); }

int64_t Network::halo() const {
  const std::vector<ValueShape> shapes = value_shapes(*this);
  std::vector<int64_t> halos;
  for (const Layer& layer : layers) {
    int64_t before = 0;
    for (const int from : layer.inputs) {
      if (from != kNetworkInput) before = std::max(before, halos[static_cast<size_t>(from)]);
    }
    halos.push_back(before + divide_up(reach(layer), input_shape(*this, shapes, layer).scale));
  }
  return halos.back();
}

int64_t Network::multiply_adds() const {
  const std::vector<ValueShape> shapes = value_shapes(*this);
  int64_t sum = 0;
  for (const Layer& layer : layers) {
    const int64_t larger = input_shape(*this, shapes, layer).scale;
    sum += layer.weight.count() * larger * larger;
  }
  return sum;
}

int64_t Network::parameter_count() const {
  int64_t sum = 0;
  for (const Layer& layer : layers) sum += layer.parameter_count();
  return sum;
}

Levels levels_of(const Network& network) {
  if (network.colours == Colours::rgb) return Levels::rgb;
  return network.range == ValueRange::full ? Levels::full_luma : Levels::limited_luma;
}

std::vector<std::byte> canonical_bytes(const Network& network) {
  std::vector<std::byte> bytes;
  const auto add_bytes = [&](const void* data, size_t size) {
    const auto* const begin = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  };
  const auto add = [&](std::initializer_list<int64_t> numbers) {
    for (const int64_t number : numbers) add_bytes(&number, sizeof number);
  };
  const auto add_floats = [&](const std::vector<float>& values) {
    add({static_cast<int64_t>(values.size())});
    add_bytes(values.data(), values.size() * sizeof(float));
  };
  add({network.scale, static_cast<int64_t>(network.colours), static_cast<int64_t>(network.range)});
  for (const Layer& layer : network.layers) {
    add({static_cast<int64_t>(layer.op), static_cast<int64_t>(layer.inputs.size())});
    for (const int from : layer.inputs) add({from});
    const Shape& shape = layer.weight.shape();
    add({shape.n, shape.c, shape.h, shape.w});
    add_floats(layer.weight.values());
    add_floats(layer.bias);
    if (layer.op == Layer::Op::convolution) {
      const Conv2dParams& p = layer.conv;
      const bool pads = p.padding != Pair{0, 0};
      add({p.stride.h, p.stride.w, p.padding.h, p.padding.w, p.dilation.h, p.dilation.w, p.groups,
           pads ? static_cast<int64_t>(p.padding_mode) : 0});
    } else if (layer.op == Layer::Op::transposed_convolution) {
      const ConvTranspose2dParams& p = layer.conv_transpose;
      add({p.stride.h, p.stride.w, p.padding.h, p.padding.w, p.output_padding.h, p.output_padding.w, p.dilation.h,
           p.dilation.w, p.groups, layer.border});
    } else if (layer.op != Layer::Op::add) {
      add({layer.factor});
    }
    if (layer.op == Layer::Op::interpolate) {
      add({static_cast<int64_t>(layer.interpolation)});
      if (layer.interpolation == Interpolation::bicubic) add_floats({layer.cubic_coefficient});
    }
    add({static_cast<int64_t>(layer.activation)});
    add_floats(layer.slope);
    if (layer.activation == Layer::Activation::clamp) add_floats({layer.low, layer.high});
  }
  return bytes;
}

}  // namespace fsrcnn
