#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

/// Scales and zero points of a tensor: one per index of an axis, or one for all.
struct Steps {
  std::vector<double> scale, zero_point;
  int64_t axis = 0;

  size_t at(const std::vector<int64_t>& shape, size_t i) const {
    if (scale.size() == 1) return 0;
    size_t inner = 1;
    for (size_t a = static_cast<size_t>(axis) + 1; a < shape.size(); ++a) inner *= static_cast<size_t>(shape[a]);
    return i / inner % scale.size();
  }
};

Steps steps_of(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs, const std::vector<int64_t>& shape,
               const std::string& source) {
  const OnnxAttributes a(node, source, {"axis", "block_size", "output_dtype", "precision", "saturate"});
  a.require("block_size", 0);
  if (inputs.size() < 2 || inputs[1] == nullptr || !inputs[1]->is_constant() || inputs[1]->values.empty()) {
    refuse_node(source, node, "has a scale that is not a constant");
  }
  Steps steps{inputs[1]->values, {}, a.integer("axis", 1)};
  const auto rank = static_cast<int64_t>(shape.size());
  if (steps.axis < 0) steps.axis += rank;
  const bool fits = steps.scale.size() == 1 || (steps.axis >= 0 && steps.axis < rank && inputs[1]->shape.size() == 1 &&
                                                shape[static_cast<size_t>(steps.axis)] == inputs[1]->shape[0]);
  if (!fits) refuse_node(source, node, "has {} scales for a tensor of shape {}", steps.scale.size(), to_string(shape));
  for (const double s : steps.scale) {
    if (!std::isfinite(s) || s <= 0) refuse_node(source, node, "has the scale {}; expected a number above 0", s);
  }
  steps.zero_point.assign(steps.scale.size(), 0);
  if (inputs.size() > 2 && inputs[2] != nullptr) {
    if (!inputs[2]->is_constant() || inputs[2]->values.size() != steps.scale.size()) {
      refuse_node(source, node, "has zero points that are not a constant with one for each scale");
    }
    steps.zero_point = inputs[2]->values;
  }
  return steps;
}

/// Type of the integers that a QuantizeLinear makes.
ElementType type_of(const OnnxNode& node, const OnnxNumbers* zero_point, const std::string& source) {
  if (zero_point != nullptr) return zero_point->type;
  const int64_t told = OnnxAttributes(node, source, {"axis", "block_size", "output_dtype", "precision", "saturate"})
                           .integer("output_dtype", 0);
  return told == 0 ? ElementType::u8 : onnx_element_type(told).value_or(ElementType::f32);
}

IntegerRange range_of(const OnnxNode& node, ElementType type, const std::string& source) {
  const std::optional<IntegerRange> range = integer_range(type);
  if (!range) refuse_node(source, node, "has an unsupported type of integers; supported: 8 to 32 bits");
  return *range;
}

}  // namespace

std::optional<OnnxNumbers> quantise_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                            const std::string& source) {
  const bool quantises = node.op == "QuantizeLinear";
  if ((!quantises && node.op != "DequantizeLinear") || inputs.empty() || inputs[0] == nullptr) return std::nullopt;
  OnnxNumbers to = *inputs[0];
  if (!to.is_constant()) refuse_node(source, node, "reads sizes that depend on the picture");
  const Steps steps = steps_of(node, inputs, to.shape, source);
  if (quantises) {
    to.type = type_of(node, inputs.size() > 2 ? inputs[2] : nullptr, source);
    const IntegerRange range = range_of(node, to.type, source);
    for (size_t i = 0; i < to.values.size(); ++i) {
      const size_t k = steps.at(to.shape, i);
      // In float32, as runtimes do, which makes a half of what is almost one.
      const double ratio = rounded(to.values[i] / steps.scale[k], ElementType::f32);
      to.values[i] = std::clamp(std::nearbyint(ratio) + steps.zero_point[k], static_cast<double>(range.low),
                                static_cast<double>(range.high));
    }
  } else {
    // In float32, as runtimes do.
    for (size_t i = 0; i < to.values.size(); ++i) {
      const size_t k = steps.at(to.shape, i);
      to.values[i] = static_cast<float>((to.values[i] - steps.zero_point[k]) * steps.scale[k]);
    }
    to.type = ElementType::f32;
    to.scales = steps.scale;
    to.scales_axis = steps.axis;
  }
  return to;
}

