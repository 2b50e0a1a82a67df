#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "network/formats/onnx_graph.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// A tensor of a layer by its role: "kernel", "bias" or "alpha". Throws Error(model) if it is missing.
using KerasTensors = std::function<NamedTensor(const std::string& layer, const std::string& role)>;

/// Numbers of channels are limited to this, so that they can be multiplied.
inline constexpr int64_t kMostKerasChannels = 1 << 20;

/// Translates a Keras model's configuration to an ONNX graph. Values keep their order of axes, (N, H, W, C).
class KerasTranslator {
 public:
  KerasTranslator(const nlohmann::json& model, KerasTensors tensors, const std::string& source)
      : model_(model), tensors_(std::move(tensors)), source_(source) {}

  OnnxGraph translate();
  /// Messages: what had to be assumed.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using Json = nlohmann::json;
  struct Layer {
    std::string name, kind;
    const Json* config;
    std::vector<std::string> inputs;
    const Json* arguments = nullptr;  ///< of a function
    std::string value() const { return "layer " + name; }
  };

  template <class... Args>
  [[noreturn]] void refuse(const Layer& layer, fmt::format_string<Args...> text, Args&&... args) const {
    fail(ErrorCode::model, "{}: {} '{}' {}", source_, layer.kind, layer.name,
         fmt::format(text, std::forward<Args>(args)...));
  }

  // The graph.
  std::vector<Layer> read_layers();
  Layer read_layer(const Json& json) const;
  void find_inputs(const Json& json, Layer& layer) const;
  void add_input(const Layer& layer);
  void add_output(const std::vector<Layer>& layers);

  // Values of a configuration.
  const Json* find(const Layer& layer, const char* key) const;
  std::string text(const Layer& layer, const char* key, const std::string& otherwise) const;
  double number(const Layer& layer, const char* key, double otherwise) const;
  int64_t integer(const Layer& layer, const char* key, int64_t otherwise) const;
  /// Of height and width; one number stands for both.
  std::pair<int64_t, int64_t> pair(const Layer& layer, const char* key, int64_t otherwise) const;

  // Layers.
  void translate(const Layer& layer);
  void convolve(const Layer& layer, bool transposed);
  void prelu(const Layer& layer);
  void relu(const Layer& layer);
  void activate(const Layer& layer, const std::string& activation, const std::string& from, const std::string& to);
  void upsample(const Layer& layer);
  void pad(const Layer& layer);
  void rescale(const Layer& layer);
  void combine(const Layer& layer, const char* op);
  void run_function(const Layer& layer);
  void run_lambda(const Layer& layer);
  void depth_to_space(const Layer& layer, int64_t factor);
  /// The factor of a custom layer; 0: it is not depth to space.
  int64_t depth_to_space_factor(const Layer& layer) const;
  std::string kernel(const Layer& layer);

  // ONNX's nodes.
  void add(const Layer& layer, const std::string& op, std::vector<std::string> inputs, const std::string& output,
           std::vector<OnnxAttribute> attributes = {});
  void first(const Layer& layer, const std::string& from, const std::string& to);  ///< to (N, C, H, W)
  void last(const Layer& layer, const std::string& from, const std::string& to);   ///< to (N, H, W, C)
  std::string constant(const std::string& name, std::vector<int64_t> shape, std::vector<double> values);
  int64_t channels(const Layer& layer) const;

  const Json& model_;
  KerasTensors tensors_;
  const std::string& source_;
  std::map<std::string, int64_t> channels_;  ///< of values; 0: unknown
  std::vector<std::string> notes_;
  OnnxGraph onnx_;
};

}  // namespace fsrcnn
