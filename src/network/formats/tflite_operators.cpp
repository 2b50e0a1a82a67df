#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "network/formats/onnx_numbers.hpp"
#include "network/formats/tflite_translator.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

/// BuiltinOperator of the schema: those that are read, and those that others use.
enum Code {
  kAdd = 0,
  kConcatenation = 2,
  kConv2D = 3,
  kDepthToSpace = 5,
  kDequantize = 6,
  kLogistic = 14,
  kMul = 18,
  kRelu = 19,
  kReluN1To1 = 20,
  kRelu6 = 21,
  kResizeBilinear = 23,
  kTanh = 28,
  kCustom = 32,
  kPad = 34,
  kSub = 41,
  kPRelu = 54,
  kMaximum = 55,
  kMinimum = 57,
  kNeg = 59,
  kTransposeConv = 67,
  kResizeNearestNeighbor = 97,
  kLeakyRelu = 98,
  kMirrorPad = 100,
  kQuantize = 114
};

std::string operator_name(int code) {
  static const std::map<int, const char*> kNames = {{kAdd, "ADD"},
                                                    {1, "AVERAGE_POOL_2D"},
                                                    {kConcatenation, "CONCATENATION"},
                                                    {kConv2D, "CONV_2D"},
                                                    {4, "DEPTHWISE_CONV_2D"},
                                                    {kDepthToSpace, "DEPTH_TO_SPACE"},
                                                    {kDequantize, "DEQUANTIZE"},
                                                    {9, "FULLY_CONNECTED"},
                                                    {kLogistic, "LOGISTIC"},
                                                    {17, "MAX_POOL_2D"},
                                                    {kMul, "MUL"},
                                                    {kRelu, "RELU"},
                                                    {kReluN1To1, "RELU_N1_TO_1"},
                                                    {kRelu6, "RELU6"},
                                                    {22, "RESHAPE"},
                                                    {kResizeBilinear, "RESIZE_BILINEAR"},
                                                    {25, "SOFTMAX"},
                                                    {kTanh, "TANH"},
                                                    {kPad, "PAD"},
                                                    {37, "BATCH_TO_SPACE_ND"},
                                                    {38, "SPACE_TO_BATCH_ND"},
                                                    {39, "TRANSPOSE"},
                                                    {40, "MEAN"},
                                                    {kSub, "SUB"},
                                                    {42, "DIV"},
                                                    {45, "STRIDED_SLICE"},
                                                    {kPRelu, "PRELU"},
                                                    {kMaximum, "MAXIMUM"},
                                                    {kMinimum, "MINIMUM"},
                                                    {kNeg, "NEG"},
                                                    {60, "PADV2"},
                                                    {65, "SLICE"},
                                                    {kTransposeConv, "TRANSPOSE_CONV"},
                                                    {kResizeNearestNeighbor, "RESIZE_NEAREST_NEIGHBOR"},
                                                    {kLeakyRelu, "LEAKY_RELU"},
                                                    {kMirrorPad, "MIRROR_PAD"},
                                                    {kQuantize, "QUANTIZE"}};
  const auto found = kNames.find(code);
  return found == kNames.end() ? fmt::format("operator {}", code) : found->second;
}

}  // namespace

int32_t TfliteTranslator::input(const Operator& op, size_t i) const {
  if (!has_input(op, i)) refuse("lacks input {}", i);
  return op.inputs()->Get(static_cast<uint32_t>(i));
}
bool TfliteTranslator::has_input(const Operator& op, size_t i) const {
  return op.inputs() != nullptr && i < op.inputs()->size() && op.inputs()->Get(static_cast<uint32_t>(i)) >= 0;
}

std::string TfliteTranslator::operand(const Operator& op, size_t i) {
  const int32_t index = input(op, i);
  if (!is_constant(index)) return value(index);
  std::vector<size_t> order;
  const auto* const shape = tensor(origin(index)).shape();
  for (size_t a = 0; shape != nullptr && a < std::min<size_t>(8, shape->size()); ++a) order.push_back(a);
  return floats(index, order, std::max<int64_t>(0, static_cast<int64_t>(order.size()) - 1));
}

