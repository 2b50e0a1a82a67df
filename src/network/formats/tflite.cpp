#include "network/formats/tflite.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "network/families.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/formats/protobuf.hpp"
#include "network/formats/tflite_translator.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

static_assert(std::endian::native == std::endian::little, "buffers of the file are little endian and are copied");

constexpr size_t kMostLiteTensors = 1 << 14, kMostLiteElements = 32 << 20, kLiteAlignment = 16;

std::optional<ElementType> lite_element_type(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType::float32: return ElementType::f32;
    case tflite::TensorType::float16: return ElementType::f16;
    case tflite::TensorType::float64: return ElementType::f64;
    case tflite::TensorType::uint8: return ElementType::u8;
    case tflite::TensorType::int8: return ElementType::i8;
    case tflite::TensorType::uint16: return ElementType::u16;
    case tflite::TensorType::int16: return ElementType::i16;
    case tflite::TensorType::uint32: return ElementType::u32;
    case tflite::TensorType::int32: return ElementType::i32;
    case tflite::TensorType::int64: return ElementType::i64;
    default: return std::nullopt;
  }
}

}  // namespace

OnnxGraph TfliteTranslator::translate() {
  onnx_.opset = 13;
  onnx_.has_all_activations = true;
  if (graph_.inputs() == nullptr || graph_.inputs()->size() != 1 || graph_.outputs() == nullptr ||
      graph_.outputs()->size() != 1 || graph_.tensors() == nullptr || graph_.operators() == nullptr) {
    fail(ErrorCode::model, "{}: the model does not have exactly one input and one output", source_);
  }
  if (graph_.tensors()->size() > kMostLiteTensors || graph_.operators()->size() > kMostGraphNodes) {
    fail(ErrorCode::model, "{}: the graph has too many tensors or operators", source_);
  }
  const int32_t in = graph_.inputs()->Get(0);
  std::vector<int64_t> shape = extents(in);
  if (shape.size() != 4)
    fail(ErrorCode::model, "{}: its input has {} axes; expected 4, (N, H, W, C)", source_, shape.size());
  // As (N, C, H, W), which is transposed to (N, H, W, C).
  std::rotate(shape.begin() + 1, shape.begin() + 3, shape.end());
  for (int64_t& extent : shape) extent = std::max<int64_t>(0, extent);
  onnx_.inputs.push_back({"input (N, C, H, W)", 1, shape});
  transpose(onnx_.inputs[0].name, {0, 2, 3, 1}, value(in));
  quantise(in);
  const std::vector<bool> needed = needed_operators();
  for (uint32_t i = 0; i < graph_.operators()->size(); ++i) {
    if (needed[i]) follow(*graph_.operators()->Get(i));
  }
  onnx_.outputs.push_back(value(graph_.outputs()->Get(0)));
  return std::move(onnx_);
}

const tflite::Tensor& TfliteTranslator::tensor(int32_t index) const {
  if (index < 0 || static_cast<size_t>(index) >= graph_.tensors()->size()) {
    refuse("refers to tensor {}, which does not exist", index);
  }
  return *graph_.tensors()->Get(static_cast<uint32_t>(index));
}

std::vector<int64_t> TfliteTranslator::extents(int32_t index) const {
  const tflite::Tensor& t = tensor(index);
  const auto* const told = t.shape_signature();
  const auto* const list = told != nullptr && told->size() > 0 ? told : t.shape();
  if (list == nullptr || list->size() > 8) return {};
  return {list->begin(), list->end()};
}

const tflite::Buffer* TfliteTranslator::buffer(int32_t index) const {
  const auto* const buffers = model_.buffers();
  const uint32_t at = tensor(index).buffer();
  if (buffers == nullptr || at >= buffers->size()) return nullptr;
  const tflite::Buffer* const found = buffers->Get(at);
  if (found->offset() > 1 || tensor(index).external_buffer() != 0)
    refuse("has a tensor outside the model's buffers, which is not supported");
  return found->data() == nullptr || found->data()->size() == 0 ? nullptr : found;
}

int32_t TfliteTranslator::origin(int32_t index) const {
  const auto found = origins_.find(index);
  return found == origins_.end() ? index : found->second;
}

OnnxTensor TfliteTranslator::numbers(int32_t index) {
  const tflite::Tensor& t = tensor(index);
  const tflite::Buffer* const found = buffer(index);
  if (found == nullptr) refuse("needs a constant, but tensor {} is computed", index);
  const std::optional<ElementType> type = lite_element_type(t.type());
  if (!type || t.sparsity() != nullptr) refuse("has a tensor of an unsupported type");
  OnnxTensor to{value(index), {}, {}, *type};
  if (t.shape() != nullptr && t.shape()->size() <= 8) to.shape.assign(t.shape()->begin(), t.shape()->end());
  const auto count = static_cast<size_t>(checked_element_count(to.name, to.shape));
  const Bytes bytes = std::as_bytes(std::span(found->data()->data(), found->data()->size()));
  if (bytes.size() != count * bytes_of(*type)) {
    refuse("has a tensor of shape {} with {} bytes; expected {}", to_string(to.shape), bytes.size(),
           count * bytes_of(*type));
  }
  // Several operators may refer to one tensor.
  elements_ += count;
  if (elements_ > kMostLiteElements) fail(ErrorCode::model, "{}: the tensors have too many values", source_);
  to.values = convert_elements<double>(bytes, *type);
  return to;
}