/// One scale and zero point, of inputs `first` and the one after it.
Quantisation OnnxReader::quantisation(const OnnxNode& node, size_t first) const {
  const OnnxNumbers& scale = constant(node, first);
  const OnnxNumbers* const zero = has_input(node, first + 1) ? &constant(node, first + 1) : nullptr;
  if (scale.values.size() != 1 || (zero != nullptr && zero->values.size() != 1)) {
    refuse(node, "has {} scales for a picture; expected one", scale.values.size());
  }
  Quantisation q{scale.values[0], zero == nullptr ? 0 : to_integer(zero->values[0]), type_of(node, zero, source_)};
  const IntegerRange range = range_of(node, *q.type, source_);
  if (!std::isfinite(q.scale) || q.scale <= 0 || q.zero_point < range.low || q.zero_point > range.high) {
    refuse(node, "has the invalid quantisation {}", to_string(q));
  }
  return q;
}

/// Rounding and saturation are dropped. But if the least integer represents 0, the layer gets a ReLU, because exporters
/// drop a ReLU there.
void OnnxReader::quantise(const OnnxNode& node, OnnxPicture from, const Quantisation& q) {
  if (from.padding) refuse(node, "follows a Pad; only a convolution may follow one");
  const IntegerRange range = range_of(node, *q.type, source_);
  if (from.layer == kNetworkInput) {
    network_.input_quantisation = q;
    // Pixels range from 0 to 255, or to 1.
    constexpr double kMostSpan = 16;
    if (q.scale * static_cast<double>(range.high - range.low) > kMostSpan) {
      if (uses_[node.inputs[0]] > 1)
        refuse(node, "reads pixels from 0 to 255 that other operators read, too, which is not supported");
      white_ = 255;
      network_.input_quantisation->scale /= white_;
      from = scaled(node, from, {white_}, {0});
    }
  } else {
    const Layer::Activation before = network_.layers[static_cast<size_t>(from.layer)].activation;
    const bool negative = before == Layer::Activation::none || before == Layer::Activation::prelu;
    if (q.zero_point == range.low && negative && !graph_.has_all_activations) {
      from = activated(node, from, Layer::Activation::relu);
    }
    network_.layers[static_cast<size_t>(from.layer)].quantisation = q;
  }
  has_integers_ = true;
  from.integers = q;
  set(node, std::move(from));
}

void OnnxReader::dequantise(const OnnxNode& node) {
  OnnxPicture from = picture(node, 0);
  const Quantisation q = quantisation(node, 1);
  check_integers(node, from, q);
  if (from.layer != kNetworkInput) network_.layers[static_cast<size_t>(from.layer)].quantisation = q;
  from.integers.reset();
  set(node, std::move(from));
}

void OnnxReader::check_integers(const OnnxNode& node, const OnnxPicture& from, const Quantisation& q) const {
  if (!from.integers) refuse(node, "reads floats; expected integers");
  if (from.integers->scale != q.scale || from.integers->zero_point != q.zero_point) {
    refuse(node, "reads integers with {}; expected {}", to_string(*from.integers), to_string(q));
  }
}

