#include "network/formats/keras_layers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <string_view>

#include "network/formats/onnx_attributes.hpp"
#include "network/formats/tensorflow.hpp"

namespace fsrcnn {
namespace {

/// Decodes base64; other characters are skipped.
std::string from_base64(const std::string& text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) continue;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255);
    }
  }
  return bytes;
}

}  // namespace

void KerasTranslator::add(const Layer& layer, const std::string& op, std::vector<std::string> inputs,
                          const std::string& output, std::vector<OnnxAttribute> attributes) {
  onnx_.nodes.push_back({op, layer.name, "", std::move(inputs), {output}, std::move(attributes)});
}
void KerasTranslator::first(const Layer& layer, const std::string& from, const std::string& to) {
  add(layer, "Transpose", {from}, to, {onnx_attribute("perm", std::vector<int64_t>{0, 3, 1, 2})});
}
void KerasTranslator::last(const Layer& layer, const std::string& from, const std::string& to) {
  add(layer, "Transpose", {from}, to, {onnx_attribute("perm", std::vector<int64_t>{0, 2, 3, 1})});
}
std::string KerasTranslator::constant(const std::string& name, std::vector<int64_t> shape, std::vector<double> values) {
  onnx_.constants[name] = {name, std::move(shape), std::move(values), ElementType::f32};
  return name;
}
int64_t KerasTranslator::channels(const Layer& layer) const {
  const auto found = channels_.find(layer.inputs.at(0));
  return found == channels_.end() ? 0 : found->second;
}

void KerasTranslator::translate(const Layer& layer) {
  const std::string& kind = layer.kind;
  if (kind == "InputLayer") return add_input(layer);
  if (layer.inputs.empty()) refuse(layer, "has no input");
  channels_[layer.value()] = channels(layer);
  if (kind == "Conv2D" || kind == "Convolution2D") return convolve(layer, false);
  if (kind == "Conv2DTranspose" || kind == "Convolution2DTranspose") return convolve(layer, true);
  if (kind == "PReLU") return prelu(layer);
  if (kind == "ReLU" || kind == "LeakyReLU") return relu(layer);
  if (kind == "Activation") return activate(layer, text(layer, "activation", ""), layer.inputs[0], layer.value());
  if (kind == "Add") return combine(layer, "Add");
  if (kind == "Subtract") return combine(layer, "Sub");
  if (kind == "Concatenate") return combine(layer, "Concat");
  if (kind == "UpSampling2D") return upsample(layer);
  if (kind == "ZeroPadding2D") return pad(layer);
  if (kind == "Rescaling") return rescale(layer);
  if (kind == "TFOpLambda") return run_function(layer);
  if (kind == "Lambda") return run_lambda(layer);
  if (kind == "Dropout" || kind == "SpatialDropout2D" || kind == "GaussianNoise" || kind == "ActivityRegularization") {
    return add(layer, "Identity", {layer.inputs[0]}, layer.value());
  }
  if (const int64_t factor = depth_to_space_factor(layer)) {
    notes_.push_back(fmt::format("assumed that the layer '{}' of class {} is TensorFlow's depth to space by {}",
                                 layer.name, kind, factor));
    return depth_to_space(layer, factor);
  }
  // Refused if the output depends on it.
  add(layer, kind, layer.inputs, layer.value());
}

/// (H, W, I, O) as (O, I, H, W), and of transposed convolutions (H, W, O, I) as (I, O, H, W).
std::string KerasTranslator::kernel(const Layer& layer) {
  const NamedTensor from = tensors_(layer.name, "kernel");
  const auto& s = from.shape;
  if (s.size() != 4) refuse(layer, "has a kernel of shape {}; expected four axes", to_string(s));
  std::vector<double> values(from.values.size());
  const auto [h, w, a, b] = std::array{s[0], s[1], s[2], s[3]};
  size_t at = 0;
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x)
      for (int64_t i = 0; i < a; ++i)
        for (int64_t o = 0; o < b; ++o) values[static_cast<size_t>(((o * a + i) * h + y) * w + x)] = from.values[at++];
  return constant(layer.value() + " kernel", {b, a, h, w}, std::move(values));
}

