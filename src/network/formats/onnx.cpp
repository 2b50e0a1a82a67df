#include "network/formats/onnx.hpp"

#include <algorithm>
#include <array>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "network/families.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/fsrcnn.hpp"
#include "network/simplify.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostMadeElements = 64 << 20;  // of numbers that nodes make, and of all layers' weights
constexpr int64_t kLargestExtent = 1 << 20;
constexpr int64_t kMostOrderedChannels = 1024;

OnnxNumbers numbers_of(const OnnxTensor& tensor) { return {tensor.shape, tensor.values, {}, tensor.type}; }

}  // namespace

Network OnnxReader::read() {
  if (graph_.outputs.size() != 1) {
    std::string names;
    for (const std::string& name : graph_.outputs) names += (names.empty() ? "'" : ", '") + name.substr(0, 80) + "'";
    fail(ErrorCode::model, "{}: its graph has {} outputs{}{}; expected one picture; export only the last one", source_,
         graph_.outputs.size(), names.empty() ? "" : ": ", names);
  }
  const std::vector<bool> needed = needed_nodes();
  add_input();
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) run(graph_.nodes[i]);
  }
  const OnnxNode end{"the output", graph_.outputs[0], "", {graph_.outputs[0]}, {graph_.outputs[0]}, {}};
  OnnxPicture out = picture(end, 0);
  // TensorFlow's end with the channels last.
  OnnxPicture first = out;
  if (out.axes.size() == 4) std::rotate(first.axes.begin() + 1, first.axes.begin() + 3, first.axes.end());
  if (!channels_of(out) && channels_of(first)) out = first;
  out = lay_out(end, out, 1);
  if (out.padding || out.layer == kNetworkInput) refuse(end, "does not come from a layer");
  if (white_ != 1) {
    std::optional<Quantisation> quantisation = network_.layers[static_cast<size_t>(out.layer)].quantisation;
    out = scaled(end, out, {1 / white_}, {0});
    if (quantisation) quantisation->scale /= white_;
    network_.layers[static_cast<size_t>(out.layer)].quantisation = quantisation;
    network_.notes.push_back(
        fmt::format("the model's pixels have values from 0 to {:g}; here they are from 0 to 1", white_));
  }
  // The output is the last layer's; later layers are not needed.
  network_.layers.resize(static_cast<size_t>(out.layer) + 1);
  made_.resize(network_.layers.size());
  network_.scale = out.scale;
  if (out.channels != network_.channels()) {
    fail(ErrorCode::model, "{}: the network has {} input channels, but {} output channels", source_,
         network_.channels(), out.channels);
  }
  simplify(network_, made_);
  take_output_clip();
  Layer& last = network_.layers.back();
  if (last.op == Layer::Op::depth_to_space && last.factor == 1 && last.activation == Layer::Activation::none &&
      last.inputs[0] != kNetworkInput) {
    // This layer only held the activation.
    Layer& before = network_.layers[static_cast<size_t>(last.inputs[0])];
    if (last.quantisation) before.quantisation = last.quantisation;
    network_.layers.pop_back();
  }
  if (has_integers_) {
    network_.notes.emplace_back("integer model, read as a network of floats without rounding and saturation");
  }
  return std::move(network_);
}

