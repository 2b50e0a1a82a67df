#include <algorithm>
#include <cfloat>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

bool OnnxReader::run_arithmetic(const OnnxNode& node) {
  const std::string& op = node.op;
  if (op == "BatchNormalization") {
    run_batch_normalization(node);
    return true;
  }
  if (op == "Neg") {
    OnnxAttributes(node, source_, {});
    set(node, scaled(node, settled(node, 0), {-1}, {0}));
    return true;
  }
  if (op != "Add" && op != "Sub" && op != "Mul" && op != "Div" && op != "Sum") return false;
  // Before opset 7 the axes of the second input had to be named.
  const OnnxAttributes a(node, source_, {"broadcast", "axis", "consumed_inputs"});
  if (graph_.opset < 7 && op != "Sum") a.require("broadcast", 0);
  const auto is_picture = [&](size_t i) { return std::holds_alternative<OnnxPicture>(value(node, i)); };
  if (node.inputs.size() < 2) refuse(node, "has {} inputs; expected 2", node.inputs.size());
  if (op == "Sum" || (is_picture(0) && is_picture(1))) {
    if (op == "Mul" || op == "Div") refuse(node, "multiplies two pictures, which is not supported");
    run_sum(node, op == "Sub");
  } else {
    run_with_constant(node);
  }
  return true;
}

void OnnxReader::run_sum(const OnnxNode& node, bool difference) {
  OnnxPicture sum = settled(node, 0);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    OnnxPicture other = settled(node, i);
    if (difference) other = scaled(node, other, {-1}, {0});
    // Reading the other may have laid this one out.
    if (i == 1) sum = settled(node, 0);
    if (sum.axes != other.axes) {
      sum = i == 1 ? plain(node, 0) : sum;
      if (!difference) other = plain(node, i);
      if (!sum.is_plain() || !other.is_plain()) refuse(node, "adds pictures whose axes are in different orders");
    }
    sum = add_pictures(node, sum, other);
  }
  set(node, sum);
}

OnnxPicture OnnxReader::add_pictures(const OnnxNode& node, OnnxPicture a, OnnxPicture b) {
  if (a.scale != b.scale || (a.channels != b.channels && a.channels != 1 && b.channels != 1)) {
    refuse(node, "adds {} channels at scale {} to {} at scale {}", b.channels, b.scale, a.channels, a.scale);
  }
  OnnxPicture& larger = a.channels < b.channels ? b : a;
  larger.layer = add_layer({.op = Layer::Op::add, .name = node.name, .inputs = {a.layer, b.layer}}, readers_of(node));
  return larger;
}

std::vector<double> OnnxReader::per_channel(const OnnxNode& node, const OnnxPicture& to,
                                            const OnnxNumbers& numbers) const {
  const size_t axes = to.axes.size(), rank = numbers.shape.size();
  const std::optional<size_t> channels = to.channel_axis();
  bool fits = rank <= axes && !numbers.values.empty();
  for (size_t i = 0; fits && i < rank; ++i) {
    const size_t axis = i + axes - rank;
    const int64_t extent = numbers.shape[i];
    fits = extent == 1 || (channels && axis == *channels && (extent == to.channels || to.channels == 1));
  }
  if (!fits || static_cast<int64_t>(numbers.values.size()) > 1024) {
    refuse(node,
           "has a constant of shape {} for a picture of {} channels; one value, or one for each channel, is supported",
           to_string(numbers.shape), to.channels);
  }
  return numbers.values;
}

void OnnxReader::run_with_constant(const OnnxNode& node) {
  const size_t at = std::holds_alternative<OnnxPicture>(value(node, 0)) ? 0 : 1;
  const OnnxPicture from = settled(node, at);
  std::vector<double> values = per_channel(node, from, constant(node, 1 - at));
  if (node.op == "Mul") {
    set(node, scaled(node, from, values, {0}));
  } else if (node.op == "Add") {
    set(node, scaled(node, from, {1}, values));
  } else if (node.op == "Sub" && at == 1) {
    set(node, scaled(node, from, {-1}, values));
  } else if (node.op == "Sub") {
    for (double& v : values) v = -v;
    set(node, scaled(node, from, {1}, values));
  } else {
    if (at == 1) refuse(node, "divides by a picture, which is not supported");
    for (double& v : values) {
      if (v == 0) refuse(node, "divides by 0");
      v = 1 / v;
    }
    set(node, scaled(node, from, values, {0}));
  }
}

