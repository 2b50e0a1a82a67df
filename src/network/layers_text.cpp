#include "network/layers_text.hpp"

#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "network/tensor_source.hpp"

namespace fsrcnn {
namespace {

using OrderedJson = nlohmann::ordered_json;
using Op = Layer::Op;
using Activation = Layer::Activation;

constexpr size_t kMostTextLayers = 512, kLongestText = 1 << 18, kLongestLayerName = 200;
constexpr int64_t kLargestNumber = 1 << 20;

template <class T>
struct Word {
  T value;
  const char* word;
};
constexpr std::array<Word<Op>, 5> kOps = {{{Op::convolution, "convolution"},
                                           {Op::transposed_convolution, "transposed_convolution"},
                                           {Op::depth_to_space, "depth_to_space"},
                                           {Op::add, "add"},
                                           {Op::interpolate, "interpolate"}}};
constexpr std::array<Word<Activation>, 5> kActivations = {{{Activation::none, "none"},
                                                           {Activation::relu, "relu"},
                                                           {Activation::prelu, "prelu"},
                                                           {Activation::clamp, "clamp"},
                                                           {Activation::tanh, "tanh"}}};
constexpr std::array<Word<PaddingMode>, 2> kPaddings = {
    {{PaddingMode::zeros, "zeros"}, {PaddingMode::replicate, "replicate"}}};
constexpr std::array<Word<Interpolation>, 3> kInterpolations = {
    {{Interpolation::nearest, "nearest"}, {Interpolation::bilinear, "bilinear"}, {Interpolation::bicubic, "bicubic"}}};

template <class T, size_t N>
const char* word_of(const std::array<Word<T>, N>& words, T value) {
  for (const Word<T>& w : words) {
    if (w.value == value) return w.word;
  }
  return "";
}

OrderedJson pair(const Pair& p) { return OrderedJson::array({p.h, p.w}); }

/// The members of one layer.
class LayerReader {
 public:
  LayerReader(const OrderedJson& layer, const std::string& source, size_t index)
      : layer_(layer), where_(fmt::format("{}: layer {} of the metadata", source, index)) {
    if (!layer.is_object()) refuse("is not an object");
    constexpr std::array<std::string_view, 17> kKnown = {
        "op",         "name",           "inputs", "key",    "padding", "padding_mode",   "dilation",
        "groups",     "stride",         "border", "factor", "mode",    "output_padding", "cubic_coefficient",
        "activation", "activation_key", "bounds"};
    for (const auto& [name, value] : layer.items()) {
      if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
        refuse(fmt::format("has the unknown member '{}'", name.substr(0, 40)));
      }
    }
  }

  [[noreturn]] void refuse(const std::string& what) const { fail(ErrorCode::model, "{} {}", where_, what); }

  int64_t integer(const char* name, int64_t otherwise) const {
    return layer_.contains(name) ? integer_of(layer_[name], name) : otherwise;
  }
  Pair pair(const char* name, const Pair& otherwise) const {
    if (!layer_.contains(name)) return otherwise;
    const OrderedJson& list = layer_[name];
    if (!list.is_array() || list.size() != 2) refuse(fmt::format("has a '{}' that is not two numbers", name));
    return {integer_of(list[0], name), integer_of(list[1], name)};
  }
  float number(const OrderedJson& value, const char* name) const {
    if (!value.is_number()) refuse(fmt::format("has a '{}' that is not a number", name));
    return value.get<float>();
  }
  std::string text(const char* name) const {
    if (!layer_.contains(name)) return {};
    if (!layer_[name].is_string()) refuse(fmt::format("has a '{}' that is not a string", name));
    std::string value = layer_[name].get<std::string>();
    if (value.size() > kLongestLayerName) refuse(fmt::format("has a '{}' of {} characters", name, value.size()));
    return value;
  }
  template <class T, size_t N>
  T word(const char* name, const std::array<Word<T>, N>& words, const char* otherwise) const {
    const std::string value = layer_.contains(name) ? text(name) : otherwise;
    for (const Word<T>& w : words) {
      if (value == w.word) return w.value;
    }
    refuse(fmt::format("has the unknown {} '{}'", name, value.substr(0, 40)));
  }
  std::vector<int> inputs() const {
    std::vector<int> list;
    if (!layer_.contains("inputs") || !layer_["inputs"].is_array() || layer_["inputs"].size() > 2) {
      refuse("has no list of inputs");
    }
    for (const OrderedJson& input : layer_["inputs"]) list.push_back(static_cast<int>(integer_of(input, "inputs")));
    return list;
  }
  const OrderedJson* find(const char* name) const { return layer_.contains(name) ? &layer_[name] : nullptr; }

 private:
  int64_t integer_of(const OrderedJson& value, const char* name) const {
    if (!value.is_number_integer() || value.get<int64_t>() < -kLargestNumber || value.get<int64_t>() > kLargestNumber) {
      refuse(fmt::format("has a '{}' that is not a small integer", name));
    }
    return value.get<int64_t>();
  }

  const OrderedJson& layer_;
  std::string where_;
};

}  // namespace