/// Every output is clamped to [0, 1], so an activation that does no more is left to writers.
void OnnxReader::take_output_clip() {
  constexpr float kLargestBound = 100;  // of pixels from 0 to 1, with room
  constexpr float kNone = std::numeric_limits<float>::infinity();
  Layer& last = network_.layers.back();
  const bool relu = last.activation == Layer::Activation::relu;
  if (!relu && (last.activation != Layer::Activation::clamp || last.low > 0 || last.high < 1)) return;
  const float low = relu ? 0 : last.low > -FLT_MAX ? last.low : -kNone;
  const float high = !relu && last.high < FLT_MAX ? last.high : kNone;
  if (std::isfinite(high) && high >= kLargestBound) {
    fail(
        ErrorCode::model,
        "{}: its output is clipped to {:g} to {:g}, so its pixels seem to have values from 0 to {:g}; expected 0 to 1; "
        "export it with the output divided by {:g}, and the input multiplied by it if it has such values, too",
        source_, low, high, high, high);
  }
  if (low < 0 || (std::isfinite(high) && high > 1)) {
    const std::string bounds = !std::isfinite(low)    ? fmt::format("at most {:g}", high)
                               : !std::isfinite(high) ? fmt::format("at least {:g}", low)
                                                      : fmt::format("{:g} to {:g}", low, high);
    network_.notes.push_back(fmt::format("the model clips its output to {}; here it is clamped to 0 to 1", bounds));
  }
  network_.output_clip = OutputClip{low, high};
  last.activation = Layer::Activation::none;
  last.low = 0;
  last.high = 1;
}

/// Keeps the nodes that the output depends on; others are ignored.
std::vector<bool> OnnxReader::needed_nodes() {
  std::map<std::string_view, size_t> writers;
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    for (const std::string& output : graph_.nodes[i].outputs) {
      if (output.empty()) continue;
      if (!writers.emplace(output, i).second) {
        fail(ErrorCode::model, "{}: two of its nodes write '{}'", source_, output);
      }
    }
  }
  std::vector<bool> needed(graph_.nodes.size());
  std::vector<std::string_view> open = {graph_.outputs[0]};
  uses_[graph_.outputs[0]] = 1;
  while (!open.empty()) {
    const auto writer = writers.find(open.back());
    open.pop_back();
    if (writer == writers.end() || needed[writer->second]) continue;
    needed[writer->second] = true;
    for (const std::string& input : graph_.nodes[writer->second].inputs) {
      ++uses_[input];
      open.emplace_back(input);
    }
  }
  return needed;
}

void OnnxReader::add_input() {
  const OnnxInput* found = nullptr;
  for (const OnnxInput& input : graph_.inputs) {
    // Files of the first versions list the weights among the inputs.
    if (graph_.constants.contains(input.name) || !uses_.contains(input.name)) continue;
    if (found != nullptr) {
      fail(ErrorCode::model, "{}: its graph has the inputs '{}' and '{}'; expected one picture", source_, found->name,
           input.name);
    }
    found = &input;
  }
  if (found == nullptr) fail(ErrorCode::model, "{}: its output does not depend on any input", source_);
  if (found->type != 0 && !is_onnx_float(found->type)) {
    fail(ErrorCode::model, "{}: its input '{}' does not hold floats; export the model with float32 input", source_,
         found->name);
  }
  std::vector<int64_t> shape = found->shape;
  if (shape.empty()) shape = {0, 0, 0, 0};
  const auto is_colours = [](int64_t n) { return n == 1 || n == 3; };
  if (shape.size() != 4) {
    fail(ErrorCode::model, "{}: its input has {} axes; expected (N, C, H, W)", source_, shape.size());
  }
  const InputReaders readers = readers_of_input(found->name);
  const bool told = shape[1] != 0 && is_colours(shape[1]) != is_colours(shape[3]);
  const bool last = told ? is_colours(shape[3]) : readers.channels_last && (shape[3] == 0 || is_colours(shape[3]));
  if (last) std::rotate(shape.begin() + 1, shape.begin() + 3, shape.end());
  const int64_t channels = shape[1] == 0 ? readers.channels : shape[1];
  if (channels == 0) {
    std::string text;
    for (const int64_t n : found->shape) text += (text.empty() ? "" : ", ") + (n == 0 ? "?" : std::to_string(n));
    fail(ErrorCode::model,
         "{}: neither the shape ({}) of its input '{}' nor a convolution that reads it tells how many channels it has; "
         "export the model with 1 or 3 channels, as (N, C, H, W)",
         source_, text, found->name);
  }
  if (!is_colours(channels)) {
    fail(ErrorCode::model, "{}: its input has {} channels; expected 1 (luma) or 3 (RGB)", source_, channels);
  }
  for (const int64_t extent : shape) {
    if (extent > kLargestExtent) fail(ErrorCode::model, "{}: its input has an extent of {}", source_, extent);
  }
  sizes_ = {std::max<int64_t>(1, shape[0]), shape[2], shape[3]};
  network_.colours = channels == 3 ? Colours::rgb : Colours::luma;
  network_.range = channels == 3 ? ValueRange::full : ValueRange::limited;
  values_[found->name] =
      last ? OnnxPicture::channels_last(kNetworkInput, channels, 1) : OnnxPicture::of(kNetworkInput, channels, 1);
}

