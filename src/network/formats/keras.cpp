#include "network/formats/keras.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "network/families.hpp"
#include "network/formats/hdf5.hpp"
#include "network/formats/keras_layers.hpp"
#include "network/formats/keras_weights.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/formats/tensorflow.hpp"
#include "network/formats/zip_archive.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostWeightBytes = 256 << 20, kMostConfigurationBytes = 8 << 20;
constexpr const char *kConfigurationEntry = "config.json", *kWeightsEntry = "model.weights.h5";

/// Crops a transposed convolution as Keras does for the padding "same".
void crop_as_keras(Layer& layer, int64_t scale) {
  const auto [n, c, h, w] = layer.weight.shape();
  const TransposedCut rows = same_cut(h, scale), columns = same_cut(w, scale);
  layer.conv_transpose.padding = {rows.after, columns.after};
  layer.conv_transpose.output_padding = {rows.added, columns.added};
  // PyTorch's padding crops both sides equally; zeros before the kernel compensate.
  const int64_t top = rows.after - rows.before, left = columns.after - columns.before;
  Tensor<float> larger({n, c, h + top, w + left});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k)
      for (int64_t y = 0; y < h; ++y) std::copy_n(layer.weight.row(i, k, y), w, larger.row(i, k, y + top) + left);
  layer.weight = std::move(larger);
}

Network chain_weights(KerasWeights weights, const std::string& source, std::optional<int64_t> scale) {
  const StateDict state_dict = weights.state_dict();
  Network network = network_from_state_dict(state_dict, source, scale);
  Layer& last = network.layers.back();
  if (last.op == Layer::Op::transposed_convolution) {
    if (!scale) {
      fail(ErrorCode::model,
           "{}: the file has only weights, which do not determine the scale of the deconvolution; use --model-scale 2, "
           "3 or 4, or save the whole model",
           source);
    }
    crop_as_keras(last, *scale);
    network.notes.emplace_back("assumed Keras' padding \"same\" for the deconvolution");
  }
  check_network(network, source);
  return network;
}

Network read_keras_model(const std::string& configuration, Hdf5File& file, const std::string& source,
                         std::optional<int64_t> scale) {
  const Json json = Json::parse(configuration, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) fail(ErrorCode::model, "{}: its configuration is not valid JSON", source);
  KerasWeights weights(file, source);
  try {
    weights.name_groups(json);
    KerasTranslator translator(
        json, [&](const std::string& layer, const std::string& role) { return weights.read(layer, role); }, source);
    Network network = OnnxReader(translator.translate(), source).read();
    network.notes.insert(network.notes.end(), translator.notes().begin(), translator.notes().end());
    name_layers(network);
    if (scale) set_scale(network, *scale, source);
    check_network(network, source);
    return network;
  } catch (const Json::exception&) {
    fail(ErrorCode::model, "{}: its configuration is damaged", source);
  }
}

}  // namespace

std::vector<KerasTranslator::Layer> KerasTranslator::read_layers() {
  const Json* config = &model_;
  if (model_.contains("config")) config = &model_["config"];
  const std::string kind = model_.value("class_name", "");
  const bool sequential = kind == "Sequential";
  if (!sequential && kind != "Functional" && kind != "Model") {
    fail(ErrorCode::model,
         "{}: the class of the model is '{}', whose layers are defined in Python code; save a functional or sequential "
         "model",
         source_, kind.substr(0, 80));
  }
  // Old sequential models are a list.
  const Json& list = config->is_object() && config->contains("layers") ? (*config)["layers"] : *config;
  if (!list.is_array() || list.empty() || list.size() > 1024) {
    fail(ErrorCode::model, "{}: its configuration has no list of layers", source_);
  }
  std::vector<Layer> layers;
  std::set<std::string> names;
  for (const Json& json : list) {
    layers.push_back(read_layer(json));
    Layer& layer = layers.back();
    if (!names.insert(layer.name).second) refuse(layer, "has the name of another layer");
    if (sequential && layers.size() == 1 && layer.kind != "InputLayer") {
      Layer input{"(input)", "InputLayer", layer.config, {}};
      layer.inputs = {input.value()};
      layers.insert(layers.begin(), input);
    } else if (sequential && layers.size() > 1) {
      layer.inputs = {layers[layers.size() - 2].value()};
    }
  }
  return layers;
}