std::string format_layers(const Network& network) {
  OrderedJson list = OrderedJson::array();
  for (const Layer& layer : network.layers) {
    OrderedJson entry = {{"op", word_of(kOps, layer.op)}, {"name", layer.name}, {"inputs", layer.inputs}};
    if (layer.has_weight()) entry["key"] = layer.key;
    if (layer.op == Op::convolution) {
      const Conv2dParams& p = layer.conv;
      entry["padding"] = pair(p.padding);
      if (p.padding_mode != PaddingMode::zeros) entry["padding_mode"] = word_of(kPaddings, p.padding_mode);
      if (p.dilation != Pair{1, 1}) entry["dilation"] = pair(p.dilation);
      if (p.groups != 1) entry["groups"] = p.groups;
    } else if (layer.op == Op::transposed_convolution) {
      const ConvTranspose2dParams& p = layer.conv_transpose;
      entry["stride"] = pair(p.stride);
      entry["padding"] = pair(p.padding);
      entry["output_padding"] = pair(p.output_padding);
      if (p.dilation != Pair{1, 1}) entry["dilation"] = pair(p.dilation);
      if (layer.border != 0) entry["border"] = layer.border;
    } else if (layer.op != Op::add) {
      entry["factor"] = layer.factor;
    }
    if (layer.op == Op::interpolate) {
      entry["mode"] = word_of(kInterpolations, layer.interpolation);
      if (layer.interpolation == Interpolation::bicubic) entry["cubic_coefficient"] = layer.cubic_coefficient;
    }
    if (layer.activation != Activation::none) entry["activation"] = word_of(kActivations, layer.activation);
    if (layer.activation == Activation::prelu) entry["activation_key"] = layer.activation_key;
    if (layer.activation == Activation::clamp) entry["bounds"] = {layer.low, layer.high};
    list.push_back(std::move(entry));
  }
  return list.dump();
}

std::string format_clip(const OutputClip& clip) {
  const auto bound = [](float value) { return std::isfinite(value) ? OrderedJson(value) : OrderedJson(); };
  return OrderedJson::array({bound(clip.low), bound(clip.high)}).dump();
}

OutputClip parse_clip(const std::string& text, const std::string& source) {
  constexpr size_t kLongestClip = 100;
  constexpr float kNone = std::numeric_limits<float>::infinity();
  const OrderedJson json =
      text.size() > kLongestClip ? OrderedJson() : OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_bound = [](const OrderedJson& value) { return value.is_number() || value.is_null(); };
  if (json.is_array() && json.size() == 2 && is_bound(json[0]) && is_bound(json[1])) {
    const OutputClip clip{json[0].is_null() ? -kNone : json[0].get<float>(),
                          json[1].is_null() ? kNone : json[1].get<float>()};
    if (clip.low <= 0 && clip.high >= 1) return clip;
  }
  fail(
      ErrorCode::model,
      "{}: the metadata's output_clip is '{}', but must be [LOW, HIGH] with at most 0 and at least 1, or null for none",
      source, text.substr(0, 40));
}

bool has_keys(const std::string& text, const StateDict& state_dict) {
  if (text.size() > kLongestText) return false;
  const OrderedJson list = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return false;
  for (const OrderedJson& layer : list) {
    if (!layer.is_object() || !layer.contains("key") || !layer["key"].is_string()) continue;
    return state_dict.find(layer["key"].get<std::string>() + ".weight") != nullptr;
  }
  return false;
}

Network parse_layers(const std::string& text, const StateDict& state_dict, const std::string& source) {
  if (text.size() > kLongestText) fail(ErrorCode::model, "{}: the layers in its metadata are too long", source);
  const OrderedJson list = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.empty() || list.size() > kMostTextLayers) {
    fail(ErrorCode::model, "{}: the layers in its metadata are not a list of 1 to {} layers", source, kMostTextLayers);
  }
  TensorSource tensors(state_dict, source);
  std::set<std::string> keys;
  Network network;
  for (size_t i = 0; i < list.size(); ++i) {
    const LayerReader reader(list[i], source, i);
    Layer layer;
    layer.op = reader.word("op", kOps, "");
    layer.name = reader.text("name");
    layer.inputs = reader.inputs();
    const auto take_key = [&](const char* name) {
      std::string key = reader.text(name);
      if (!keys.insert(key).second) reader.refuse(fmt::format("has the {} '{}' of another layer", name, key));
      return key;
    };
    if (layer.has_weight()) {
      layer.key = take_key("key");
      layer.weight = tensors.take_kernel(layer.key + ".weight");
      const std::string bias = layer.key + ".bias";
      if (const NamedTensor* tensor = state_dict.find(bias)) layer.bias = tensors.take(bias, {{tensor->shape}});
    }
    if (layer.op == Op::convolution) {
      layer.conv = {.padding = reader.pair("padding", {0, 0}),
                    .dilation = reader.pair("dilation", {1, 1}),
                    .groups = reader.integer("groups", 1),
                    .padding_mode = reader.word("padding_mode", kPaddings, "zeros")};
    } else if (layer.op == Op::transposed_convolution) {
      layer.conv_transpose = {.stride = reader.pair("stride", {1, 1}),
                              .padding = reader.pair("padding", {0, 0}),
                              .output_padding = reader.pair("output_padding", {0, 0}),
                              .dilation = reader.pair("dilation", {1, 1})};
      layer.border = reader.integer("border", 0);
    }
    layer.factor = reader.integer("factor", 1);
    layer.interpolation = reader.word("mode", kInterpolations, "nearest");
    if (const OrderedJson* a = reader.find("cubic_coefficient")) {
      layer.cubic_coefficient = reader.number(*a, "cubic_coefficient");
    }
    layer.activation = reader.word("activation", kActivations, "none");
    if (layer.activation == Activation::prelu) {
      layer.activation_key = take_key("activation_key");
      const std::string slope = layer.activation_key + ".weight";
      layer.slope = tensors.take(slope, {tensors.find(slope).shape});
    }
    if (const OrderedJson* bounds = reader.find("bounds")) {
      if (!bounds->is_array() || bounds->size() != 2) reader.refuse("has bounds that are not two numbers");
      layer.low = reader.number((*bounds)[0], "bounds");
      layer.high = reader.number((*bounds)[1], "bounds");
    }
    network.layers.push_back(std::move(layer));
  }
  tensors.check_nothing_is_left();
  return network;
}

}  // namespace fsrcnn