void OnnxReader::run_batch_normalization(const OnnxNode& node) {
  const OnnxAttributes a(node, source_,
                         {"epsilon", "momentum", "training_mode", "spatial", "is_test", "consumed_inputs"});
  a.require("training_mode", 0);
  a.require("spatial", 1);
  if (graph_.opset < 7) a.require("is_test", 1);
  const OnnxPicture from = plain(node, 0);
  if (from.padding) refuse(node, "follows a Pad; only a convolution may follow one");
  const auto count = static_cast<size_t>(from.channels);
  std::vector<double> factor = constant(node, 1).values, offset = constant(node, 2).values;
  const std::vector<double>&mean = constant(node, 3).values, &variance = constant(node, 4).values;
  if (factor.size() != count || offset.size() != count || mean.size() != count || variance.size() != count) {
    refuse(node, "does not have one value for each of the picture's {} channels", count);
  }
  for (size_t i = 0; i < count; ++i) {
    factor[i] /= std::sqrt(variance[i] + a.number("epsilon", 1e-5));
    offset[i] -= factor[i] * mean[i];
  }
  set(node, scaled(node, from, factor, offset));
}

OnnxPicture OnnxReader::scaled(const OnnxNode& node, const OnnxPicture& from, const std::vector<double>& factor,
                               const std::vector<double>& offset) {
  const auto is_all = [](const std::vector<double>& values, double what) {
    return std::all_of(values.begin(), values.end(), [&](double v) { return v == what; });
  };
  const auto count = static_cast<int64_t>(std::max(factor.size(), offset.size()));
  const int64_t channels = std::max(from.channels, count);
  if (is_all(factor, 1) && is_all(offset, 0) && channels == from.channels) return from;
  if (channels != from.channels && !from.is_plain()) refuse(node, "expands 1 channel to {}", channels);
  check_size(node, 2 * channels);
  const auto at = [&](const std::vector<double>& values, int64_t i) {
    return static_cast<float>(values[values.size() == 1 ? 0 : static_cast<size_t>(i)]);
  };
  Layer layer{.name = node.name, .inputs = {from.layer}, .weight = Tensor<float>({channels, 1, 1, 1})};
  layer.conv.groups = from.channels;
  for (int64_t i = 0; i < channels; ++i) {
    layer.weight(i, 0, 0, 0) = at(factor, i);
    layer.bias.push_back(at(offset, i));
  }
  if (is_all(offset, 0)) layer.bias.clear();
  OnnxPicture to = from;
  to.layer = add_layer(std::move(layer), readers_of(node), true);
  if (channels != from.channels) to = OnnxPicture::of(to.layer, channels, from.scale);
  return to;
}

bool OnnxReader::run_activation(const OnnxNode& node) {
  using Activation = Layer::Activation;
  const std::string& op = node.op;
  if (op == "Relu") {
    OnnxAttributes(node, source_, {"consumed_inputs"});
    set(node, activated(node, settled(node, 0), Activation::relu));
  } else if (op == "LeakyRelu") {
    const auto alpha =
        static_cast<float>(OnnxAttributes(node, source_, {"alpha", "consumed_inputs"}).number("alpha", 0.01F));
    set(node, activated(node, settled(node, 0), Activation::prelu, {alpha}));
  } else if (op == "PRelu") {
    OnnxAttributes(node, source_, {"consumed_inputs"});
    const OnnxPicture from = settled(node, 0);
    OnnxNumbers slope = constant(node, 1);
    // At first, a list was one for each channel.
    if (graph_.opset < 7 && slope.shape.size() == 1) slope.shape = {slope.shape[0], 1, 1};
    const std::vector<double> values = per_channel(node, from, slope);
    if (values.size() != 1 && static_cast<int64_t>(values.size()) != from.channels) {
      refuse(node, "has {} slopes for {} channels", values.size(), from.channels);
    }
    const OnnxPicture to = activated(node, from, Activation::prelu, {values.begin(), values.end()});
    if (to.layer != kNetworkInput) {
      network_.layers[static_cast<size_t>(to.layer)].activation_key = key_of(node.inputs[1]);
    }
    set(node, to);
  } else if (op == "Tanh") {
    OnnxAttributes(node, source_, {"consumed_inputs"});
    set(node, activated(node, settled(node, 0), Activation::tanh));
  } else if (op == "Sigmoid") {
    // (1 + tanh(x / 2)) / 2
    OnnxAttributes(node, source_, {"consumed_inputs"});
    const OnnxPicture half = scaled(node, settled(node, 0), {0.5}, {0});
    readers_[static_cast<size_t>(half.layer)] = 1;
    const OnnxPicture curve = activated(node, half, Activation::tanh);
    set(node, scaled(node, curve, {0.5}, {0.5}));
  } else if (op == "Clip") {
    run_clip(node);
  } else {
    return false;
  }
  return true;
}