/// What the first nodes tell of an input whose shape does not: a Transpose that its channels are last, a convolution
/// how many there are.
OnnxReader::InputReaders OnnxReader::readers_of_input(const std::string& name) const {
  constexpr std::string_view kKeepAxes[] = {
      "Identity", "Cast", "Add", "Sub", "Mul", "Div", "Clip", "Pad", "QuantizeLinear", "DequantizeLinear"};
  InputReaders readers;
  std::set<std::string> names = {name};
  const auto is_input = [&](const std::string& tensor) { return names.contains(tensor); };
  for (const OnnxNode& node : graph_.nodes) {
    if (node.outputs.empty() || std::none_of(node.inputs.begin(), node.inputs.end(), is_input)) continue;
    if (node.op == "Conv") {
      const auto weight = node.inputs.size() < 2 ? graph_.constants.end() : graph_.constants.find(node.inputs[1]);
      if (weight == graph_.constants.end() || weight->second.shape.size() != 4) continue;
      readers.channels = weight->second.shape[1];
      return readers;
    }
    const bool to_front = node.op == "Transpose" && !readers.channels_last && node.attributes.size() == 1 &&
                          node.attributes[0].integers == std::vector<int64_t>{0, 3, 1, 2};
    if (!to_front && std::find(std::begin(kKeepAxes), std::end(kKeepAxes), node.op) == std::end(kKeepAxes)) continue;
    readers.channels_last = readers.channels_last || to_front;
    names.insert(node.outputs[0]);
  }
  return readers;
}

void OnnxReader::run(const OnnxNode& node) {
  // ONNX Runtime's operators on integers are in its own domain.
  const bool on_integers = node.domain == "com.microsoft" &&
                           (node.op == "QuantizeLinear" || node.op == "DequantizeLinear" || node.op == "QLinearAdd");
  if (!node.domain.empty() && node.domain != "ai.onnx" && !on_integers) {
    refuse(node, "is an operator of domain '{}', which is not supported", node.domain);
  }
  if (node.outputs.empty()) return;
  if (node.op == "Constant") return run_constant(node);
  if (run_numbers(node)) return;
  if (has_integers_) check_floats(node);
  if (run_layout(node) || run_layer(node) || run_arithmetic(node) || run_activation(node)) return;
  if (run_quantisation(node)) return;
  refuse(node, "is an unsupported operator");
}

void OnnxReader::run_constant(const OnnxNode& node) {
  if (node.attributes.size() != 1) refuse(node, "has {} values", node.attributes.size());
  const OnnxAttribute& a = node.attributes[0];
  OnnxNumbers numbers;
  if (a.name == "value" && a.tensor) {
    numbers = numbers_of(*a.tensor);
  } else if (a.name == "value_float" && a.type == OnnxAttribute::number_) {
    numbers.values = {a.number};
  } else if (a.name == "value_int" && a.type == OnnxAttribute::integer_) {
    numbers = {{}, {static_cast<double>(a.integer)}, {}, ElementType::i64};
  } else if (a.name == "value_floats") {
    numbers = {{static_cast<int64_t>(a.numbers.size())}, {a.numbers.begin(), a.numbers.end()}};
  } else if (a.name == "value_ints") {
    numbers = {{static_cast<int64_t>(a.integers.size())}, {a.integers.begin(), a.integers.end()}, {}, ElementType::i64};
  } else {
    refuse(node, "stores its value as '{}', which is not supported", a.name);
  }
  values_[node.outputs[0]] = std::make_shared<const OnnxNumbers>(std::move(numbers));
}