void KerasTranslator::convolve(const Layer& layer, bool transposed) {
  if (text(layer, "data_format", "channels_last") != "channels_last") {
    refuse(layer, "uses channels_first; only channels_last is supported");
  }
  const std::string padding = text(layer, "padding", "valid");
  if (padding != "same" && padding != "valid") refuse(layer, "has the unsupported padding '{}'", padding.substr(0, 40));
  const auto [stride_h, stride_w] = pair(layer, "strides", 1);
  const auto [dilation_h, dilation_w] = pair(layer, "dilation_rate", 1);
  const std::string weight = kernel(layer), value = layer.value();
  const std::vector<int64_t> shape = onnx_.constants[weight].shape;
  std::vector<std::string> inputs = {value + " input", weight};
  if (const Json* bias = find(layer, "use_bias"); bias == nullptr || *bias != false) {
    const NamedTensor tensor = tensors_(layer.name, "bias");
    inputs.push_back(constant(value + " bias", tensor.shape, {tensor.values.begin(), tensor.values.end()}));
  }
  std::vector<OnnxAttribute> attributes = {onnx_attribute("strides", std::vector<int64_t>{stride_h, stride_w})};
  if (transposed) {
    if (dilation_h != 1 || dilation_w != 1) refuse(layer, "has a dilation_rate other than 1, which is not supported");
    const auto cut_of = [&](int64_t k, int64_t s, int64_t added) {
      // Difference from `stride` times the input, by Keras' formula; -1: no output_padding.
      const int64_t more = padding == "same" ? (added < 0 ? 0 : k - s - k / 2 * 2 + added)
                                             : (added < 0 ? std::max<int64_t>(0, k - s) : k - s + added);
      if (s < 1 || more != 0) {
        refuse(layer,
               "has kernel {}, stride {} and padding '{}', so its output is not `stride` times as large as its input",
               k, s, padding);
      }
      return same_cut(k, s);
    };
    const bool told = find(layer, "output_padding") != nullptr;
    const auto [added_h, added_w] = told ? pair(layer, "output_padding", 0) : std::pair<int64_t, int64_t>(-1, -1);
    const TransposedCut rows = cut_of(shape[2], stride_h, added_h), columns = cut_of(shape[3], stride_w, added_w);
    attributes.push_back(
        onnx_attribute("pads", std::vector<int64_t>{rows.before, columns.before, rows.after, columns.after}));
    attributes.push_back(onnx_attribute("output_padding", std::vector<int64_t>{rows.added, columns.added}));
  } else {
    attributes.push_back(onnx_text("auto_pad", padding == "same" ? "SAME_UPPER" : "VALID"));
    attributes.push_back(onnx_attribute("dilations", std::vector<int64_t>{dilation_h, dilation_w}));
    attributes.push_back(onnx_attribute("group", integer(layer, "groups", 1)));
  }
  channels_[value] = shape[transposed ? 1 : 0];
  first(layer, layer.inputs[0], value + " input");
  add(layer, transposed ? "ConvTranspose" : "Conv", inputs, value + " output", attributes);
  last(layer, value + " output", value + " sum");
  activate(layer, text(layer, "activation", "linear"), value + " sum", value);
}

void KerasTranslator::prelu(const Layer& layer) {
  const NamedTensor alpha = tensors_(layer.name, "alpha");
  const auto count = static_cast<int64_t>(alpha.values.size());
  if (alpha.shape.size() != 3 || alpha.shape[0] != 1 || alpha.shape[1] != 1) {
    refuse(layer, "has slopes of shape {}, one for each pixel; only shared_axes=[1, 2] is supported",
           to_string(alpha.shape));
  }
  add(layer, "PRelu",
      {layer.inputs[0], constant(layer.value() + " alpha", {count}, {alpha.values.begin(), alpha.values.end()})},
      layer.value());
}