/// Operators on integers, which become operators on the floats that they represent.
bool OnnxReader::run_quantisation(const OnnxNode& node) {
  const std::string& op = node.op;
  if (op == "QuantizeLinear") {
    const OnnxPicture& from = picture(node, 0);
    if (from.integers) refuse(node, "reads integers; expected floats");
    OnnxAttributes(node, source_, {"axis", "block_size", "output_dtype", "precision", "saturate"})
        .require("block_size", 0);
    quantise(node, from, quantisation(node, 1));
  } else if (op == "DequantizeLinear") {
    OnnxAttributes(node, source_, {"axis", "block_size", "output_dtype"}).require("block_size", 0);
    dequantise(node);
  } else if (op == "QLinearConv") {
    run_quantised_convolution(node);
  } else if (op == "QLinearAdd" && node.domain == "com.microsoft") {
    const OnnxPicture a = settled(node, 0), b = settled(node, 3);
    check_integers(node, a, quantisation(node, 1));
    check_integers(node, b, quantisation(node, 4));
    const OnnxNode sum{"Add", node.name, "", {node.inputs[0], node.inputs[3]}, node.outputs, {}};
    run_sum(sum, false);
    quantise_result(node);
  } else {
    return false;
  }
  return true;
}

void OnnxReader::run_quantised_convolution(const OnnxNode& node) {
  if (node.inputs.size() < 8) refuse(node, "has {} inputs; expected 8 or 9", node.inputs.size());
  const Quantisation in = quantisation(node, 1);
  check_integers(node, picture(node, 0), in);
  // The weight's scales are along its first axis.
  const OnnxNode to_floats{"DequantizeLinear", node.name, "", {}, {}, {{"axis", OnnxAttribute::integer_}}};
  const OnnxNumbers &weight = constant(node, 3), &scale = constant(node, 4);
  const OnnxNumbers* const zero = has_input(node, 5) ? &constant(node, 5) : nullptr;
  OnnxNode conv{"Conv", node.name, "", {node.inputs[0], node.name + " weight"}, node.outputs, node.attributes};
  check_size(node, static_cast<int64_t>(weight.values.size()));
  values_[conv.inputs[1]] =
      std::make_shared<const OnnxNumbers>(*quantise_numbers(to_floats, {&weight, &scale, zero}, source_));
  if (has_input(node, 8)) {
    // Biases have the scale of products.
    OnnxNumbers b = constant(node, 8);
    if (b.values.size() != scale.values.size() && scale.values.size() != 1) {
      refuse(node, "has {} biases and {} scales of its weight; expected equal numbers", b.values.size(),
             scale.values.size());
    }
    for (size_t i = 0; i < b.values.size(); ++i) {
      b.values[i] *= in.scale * scale.values[scale.values.size() == 1 ? 0 : i];
    }
    conv.inputs.push_back(node.name + " bias");
    values_[conv.inputs.back()] = std::make_shared<const OnnxNumbers>(std::move(b));
  }
  run_convolution(conv);
  quantise_result(node);
}

/// Quantises the output of a node that has just been added.
void OnnxReader::quantise_result(const OnnxNode& node) {
  const OnnxPicture made = std::get<OnnxPicture>(values_.at(node.outputs[0]));
  // Only the quantisation reads the output so far.
  readers_[static_cast<size_t>(made.layer)] = 1;
  quantise(node, made, quantisation(node, 6));
  readers_[static_cast<size_t>(std::get<OnnxPicture>(values_.at(node.outputs[0])).layer)] = readers_of(node);
}

/// Refuses operators that expect floats but read integers.
void OnnxReader::check_floats(const OnnxNode& node) const {
  static const std::set<std::string_view> kOnIntegers = {
      "DequantizeLinear", "QLinearConv", "QLinearAdd",   "Transpose", "Reshape",
      "Squeeze",          "Unsqueeze",   "DepthToSpace", "Identity",  "Resize"};
  if (kOnIntegers.contains(node.op)) return;
  for (const std::string& input : node.inputs) {
    const auto found = values_.find(input);
    const auto* const from = found == values_.end() ? nullptr : std::get_if<OnnxPicture>(&found->second);
    if (from != nullptr && from->integers) {
      refuse(node, "reads integers, which is not supported; export the model with a DequantizeLinear before it");
    }
  }
}

}  // namespace fsrcnn
