#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "network/formats/onnx_attributes.hpp"
#include "network/formats/onnx_graph.hpp"
#include "network/formats/onnx_numbers.hpp"
#include "network/formats/onnx_picture.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// Converts a graph's nodes to layers. Each tensor is tracked separately: it is a picture, or numbers.
class OnnxReader {
 public:
  OnnxReader(OnnxGraph graph, std::string source) : graph_(std::move(graph)), source_(std::move(source)) {}

  /// Layers get the nodes' names, and the keys of their tensors if these have names like PyTorch's.
  Network read();

 private:
  using Numbers = std::shared_ptr<const OnnxNumbers>;
  using Value = std::variant<OnnxPicture, Numbers>;

  template <class... Args>
  [[noreturn]] void refuse(const OnnxNode& node, fmt::format_string<Args...> text, Args&&... args) const {
    refuse_node(source_, node, "{}", fmt::format(text, std::forward<Args>(args)...));
  }

  // The graph: onnx.cpp.
  std::vector<bool> needed_nodes();
  void take_output_clip();
  void add_input();
  struct InputReaders {
    int64_t channels = 0;  ///< 0: nothing tells
    bool channels_last = false;
  };
  InputReaders readers_of_input(const std::string& name) const;
  void run(const OnnxNode& node);
  bool run_numbers(const OnnxNode& node);
  void run_constant(const OnnxNode& node);

  static bool has_input(const OnnxNode& node, size_t i) { return i < node.inputs.size() && !node.inputs[i].empty(); }
  const Value& value(const OnnxNode& node, size_t i) const;
  /// Numbers that no picture changes.
  const OnnxNumbers& constant(const OnnxNode& node, size_t i) const;
  std::vector<int64_t> integers(const OnnxNode& node, size_t i) const;
  std::vector<float> floats(const OnnxNode& node, size_t i) const;
  const OnnxPicture& picture(const OnnxNode& node, size_t i) const;
  /// A picture whose axes are (N, C, H, W), or are in another order, without a Pad; layers are added where it is not.
  OnnxPicture settled(const OnnxNode& node, size_t i);
  /// The same as (N, C, H, W), with the Pad that may have come before.
  OnnxPicture plain(const OnnxNode& node, size_t i);
  OnnxPicture lay_out(const OnnxNode& node, const OnnxPicture& from, int64_t readers);

  int add_layer(Layer layer, int64_t readers, bool made = false);
  void check_size(const OnnxNode& node, int64_t weights);
  void set(const OnnxNode& node, OnnxPicture result);
  int64_t readers_of(const OnnxNode& node) const;

  // Layout: onnx_layout.cpp.
  bool run_layout(const OnnxNode& node);
  void run_expand(const OnnxNode& node);
  void run_concatenation(const OnnxNode& node);

  // Layers: onnx_layers.cpp.
  bool run_layer(const OnnxNode& node);
  void run_convolution(const OnnxNode& node);
  void run_transposed_convolution(const OnnxNode& node);
  void run_pad(const OnnxNode& node);
  void run_depth_to_space(const OnnxNode& node);
  // onnx_resize.cpp
  void run_resize(const OnnxNode& node);
  int64_t factor_of(const OnnxNode& node, const OnnxAttributes& attributes, const OnnxPicture& from);
  Tensor<float> kernel(const OnnxNode& node) const;
  std::vector<double> weight_scales(const OnnxNode& node, int64_t axis, int64_t outputs) const;

  // Arithmetic and activations: onnx_arithmetic.cpp.
  bool run_arithmetic(const OnnxNode& node);
  bool run_activation(const OnnxNode& node);
  void run_sum(const OnnxNode& node, bool difference);
  void run_with_constant(const OnnxNode& node);
  void run_batch_normalization(const OnnxNode& node);
  void run_clip(const OnnxNode& node);
  OnnxPicture add_pictures(const OnnxNode& node, OnnxPicture a, OnnxPicture b);
  /// One value for each channel of a picture, or one for all, of numbers that are broadcast to it.
  std::vector<double> per_channel(const OnnxNode& node, const OnnxPicture& to, const OnnxNumbers& numbers) const;
  /// factor * x + offset, each of one value or of one for each channel.
  OnnxPicture scaled(const OnnxNode& node, const OnnxPicture& from, const std::vector<double>& factor,
                     const std::vector<double>& offset);
  OnnxPicture activated(const OnnxNode& node, const OnnxPicture& from, Layer::Activation activation,
                        std::vector<float> slope = {}, float low = 0, float high = 1);
  std::string key_of(const std::string& tensor);

  // Integers: onnx_quantisation.cpp.
  bool run_quantisation(const OnnxNode& node);
  Quantisation quantisation(const OnnxNode& node, size_t first) const;
  void quantise(const OnnxNode& node, OnnxPicture from, const Quantisation& q);
  void quantise_result(const OnnxNode& node);
  void dequantise(const OnnxNode& node);
  void check_integers(const OnnxNode& node, const OnnxPicture& from, const Quantisation& q) const;
  void check_floats(const OnnxNode& node) const;
  void run_quantised_convolution(const OnnxNode& node);

  OnnxGraph graph_;
  std::string source_;
  OnnxSizes sizes_;
  Network network_;
  std::vector<bool> made_;               ///< layers that replace operations between two layers
  std::vector<int64_t> readers_;         ///< of each layer's output: inputs of nodes
  std::map<std::string, int64_t> uses_;  ///< of a tensor by nodes
  std::map<std::string, Value> values_;
  std::vector<std::string> keys_;
  int64_t elements_ = 0, weights_ = 0;
  bool has_integers_ = false;
  double white_ = 1;  ///< of the model's input and output
};

}  // namespace fsrcnn