std::string TfliteTranslator::floats(int32_t index, const std::vector<size_t>& order, int64_t axis) {
  index = origin(index);
  const OnnxTensor from = numbers(index);
  if (from.shape.size() != order.size()) {
    refuse("has a tensor of shape {}; expected {} axes", to_string(from.shape), order.size());
  }
  OnnxTensor to{fmt::format("{} of {}", from.name, onnx_.nodes.size()), {}, {}, from.type};
  std::vector<size_t> strides(order.size(), 1), at(order.size(), 0), steps;
  for (size_t i = order.size(); i-- > 1;) strides[i - 1] = strides[i] * static_cast<size_t>(from.shape[i]);
  for (const size_t a : order) {
    to.shape.push_back(from.shape[a]);
    steps.push_back(strides[a]);
  }
  for (size_t i = 0; i < from.values.size(); ++i) {
    size_t place = 0;
    for (size_t a = 0; a < at.size(); ++a) place += at[a] * steps[a];
    to.values.push_back(from.values[place]);
    for (size_t a = at.size(); a-- > 0;) {
      if (++at[a] < static_cast<size_t>(to.shape[a])) break;
      at[a] = 0;
    }
  }
  const std::string name = to.name;
  const bool integers = integer_range(to.type) || to.type == ElementType::i64;
  onnx_.constants[name] = std::move(to);
  if (!integers) return name;
  const tflite::Quantisation* const q = tensor(index).quantisation();
  if (q == nullptr || q->scale() == nullptr || q->scale()->size() == 0 ||
      q->details_type() != tflite::QuantisationDetails::NONE) {
    refuse("has a tensor of integers without a scale");
  }
  const std::vector<double> scales(q->scale()->begin(), q->scale()->end());
  std::vector<int64_t> shape;
  if (scales.size() > 1) {
    shape = {static_cast<int64_t>(scales.size())};
    const auto a = static_cast<size_t>(axis);
    if (a >= order.size() || q->axis() < 0 || order[a] != static_cast<size_t>(q->axis())) {
      refuse("has a tensor with scales along axis {}, which is not supported", q->axis());
    }
  }
  std::vector<double> zeros(scales.size(), 0);
  if (q->zero_point() != nullptr && q->zero_point()->size() == zeros.size()) {
    zeros.assign(q->zero_point()->begin(), q->zero_point()->end());
  }
  add("DequantizeLinear",
      {name, constant(name + " scales", shape, scales),
       constant(name + " zero points", shape, zeros, onnx_.constants[name].type)},
      name + " as floats", {onnx_attribute("axis", axis)});
  return name + " as floats";
}

void TfliteTranslator::quantise(int32_t index) {
  const tflite::Tensor& t = tensor(index);
  const std::optional<ElementType> type = lite_element_type(t.type());
  if (type == ElementType::f32 || type == ElementType::f16) return;
  const tflite::Quantisation* const q = t.quantisation();
  if (!type || !integer_range(*type) || q == nullptr || q->scale() == nullptr || q->scale()->size() != 1 ||
      q->details_type() != tflite::QuantisationDetails::NONE) {
    refuse("has an output of integers without a scale");
  }
  const auto* const zero = q->zero_point();
  const double at = zero == nullptr || zero->size() == 0 ? 0 : static_cast<double>(zero->Get(0));
  const std::string whole = value(index), scale = constant(whole + " scale", {}, {q->scale()->Get(0)}),
                    zero_point = constant(whole + " zero point", {}, {at}, *type);
  // Its readers read the values that the integers represent.
  onnx_.nodes.back().outputs = {whole + " before"};
  add("QuantizeLinear", {whole + " before", scale, zero_point}, whole + " quantised");
  add("DequantizeLinear", {whole + " quantised", scale, zero_point}, whole);
}

void TfliteTranslator::add(const std::string& op, std::vector<std::string> inputs, const std::string& output,
                           std::vector<OnnxAttribute> attributes) {
  onnx_.nodes.push_back({op, name_, "", std::move(inputs), {output}, std::move(attributes)});
}

void TfliteTranslator::transpose(const std::string& from, std::vector<int64_t> order, const std::string& to) {
  add("Transpose", {from}, to, {onnx_attribute("perm", std::move(order))});
}

std::string TfliteTranslator::constant(const std::string& name, std::vector<int64_t> shape, std::vector<double> values,
                                       ElementType type) {
  onnx_.constants[name] = {name, std::move(shape), std::move(values), type};
  return name;
}

bool looks_like_tflite(Bytes bytes) { return bytes.size() > 8 && std::memcmp(bytes.data() + 4, "TFL3", 4) == 0; }

Network parse_tflite(Bytes bytes, const std::string& source) {
  std::vector<std::byte> aligned;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kLiteAlignment != 0) {
    aligned.assign(bytes.begin(), bytes.end());
    bytes = aligned;
  }
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size());
  if (!tflite::VerifyModelBuffer(verifier)) {
    fail(ErrorCode::model, "{}: not a valid TensorFlow Lite model; the file is damaged or truncated", source);
  }
  const tflite::Model& model = *tflite::GetModel(data);
  if (model.subgraphs() == nullptr || model.subgraphs()->size() == 0) {
    fail(ErrorCode::model, "{}: the model has no graph", source);
  }
  TfliteTranslator translator(model, source);
  Network network = OnnxReader(translator.translate(), source).read();
  network.notes.insert(network.notes.end(), translator.notes().begin(), translator.notes().end());
  name_layers(network);
  check_network(network, source);
  return network;
}

}  // namespace fsrcnn