int TfliteTranslator::code_of(const Operator& op) const {
  const auto* const codes = model_.codes();
  if (codes == nullptr || op.code() >= codes->size())
    refuse("refers to operator code {}, which does not exist", op.code());
  const tflite::OperatorCode& known = *codes->Get(op.code());
  // Files from before 2020 set only the deprecated code.
  return std::max<int>(known.code(), known.deprecated_code());
}

std::vector<bool> TfliteTranslator::needed_operators() const {
  const auto& operators = *graph_.operators();
  std::set<int32_t> read = {graph_.outputs()->Get(0)};
  std::vector<bool> needed(operators.size());
  // Operators are sorted: inputs come first.
  for (uint32_t i = operators.size(); i-- > 0;) {
    const Operator& op = *operators.Get(i);
    const auto *const inputs = op.inputs(), *const outputs = op.outputs();
    needed[i] = outputs != nullptr &&
                std::any_of(outputs->begin(), outputs->end(), [&](int32_t t) { return read.contains(t); });
    if (!needed[i] || inputs == nullptr) continue;
    const int code = code_of(op);
    const bool resizes = code == kResizeBilinear || code == kResizeNearestNeighbor;
    for (uint32_t k = 0; k < inputs->size(); ++k) {
      if (!(code == kTransposeConv && k == 0) && !(resizes && k == 1)) read.insert(inputs->Get(k));
    }
  }
  return needed;
}

void TfliteTranslator::follow(const Operator& op) {
  const int code = code_of(op);
  op_ = operator_name(code);
  const auto* const custom = model_.codes()->Get(op.code())->custom_code();
  if (code == kCustom && custom != nullptr) op_ = "custom " + custom->str().substr(0, 80);
  const int32_t output = op.outputs()->Get(0);
  const auto* const name = tensor(output).name();
  name_ = name == nullptr ? value(output) : name->str().substr(0, 200);
  const std::string to = value(output);
  if (code == kDequantize && is_constant(input(op, 0))) {
    origins_[output] = origin(input(op, 0));
    return;
  }
  if (!translate(op, code, to)) refuse("is an unsupported operator");
  // A Pad does not change the quantisation.
  if (code != kPad && code != kMirrorPad) quantise(output);
}

bool TfliteTranslator::translate(const Operator& op, int code, const std::string& to) {
  static const std::map<int, const char*> kSimple = {{kQuantize, "Identity"}, {kDequantize, "Identity"},
                                                     {kRelu, "Relu"},         {kTanh, "Tanh"},
                                                     {kLogistic, "Sigmoid"},  {kNeg, "Neg"}};
  if (const auto simple = kSimple.find(code); simple != kSimple.end()) {
    add(simple->second, {operand(op, 0)}, to);
    return true;
  }
  const auto combine = [&](const char* onnx, tflite::Activation activation) {
    add(onnx, {operand(op, 0), operand(op, 1)}, to + " result");
    activate(activation, to + " result", to);
  };
  switch (code) {
    case kConv2D: convolve(op, to); break;
    case kTransposeConv: convolve_transposed(op, to); break;
    case kDepthToSpace: depth_to_space(op, to); break;
    case kRelu6: clip(operand(op, 0), 0, 6, to); break;
    case kReluN1To1: clip(operand(op, 0), -1, 1, to); break;
    case kPRelu: add("PRelu", {operand(op, 0), operand(op, 1)}, to); break;
    case kLeakyRelu: {
      OnnxAttribute alpha{"alpha", OnnxAttribute::number_};
      alpha.number = options(op.options_as_LeakyReluOptions()).alpha();
      add("LeakyRelu", {operand(op, 0)}, to, {alpha});
      break;
    }
    case kAdd: combine("Add", options(op.options_as_AddOptions()).activation()); break;
    case kSub: combine("Sub", options(op.options_as_SubOptions()).activation()); break;
    case kMul: combine("Mul", options(op.options_as_MulOptions()).activation()); break;
    case kMaximum:
    case kMinimum: {
      const size_t bound = is_constant(input(op, 0)) ? 0 : 1;
      const std::string picture = operand(op, 1 - bound), limit = operand(op, bound);
      add("Clip", code == kMaximum ? std::vector{picture, limit} : std::vector{picture, std::string(), limit}, to);
      break;
    }
    case kConcatenation: {
      const auto& o = options(op.options_as_ConcatenationOptions());
      std::vector<std::string> inputs;
      for (size_t i = 0; has_input(op, i); ++i) inputs.push_back(operand(op, i));
      add("Concat", inputs, to + " result", {onnx_attribute("axis", o.axis())});
      activate(o.activation(), to + " result", to);
      break;
    }
    case kResizeBilinear: {
      const auto& o = options(op.options_as_ResizeBilinearOptions());
      resize(op, o.align_corners(), o.half_pixel_centers(), /*nearest=*/false, to);
      break;
    }
    case kResizeNearestNeighbor: {
      const auto& o = options(op.options_as_ResizeNearestNeighborOptions());
      resize(op, o.align_corners(), o.half_pixel_centers(), /*nearest=*/true, to);
      break;
    }
    case kPad: pad(op, /*mirror=*/false, to); break;
    case kMirrorPad: pad(op, /*mirror=*/true, to); break;
    default: return false;
  }
  return true;
}