KerasTranslator::Layer KerasTranslator::read_layer(const Json& json) const {
  if (!json.is_object() || !json.contains("config") || !json["config"].is_object()) {
    fail(ErrorCode::model, "{}: its configuration has a layer that is not an object", source_);
  }
  Layer layer{"", json.value("class_name", ""), &json["config"], {}};
  layer.name = json.contains("name") ? json.value("name", "") : json["config"].value("name", "");
  if (layer.kind == "Functional" || layer.kind == "Model" || layer.kind == "Sequential") {
    refuse(layer, "is a model inside the model, which is not supported");
  }
  if (json.contains("inbound_nodes") && json["inbound_nodes"].is_array() && !json["inbound_nodes"].empty()) {
    const Json& nodes = json["inbound_nodes"];
    if (nodes.size() > 1) refuse(layer, "is used {} times, which is not supported", nodes.size());
    find_inputs(nodes[0], layer);
  }
  return layer;
}

/// Keras 2 writes a tensor as [name, node, output, arguments], Keras 3 as an object with a "keras_history".
void KerasTranslator::find_inputs(const Json& json, Layer& layer) const {
  std::vector<const Json*> open = {&json};
  while (!open.empty()) {
    const Json& at = *open.back();
    open.pop_back();
    const Json *tensor = nullptr, *arguments = nullptr;
    if (at.is_array() && at.size() >= 3 && at[0].is_string() && at[1].is_number() && at[2].is_number()) {
      tensor = &at;
      if (at.size() > 3 && at[3].is_object()) arguments = &at[3];
    } else if (at.is_object() && at.contains("class_name") && at["class_name"] == "__keras_tensor__") {
      tensor = &at.at("config").at("keras_history");
      if (!tensor->is_array() || tensor->size() < 3) refuse(layer, "has an invalid input");
    }
    if (tensor != nullptr) {
      if (!(*tensor)[0].is_string() || (*tensor)[1] != 0 || (*tensor)[2] != 0) {
        refuse(layer, "reads a second output or use of a layer, which is not supported");
      }
      layer.inputs.push_back("layer " + (*tensor)[0].get<std::string>());
      if (layer.inputs.size() > 64) refuse(layer, "has too many inputs");
      if (arguments == nullptr) continue;
      layer.arguments = arguments;
      // A function's second operand.
      if (arguments->contains("y")) open.push_back(&(*arguments)["y"]);
    } else if (at.is_array()) {
      for (size_t i = at.size(); i-- > 0;) open.push_back(&at[i]);
    } else if (at.is_object() && at.contains("args")) {
      open.push_back(&at["args"]);
    }
  }
}

OnnxGraph KerasTranslator::translate() {
  onnx_.opset = 13;
  std::vector<Layer> layers = read_layers();
  std::set<std::string> made;
  std::vector<bool> done(layers.size());
  // In the order in which they run.
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto& inputs = layers[i].inputs;
      if (done[i] || !std::all_of(inputs.begin(), inputs.end(), [&](const auto& v) { return made.contains(v); }))
        continue;
      translate(layers[i]);
      made.insert(layers[i].value());
      done[i] = moved = true;
    }
  }
  add_output(layers);
  return std::move(onnx_);
}

void KerasTranslator::add_input(const Layer& layer) {
  std::vector<int64_t> shape;
  for (const char* key : {"batch_shape", "batch_input_shape"}) {
    const Json* const told = find(layer, key);
    if (told == nullptr || !told->is_array() || told->size() != 4) continue;
    shape.clear();
    for (const Json& extent : *told) shape.push_back(extent.is_number_integer() ? extent.get<int64_t>() : 0);
  }
  if (shape.empty()) refuse(layer, "has no shape with four axes; expected (N, H, W, C)");
  channels_[layer.value()] = std::clamp<int64_t>(shape[3], 0, kMostKerasChannels);
  onnx_.inputs.push_back({layer.value() + " (N, C, H, W)", 1, {shape[0], shape[3], shape[1], shape[2]}});
  last(layer, onnx_.inputs.back().name, layer.value());
}

