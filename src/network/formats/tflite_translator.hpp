#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "network/formats/onnx_attributes.hpp"
#include "network/formats/onnx_graph.hpp"
#include "network/formats/tensorflow.hpp"
#include "network/formats/tflite_generated.h"

namespace fsrcnn {

/// Translates a TensorFlow Lite graph to ONNX. Values keep their order of axes, (N, H, W, C). The model has passed the
/// verifier and has a subgraph.
class TfliteTranslator {
 public:
  TfliteTranslator(const tflite::Model& model, const std::string& source)
      : model_(model), graph_(*model.subgraphs()->Get(0)), source_(source) {}

  OnnxGraph translate();
  /// Messages: what had to be assumed.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using Operator = tflite::Operator;

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    fail(ErrorCode::model, "{}: {} '{}' {}", source_, op_, name_, fmt::format(text, std::forward<Args>(args)...));
  }

  // Tensors: tflite.cpp.
  const tflite::Tensor& tensor(int32_t index) const;
  static std::string value(int32_t index) { return fmt::format("tensor {}", index); }
  /// -1: not fixed.
  std::vector<int64_t> extents(int32_t index) const;
  const tflite::Buffer* buffer(int32_t index) const;
  /// The constant that a DEQUANTIZE makes the tensor from; else the tensor itself.
  int32_t origin(int32_t index) const;
  bool is_constant(int32_t index) const { return buffer(origin(index)) != nullptr; }
  /// The numbers of a constant as stored in the file.
  OnnxTensor numbers(int32_t index);
  /// Adds a constant with its axes in another order, and returns its name. Integers are dequantised; their scales are
  /// along `axis` of that order.
  std::string floats(int32_t index, const std::vector<size_t>& order, int64_t axis);
  /// Adds the quantisation of a picture, if it has integers.
  void quantise(int32_t index);

  // ONNX's nodes.
  void add(const std::string& op, std::vector<std::string> inputs, const std::string& output,
           std::vector<OnnxAttribute> attributes = {});
  void transpose(const std::string& from, std::vector<int64_t> order, const std::string& to);
  std::string constant(const std::string& name, std::vector<int64_t> shape, std::vector<double> values,
                       ElementType type = ElementType::f32);

  // Operators: tflite_operators.cpp.
  /// The operators that the output depends on, without those that compute sizes.
  std::vector<bool> needed_operators() const;
  int code_of(const Operator& op) const;
  void follow(const Operator& op);
  /// Adds nodes for the operator; false: it is unsupported.
  bool translate(const Operator& op, int code, const std::string& to);
  void convolve(const Operator& op, const std::string& to);
  void convolve_transposed(const Operator& op, const std::string& to);
  /// The crop of a transposed convolution along an axis. Checks the output's size.
  TransposedCut cut_of(const Operator& op, size_t axis, int64_t stride, tflite::Padding padding);
  void depth_to_space(const Operator& op, const std::string& to);
  void resize(const Operator& op, bool align_corners, bool half_pixel, bool nearest, const std::string& to);
  void pad(const Operator& op, bool mirror, const std::string& to);
  void activate(tflite::Activation activation, const std::string& from, const std::string& to);
  void clip(const std::string& from, double low, double high, const std::string& to);
  int32_t input(const Operator& op, size_t i) const;
  bool has_input(const Operator& op, size_t i) const;
  /// A picture, or a constant as floats.
  std::string operand(const Operator& op, size_t i);
  template <class Options>
  const Options& options(const Options* found) const {
    if (found == nullptr) refuse("has no options");
    return *found;
  }

  const tflite::Model& model_;
  const tflite::Subgraph& graph_;
  const std::string& source_;
  std::string op_ = "the model", name_ = "main";
  std::map<int32_t, int32_t> origins_;
  std::vector<std::string> notes_;
  size_t elements_ = 0;
  OnnxGraph onnx_;
};

}  // namespace fsrcnn