void OnnxReader::run_clip(const OnnxNode& node) {
  const OnnxAttributes a(node, source_, {"min", "max", "consumed_inputs"});
  double low = -FLT_MAX, high = FLT_MAX;
  if (graph_.opset < 11) {
    low = a.number("min", low);
    high = a.number("max", high);
  } else {
    if (a.has("min") || a.has("max")) {
      refuse(node, "has its bounds as attributes, which opset {} does not allow", graph_.opset);
    }
    const auto bound = [&](size_t i, double otherwise) {
      if (!has_input(node, i)) return otherwise;
      const OnnxNumbers& numbers = constant(node, i);
      if (numbers.values.size() != 1) refuse(node, "has {} values as a bound", numbers.values.size());
      return numbers.values[0];
    };
    low = std::clamp<double>(bound(1, low), -FLT_MAX, FLT_MAX);
    high = std::clamp<double>(bound(2, high), -FLT_MAX, FLT_MAX);
  }
  // ONNX takes the upper bound where they cross.
  if (!(low <= high)) refuse(node, "clips to the range {:g} to {:g}", low, high);
  const OnnxPicture from = settled(node, 0);
  if (low == -FLT_MAX && high == FLT_MAX) return set(node, from);
  set(node, activated(node, from, low == 0 && high == FLT_MAX ? Layer::Activation::relu : Layer::Activation::clamp, {},
                      static_cast<float>(low), static_cast<float>(high)));
}

/// The layer itself, where it has no activation yet and nobody else reads it; else one more that does nothing but this.
OnnxPicture OnnxReader::activated(const OnnxNode& node, const OnnxPicture& from, Layer::Activation activation,
                                  std::vector<float> slope, float low, float high) {
  OnnxPicture to = from;
  const auto at = static_cast<size_t>(from.layer);
  const auto clips = [](Layer::Activation a) { return a == Layer::Activation::relu || a == Layer::Activation::clamp; };
  const bool alone = from.layer != kNetworkInput && readers_[at] == 1;
  if (alone && clips(activation) && clips(network_.layers[at].activation)) {
    // Combine two clamps.
    const Layer& before = network_.layers[at];
    const bool was_relu = before.activation == Layer::Activation::relu, is_relu = activation == Layer::Activation::relu;
    const float least = is_relu ? 0 : low, most = is_relu ? FLT_MAX : high;
    low = std::clamp(was_relu ? 0 : before.low, least, most);
    high = std::clamp(was_relu ? FLT_MAX : before.high, least, most);
    activation = low == 0 && high == FLT_MAX ? Layer::Activation::relu : Layer::Activation::clamp;
  } else if (!alone || network_.layers[at].activation != Layer::Activation::none) {
    to.layer = add_layer({.op = Layer::Op::depth_to_space, .name = node.name, .inputs = {from.layer}, .factor = 1},
                         readers_of(node));
  }
  Layer& layer = network_.layers[static_cast<size_t>(to.layer)];
  if (layer.quantisation) {
    layer.before_activation = layer.quantisation;
    layer.quantisation.reset();
  }
  layer.activation = activation;
  layer.slope = std::move(slope);
  if (activation == Layer::Activation::clamp) {
    layer.low = low;
    layer.high = high;
  }
  return to;
}

}  // namespace fsrcnn