void KerasTranslator::add_output(const std::vector<Layer>& layers) {
  if (model_.value("class_name", "") == "Sequential") {
    onnx_.outputs = {layers.back().value()};
    return;
  }
  const Json* told = &model_.at("config").at("output_layers");
  Layer end{"output", "The model's", nullptr, {}};
  find_inputs(*told, end);
  onnx_.outputs = end.inputs;
}

const KerasTranslator::Json* KerasTranslator::find(const Layer& layer, const char* key) const {
  const auto found = layer.config->find(key);
  return found == layer.config->end() || found->is_null() ? nullptr : &*found;
}

std::string KerasTranslator::text(const Layer& layer, const char* key, const std::string& otherwise) const {
  const Json* value = find(layer, key);
  if (value == nullptr) return otherwise;
  // A serialised object of Keras.
  if (value->is_object() && value->contains("config") && (*value)["config"].is_string()) value = &(*value)["config"];
  if (value->is_object()) return value->value("class_name", "");
  if (!value->is_string()) refuse(layer, "has a '{}' that is not text", key);
  return value->get<std::string>();
}

double KerasTranslator::number(const Layer& layer, const char* key, double otherwise) const {
  const Json* value = find(layer, key);
  if (value == nullptr) return otherwise;
  // A NumPy number.
  if (value->is_object() && value->contains("value")) value = &(*value)["value"];
  if (!value->is_number()) refuse(layer, "has a '{}' that is not a number", key);
  return value->get<double>();
}

int64_t KerasTranslator::integer(const Layer& layer, const char* key, int64_t otherwise) const {
  const Json* const value = find(layer, key);
  if (value == nullptr) return otherwise;
  if (!value->is_number_integer()) refuse(layer, "has a '{}' that is not an integer", key);
  return value->get<int64_t>();
}

std::pair<int64_t, int64_t> KerasTranslator::pair(const Layer& layer, const char* key, int64_t otherwise) const {
  const Json* const value = find(layer, key);
  if (value == nullptr || value->is_number_integer()) {
    const int64_t both = integer(layer, key, otherwise);
    return {both, both};
  }
  if (!value->is_array() || value->size() != 2 || !(*value)[0].is_number_integer() ||
      !(*value)[1].is_number_integer()) {
    refuse(layer, "has a '{}' that is not two integers", key);
  }
  const auto within = [&](const Json& v) { return std::clamp<int64_t>(v.get<int64_t>(), -1024, 1024); };
  return {within((*value)[0]), within((*value)[1])};
}

bool looks_like_keras(Bytes archive, const std::string& source) {
  const ZipReader zip(archive, source);
  const std::vector<std::string> names = zip.names();
  const auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  return has(kConfigurationEntry) && has(kWeightsEntry);
}

Network parse_keras(Bytes bytes, const std::string& source, std::optional<int64_t> scale) {
  if (!looks_like_hdf5(bytes)) {
    const ZipReader zip(bytes, source);
    const auto configuration = zip.read(kConfigurationEntry, kMostConfigurationBytes);
    const auto weights = zip.read(kWeightsEntry, kMostWeightBytes);
    if (!configuration || !weights)
      fail(ErrorCode::model, "{}: {} or {} is missing", source, kConfigurationEntry, kWeightsEntry);
    Hdf5File file(*weights, source);
    return read_keras_model({reinterpret_cast<const char*>(configuration->data()), configuration->size()}, file, source,
                            scale);
  }
  Hdf5File file(bytes, source);
  const std::vector<std::string> configuration = file.texts("", "model_config");
  if (configuration.empty()) return chain_weights({file, source}, source, scale);
  return read_keras_model(configuration[0], file, source, scale);
}

}  // namespace fsrcnn