void TfliteTranslator::convolve(const Operator& op, const std::string& to) {
  const auto& o = options(op.options_as_Conv2DOptions());
  transpose(operand(op, 0), {0, 3, 1, 2}, to + " input");
  std::vector<std::string> inputs = {to + " input", floats(input(op, 1), {0, 3, 1, 2}, 0)};
  if (has_input(op, 2)) inputs.push_back(floats(input(op, 2), {0}, 0));
  add("Conv", inputs, to + " output",
      {onnx_text("auto_pad", o.padding() == tflite::Padding::same ? "SAME_UPPER" : "VALID"),
       onnx_attribute("strides", {o.stride_h(), o.stride_w()}),
       onnx_attribute("dilations", {o.dilation_h(), o.dilation_w()})});
  transpose(to + " output", {0, 2, 3, 1}, to + " sum");
  activate(o.activation(), to + " sum", to);
}

TransposedCut TfliteTranslator::cut_of(const Operator& op, size_t axis, int64_t stride, tflite::Padding padding) {
  const auto* const kernel = tensor(origin(input(op, 1))).shape();
  if (kernel == nullptr || kernel->size() != 4 || stride < 1)
    refuse("has a weight without four axes, or an invalid stride");
  const int32_t output = op.outputs()->Get(0);
  std::vector<int64_t> made = extents(output);
  if (is_constant(input(op, 0))) {
    made.clear();
    for (const double extent : numbers(origin(input(op, 0))).values) made.push_back(to_integer(extent));
  }
  const std::vector<int64_t> read = extents(input(op, 2));
  if (made.size() != 4 || read.size() != 4) refuse("has an input or output without four axes");
  if (made[axis] > 0 && read[axis] > 0 && made[axis] != stride * read[axis]) {
    refuse("makes {} rows or columns of {}; expected {}", made[axis], read[axis], stride * read[axis]);
  }
  if (made[axis] <= 0 || read[axis] <= 0) {
    const std::string note = fmt::format(
        "the graph computes the output size of '{}'; assumed {} times the size of the input", name_, stride);
    if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(note);
  }
  const int64_t k = kernel->Get(static_cast<uint32_t>(axis));
  return padding == tflite::Padding::valid ? TransposedCut{0, 0, 0} : same_cut(k, stride);
}

void TfliteTranslator::convolve_transposed(const Operator& op, const std::string& to) {
  const auto& o = options(op.options_as_TransposeConvOptions());
  const TransposedCut rows = cut_of(op, 1, o.stride_h(), o.padding()),
                      columns = cut_of(op, 2, o.stride_w(), o.padding());
  transpose(operand(op, 2), {0, 3, 1, 2}, to + " input");
  std::vector<std::string> inputs = {to + " input", floats(input(op, 1), {3, 0, 1, 2}, 1)};
  if (has_input(op, 3)) inputs.push_back(floats(input(op, 3), {0}, 0));
  add("ConvTranspose", inputs, to + " output",
      {onnx_attribute("strides", {o.stride_h(), o.stride_w()}),
       onnx_attribute("pads", {rows.before, columns.before, rows.after, columns.after}),
       onnx_attribute("output_padding", {rows.added, columns.added})});
  transpose(to + " output", {0, 2, 3, 1}, to + " sum");
  activate(o.activation(), to + " sum", to);
}