void KerasTranslator::relu(const Layer& layer) {
  const bool leaky = layer.kind == "LeakyReLU";
  const double slope = number(layer, "negative_slope", leaky ? number(layer, "alpha", 0.3) : 0);
  const double most = number(layer, "max_value", -1);
  if (number(layer, "threshold", 0) != 0) refuse(layer, "has a threshold other than 0, which is not supported");
  if (most >= 0 && slope != 0) refuse(layer, "has both a max_value and a slope, which is not supported");
  if (most >= 0) {
    const std::string value = layer.value();
    return add(layer, "Clip",
               {layer.inputs[0], constant(value + " low", {}, {0}), constant(value + " high", {}, {most})}, value);
  }
  OnnxAttribute alpha{"alpha", OnnxAttribute::number_};
  alpha.number = static_cast<float>(slope);
  if (slope == 0) return add(layer, "Relu", {layer.inputs[0]}, layer.value());
  add(layer, "LeakyRelu", {layer.inputs[0]}, layer.value(), {alpha});
}

void KerasTranslator::activate(const Layer& layer, const std::string& activation, const std::string& from,
                               const std::string& to) {
  static const std::map<std::string_view, const char*> kNames = {
      {"linear", "Identity"}, {"relu", "Relu"}, {"tanh", "Tanh"}, {"sigmoid", "Sigmoid"}};
  if (activation == "relu6") {
    return add(layer, "Clip", {from, constant(to + " low", {}, {0}), constant(to + " high", {}, {6})}, to);
  }
  const auto found = kNames.find(activation);
  if (found == kNames.end()) {
    refuse(layer, "has the unsupported activation '{}'", activation.substr(0, 80));
  }
  add(layer, found->second, {from}, to);
}

void KerasTranslator::upsample(const Layer& layer) {
  const auto [h, w] = pair(layer, "size", 2);
  const std::string mode = text(layer, "interpolation", "nearest"), value = layer.value();
  if (mode != "nearest" && mode != "bilinear") {
    refuse(layer, "uses the unsupported interpolation '{}'; supported: nearest and bilinear", mode.substr(0, 40));
  }
  const bool nearest = mode == "nearest";
  const std::string scales = constant(value + " scales", {4}, {1, 1, static_cast<double>(h), static_cast<double>(w)});
  first(layer, layer.inputs[0], value + " input");
  add(layer, "Resize", {value + " input", "", scales}, value + " output",
      {onnx_text("mode", nearest ? "nearest" : "linear"), onnx_text("nearest_mode", "floor"),
       onnx_text("coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel")});
  last(layer, value + " output", value);
}

void KerasTranslator::pad(const Layer& layer) {
  const Json* const padding = find(layer, "padding");
  std::vector<double> by;  // top, bottom, left, right
  const auto push = [&](const Json& v) {
    if (!v.is_number_integer() || by.size() > 4) refuse(layer, "has an invalid padding; expected integers");
    by.push_back(v.get<double>());
  };
  for (size_t i = 0; i < 2; ++i) {
    const bool list = padding != nullptr && padding->is_array() && padding->size() == 2;
    const Json one = list ? (*padding)[i] : padding == nullptr ? Json(1) : *padding;
    const bool both = one.is_array() && one.size() == 2;
    push(both ? one[0] : one);
    push(both ? one[1] : one);
  }
  const std::string value = layer.value();
  first(layer, layer.inputs[0], value + " input");
  add(layer, "Pad", {value + " input", constant(value + " pads", {8}, {0, 0, by[0], by[2], 0, 0, by[1], by[3]})},
      value + " output", {onnx_text("mode", "constant")});
  last(layer, value + " output", value);
}

void KerasTranslator::rescale(const Layer& layer) {
  const std::string value = layer.value();
  const double scale = number(layer, "scale", 1), offset = number(layer, "offset", 0);
  add(layer, "Mul", {layer.inputs[0], constant(value + " scale", {}, {scale})}, value + " scaled");
  add(layer, "Add", {value + " scaled", constant(value + " offset", {}, {offset})}, value);
}