/// True if the node needs no picture.
bool OnnxReader::run_numbers(const OnnxNode& node) {
  std::vector<const OnnxNumbers*> inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(nullptr);
    if (!has_input(node, i)) continue;
    const Value& input = value(node, i);
    if (!std::holds_alternative<Numbers>(input)) return false;
    inputs.back() = std::get<Numbers>(input).get();
  }
  if (inputs.empty()) return false;
  if (node.op == "Identity" || node.op == "Dropout") {
    values_[node.outputs[0]] = std::get<Numbers>(value(node, 0));
    return true;
  }
  std::optional<OnnxNumbers> result = quantise_numbers(node, inputs, source_);
  if (!result) result = run_on_numbers(node, inputs, graph_.opset, source_);
  if (!result) return false;
  elements_ += static_cast<int64_t>(result->values.size());
  if (elements_ > kMostMadeElements) fail(ErrorCode::model, "{}: its nodes produce too many numbers", source_);
  values_[node.outputs[0]] = std::make_shared<const OnnxNumbers>(*std::move(result));
  return true;
}

const OnnxReader::Value& OnnxReader::value(const OnnxNode& node, size_t i) const {
  if (!has_input(node, i)) refuse(node, "lacks its input {}", i);
  auto found = values_.find(node.inputs[i]);
  if (found == values_.end()) {
    const auto tensor = graph_.constants.find(node.inputs[i]);
    if (tensor == graph_.constants.end()) refuse(node, "reads '{}', which no earlier node writes", node.inputs[i]);
    found = const_cast<OnnxReader*>(this)
                ->values_.emplace(node.inputs[i], std::make_shared<const OnnxNumbers>(numbers_of(tensor->second)))
                .first;
  }
  return found->second;
}

const OnnxNumbers& OnnxReader::constant(const OnnxNode& node, size_t i) const {
  const Value& input = value(node, i);
  const Numbers* numbers = std::get_if<Numbers>(&input);
  if (numbers == nullptr || !(*numbers)->is_constant()) {
    refuse(node, "has an input {} ('{}') that is not constant", i, node.inputs[i]);
  }
  return **numbers;
}

std::vector<int64_t> OnnxReader::integers(const OnnxNode& node, size_t i) const {
  const OnnxNumbers& numbers = constant(node, i);
  if (numbers.values.size() > 64) refuse(node, "has {} numbers in its input {}", numbers.values.size(), i);
  std::vector<int64_t> values;
  for (const double v : numbers.values) values.push_back(to_integer(v));
  return values;
}

std::vector<float> OnnxReader::floats(const OnnxNode& node, size_t i) const {
  const OnnxNumbers& numbers = constant(node, i);
  return {numbers.values.begin(), numbers.values.end()};
}

const OnnxPicture& OnnxReader::picture(const OnnxNode& node, size_t i) const {
  const Value& input = value(node, i);
  if (!std::holds_alternative<OnnxPicture>(input)) refuse(node, "reads numbers where a picture is expected");
  return std::get<OnnxPicture>(input);
}

OnnxPicture OnnxReader::settled(const OnnxNode& node, size_t i) {
  const OnnxPicture& from = picture(node, i);
  if (from.padding) refuse(node, "follows a Pad; only a convolution may follow one");
  return from.axes.size() == 4 && from.channel_axis() ? from : plain(node, i);
}

OnnxPicture OnnxReader::plain(const OnnxNode& node, size_t i) {
  const OnnxPicture from = picture(node, i);
  if (from.axes == OnnxPicture::of(from.layer, from.channels, from.scale).axes) return from;
  const OnnxPicture to = lay_out(node, from, uses_[node.inputs[i]]);
  values_[node.inputs[i]] = to;
  return to;
}