void TfliteTranslator::depth_to_space(const Operator& op, const std::string& to) {
  const auto& o = options(op.options_as_DepthToSpaceOptions());
  transpose(operand(op, 0), {0, 3, 1, 2}, to + " input");
  add("DepthToSpace", {to + " input"}, to + " output",
      {onnx_attribute("blocksize", int64_t{o.block_size()}), onnx_text("mode", "DCR")});
  transpose(to + " output", {0, 2, 3, 1}, to);
}

void TfliteTranslator::resize(const Operator& op, bool align_corners, bool half_pixel, bool nearest,
                              const std::string& to) {
  const std::vector<int64_t> read = extents(input(op, 0)), made = extents(op.outputs()->Get(0));
  std::vector<double> size;
  if (is_constant(input(op, 1))) {
    size = numbers(origin(input(op, 1))).values;
  } else if (made.size() == 4) {
    size = {static_cast<double>(made[1]), static_cast<double>(made[2])};
  }
  if (size.size() != 2 || read.size() != 4 || !(size[0] > 0 && size[1] > 0) || read[1] < 1 || read[2] < 1) {
    refuse("has an output size that the graph computes, which is not supported; convert the model with a fixed size");
  }
  const std::string scales = constant(
      to + " scales", {4}, {1, 1, size[0] / static_cast<double>(read[1]), size[1] / static_cast<double>(read[2])});
  const char* const where = align_corners ? "align_corners"
                            : !half_pixel ? "asymmetric"
                            : nearest     ? "tf_half_pixel_for_nn"
                                          : "half_pixel";
  transpose(operand(op, 0), {0, 3, 1, 2}, to + " input");
  add("Resize", {to + " input", "", scales}, to + " output",
      {onnx_text("mode", nearest ? "nearest" : "linear"), onnx_text("nearest_mode", "floor"),
       onnx_text("coordinate_transformation_mode", where)});
  transpose(to + " output", {0, 2, 3, 1}, to);
}

void TfliteTranslator::pad(const Operator& op, bool mirror, const std::string& to) {
  // (axis, before or after), of N, H, W, C.
  const std::vector<double> by =
      is_constant(input(op, 1)) ? numbers(origin(input(op, 1))).values : std::vector<double>();
  if (by.size() != 8) refuse("has paddings that are not a constant of four axes");
  if (mirror && (options(op.options_as_MirrorPadOptions()).mode() != 1 ||
                 std::any_of(by.begin(), by.end(), [](double p) { return p > 1; }))) {
    refuse("mirrors more than one pixel, or without the edge; only SYMMETRIC by one pixel is supported");
  }
  const std::string pads = constant(to + " pads", {8}, {by[0], by[6], by[2], by[4], by[1], by[7], by[3], by[5]});
  transpose(operand(op, 0), {0, 3, 1, 2}, to + " input");
  add("Pad", {to + " input", pads}, to + " output", {onnx_text("mode", mirror ? "edge" : "constant")});
  transpose(to + " output", {0, 2, 3, 1}, to);
}

void TfliteTranslator::activate(tflite::Activation activation, const std::string& from, const std::string& to) {
  switch (activation) {
    case tflite::Activation::none: return add("Identity", {from}, to);
    case tflite::Activation::relu: return add("Relu", {from}, to);
    case tflite::Activation::relu_n1_to_1: return clip(from, -1, 1, to);
    case tflite::Activation::relu6: return clip(from, 0, 6, to);
    case tflite::Activation::tanh: return add("Tanh", {from}, to);
  }
  refuse("has the unsupported activation {}", static_cast<int>(activation));
}

void TfliteTranslator::clip(const std::string& from, double low, double high, const std::string& to) {
  add("Clip", {from, constant(to + " low", {}, {low}), constant(to + " high", {}, {high})}, to);
}

}  // namespace fsrcnn