void KerasTranslator::combine(const Layer& layer, const char* op) {
  const std::string value = layer.value();
  if (layer.inputs.size() < 2) refuse(layer, "has {} inputs; expected two or more", layer.inputs.size());
  if (std::string_view(op) == "Concat") {
    const int64_t sum = channels(layer) * static_cast<int64_t>(layer.inputs.size());
    channels_[value] = std::min(sum, kMostKerasChannels);
    return add(layer, op, layer.inputs, value, {onnx_attribute("axis", integer(layer, "axis", -1))});
  }
  std::string sum = layer.inputs[0];
  for (size_t i = 1; i < layer.inputs.size(); ++i) {
    const std::string to = i + 1 == layer.inputs.size() ? value : fmt::format("{} {}", value, i);
    add(layer, op, {sum, layer.inputs[i]}, to);
    sum = to;
  }
}

/// A TensorFlow function of a layer's output.
void KerasTranslator::run_function(const Layer& layer) {
  const std::string function = text(layer, "function", "");
  if (function == "nn.depth_to_space") {
    const Json* const arguments = layer.arguments;
    const bool told = arguments != nullptr && arguments->is_object() && arguments->contains("block_size") &&
                      (*arguments)["block_size"].is_number_integer();
    if (!told) refuse(layer, "has no block_size");
    return depth_to_space(layer, (*arguments)["block_size"].get<int64_t>());
  }
  if (function == "nn.relu") return add(layer, "Relu", {layer.inputs[0]}, layer.value());
  if ((function == "math.add" || function == "__operators__.add") && layer.inputs.size() == 2) {
    return combine(layer, "Add");
  }
  refuse(layer, "is the unsupported function '{}'", function.substr(0, 80));
}

/// A function in Python bytecode; only the names in it are read.
void KerasTranslator::run_lambda(const Layer& layer) {
  const Json* function = find(layer, "function");
  std::string code;
  if (function != nullptr && function->is_object() && function->contains("config")) {
    code = (*function)["config"].value("code", "");
  } else if (function != nullptr && function->is_array() && !function->empty() && (*function)[0].is_string()) {
    code = (*function)[0].get<std::string>();
  } else if (function != nullptr && function->is_string()) {
    code = function->get<std::string>();
  }
  const bool told = code.find("depth_to_space") != code.npos || from_base64(code).find("depth_to_space") != code.npos;
  // Its output must have the picture's channels.
  const int64_t now = channels(layer), colours = onnx_.inputs.empty() ? 0 : onnx_.inputs[0].shape[1];
  int64_t factor = 2;
  while (factor < 8 && colours <= 3 && factor * factor * colours < now) ++factor;
  if (!told || colours < 1 || colours > 3 || factor * factor * colours != now) {
    refuse(layer,
           "is Python code; only a depth_to_space whose output has the picture's channels is supported; save the model "
           "with tf.nn.depth_to_space applied to the layer's output");
  }
  notes_.push_back(fmt::format("assumed that the Lambda '{}', which names depth_to_space, is depth to space by {}",
                               layer.name, factor));
  depth_to_space(layer, factor);
}

int64_t KerasTranslator::depth_to_space_factor(const Layer& layer) const {
  std::string kind;
  for (const char c : layer.kind.substr(layer.kind.rfind('>') + 1)) {
    if (c != '_') kind += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (kind != "depthtospace" && kind != "pixelshuffle" && kind.find("subpixel") == kind.npos) return 0;
  for (const char* key : {"block_size", "scale", "scale_factor", "upscale_factor", "upsample_factor", "factor", "r"}) {
    const Json* const value = find(layer, key);
    if (value != nullptr && value->is_number_integer()) return value->get<int64_t>();
  }
  return 0;
}

void KerasTranslator::depth_to_space(const Layer& layer, int64_t factor) {
  if (factor < 1 || factor > 8) refuse(layer, "has the block size {}; expected 1 to 8", factor);
  const std::string value = layer.value();
  channels_[value] = channels(layer) / (factor * factor);
  first(layer, layer.inputs[0], value + " input");
  add(layer, "DepthToSpace", {value + " input"}, value + " output",
      {onnx_attribute("blocksize", factor), onnx_text("mode", "DCR")});
  last(layer, value + " output", value);
}

}  // namespace fsrcnn