/// Adds the layers that bring a picture's values into the order of (N, C, H, W).
OnnxPicture OnnxReader::lay_out(const OnnxNode& node, const OnnxPicture& from, int64_t readers) {
  const std::optional<OnnxChannels> wanted = channels_of(from);
  if (!wanted) refuse(node, "reads a picture whose axes are not (N, C, H, W)");
  OnnxPicture to = from;
  const auto count = static_cast<int64_t>(wanted->source.size()), f = wanted->factor;
  bool own_order = count == from.channels;
  for (int64_t k = 0; k < count; ++k) own_order = own_order && wanted->source[static_cast<size_t>(k)] == k;
  if (!own_order) {
    if (count > kMostOrderedChannels) refuse(node, "reads {} channels; {} are supported", count, kMostOrderedChannels);
    check_size(node, count * from.channels);
    Layer order{.name = node.name, .inputs = {from.layer}, .weight = Tensor<float>({count, from.channels, 1, 1})};
    for (int64_t k = 0; k < count; ++k) order.weight(k, wanted->source[static_cast<size_t>(k)], 0, 0) = 1;
    to = OnnxPicture::of(add_layer(std::move(order), f == 1 ? readers : 1, true), count, from.scale);
  }
  if (f > 1) {
    if (from.scale * f > 8) refuse(node, "reads a picture enlarged {} times; the limit is 8", from.scale * f);
    to = OnnxPicture::of(
        add_layer({.op = Layer::Op::depth_to_space, .name = node.name, .inputs = {to.layer}, .factor = f}, readers),
        count / (f * f), from.scale * f);
  }
  to.padding = from.padding;
  to.integers = from.integers;
  if (own_order && f == 1) to.axes = OnnxPicture::of(to.layer, to.channels, to.scale).axes;
  return to;
}

int OnnxReader::add_layer(Layer layer, int64_t readers, bool made) {
  if (network_.layers.size() >= 2048) fail(ErrorCode::model, "{}: its graph has too many layers", source_);
  network_.layers.push_back(std::move(layer));
  made_.push_back(made);
  readers_.push_back(readers);
  return static_cast<int>(network_.layers.size()) - 1;
}

/// Before memory is taken: many nodes may have the same weights.
void OnnxReader::check_size(const OnnxNode& node, int64_t weights) {
  if (weights > kMostMadeElements - weights_) {
    refuse(node, "has too many weights, counting those of the nodes before it");
  }
  weights_ += weights;
}

int64_t OnnxReader::readers_of(const OnnxNode& node) const {
  const auto found = uses_.find(node.outputs[0]);
  return found == uses_.end() ? 0 : found->second;
}

/// Stores a node's result. If that is an existing layer, the node's readers replace the node as its readers.
void OnnxReader::set(const OnnxNode& node, OnnxPicture result) {
  const auto was_there = [&](const std::string& input) {
    const auto found = values_.find(input);
    return found != values_.end() && std::holds_alternative<OnnxPicture>(found->second) &&
           std::get<OnnxPicture>(found->second).layer == result.layer;
  };
  if (result.layer != kNetworkInput && std::any_of(node.inputs.begin(), node.inputs.end(), was_there)) {
    readers_[static_cast<size_t>(result.layer)] += readers_of(node) - 1;
  }
  values_[node.outputs[0]] = std::move(result);
}

bool looks_like_onnx(Bytes bytes) {
  // ir_version, field 1, a small number; then a producer, an opset or the graph.
  return bytes.size() > 4 && bytes[0] == std::byte{0x08} && bytes[1] > std::byte{2} && bytes[1] < std::byte{32} &&
         (bytes[2] == std::byte{0x12} || bytes[2] == std::byte{0x3a} || bytes[2] == std::byte{0x42});
}

Network parse_onnx(Bytes bytes, const std::string& source, const ReadBeside& read_beside) {
  OnnxGraph graph = parse_onnx_graph(bytes, source, read_beside);
  const std::map<std::string, std::string> remarks = std::move(graph.metadata);
  Network network = OnnxReader(std::move(graph), source).read();
  name_layers(network);
  apply_remarks(network, remarks, source);
  check_network(network, source);
  return network;
}

}  // namespace fsrcnn
