#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "network/element_type.hpp"

namespace fsrcnn {

// ONNX's messages (onnx.proto), as far as networks of pictures need them.

/// Of any type. Integers of more than 53 bits, which no weight has, are rounded.
struct OnnxTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<double> values;
  ElementType type = ElementType::f32;
};

/// Of a node. `type` is AttributeProto's, which tells the member that holds the value.
struct OnnxAttribute {
  enum Type { none = 0, number_ = 1, integer_ = 2, text_ = 3, tensor_ = 4, numbers_ = 6, integers_ = 7 };
  std::string name;
  int64_t type = none;
  float number = 0;
  int64_t integer = 0;
  std::string text = {};
  std::optional<OnnxTensor> tensor = {};
  std::vector<float> numbers = {};
  std::vector<int64_t> integers = {};
};

struct OnnxNode {
  std::string op, name, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxAttribute> attributes;
};

/// The type of a graph's input: an extent is a number, or 0: it differs from picture to picture.
struct OnnxInput {
  std::string name;
  int64_t type = 0;  ///< TensorProto.DataType
  std::vector<int64_t> shape;
};

struct OnnxGraph {
  int64_t opset = 0;
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxTensor> constants;
  std::vector<OnnxInput> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, std::string> metadata;
  /// For integer graphs: every ReLU is in the graph; zero points do not replace any.
  bool has_all_activations = false;
};

/// Reads a file in the model's folder with external_data of its tensors. Throws Error if the name is not a plain file
/// name, or there is no such file.
using ReadBeside = std::function<std::vector<std::byte>(const std::string& name)>;

/// Reads a ModelProto. `source` names the file in messages. Throws Error(model), and what read_beside throws.
OnnxGraph parse_onnx_graph(Bytes bytes, const std::string& source, const ReadBeside& read_beside);

/// TensorProto.DataType of ElementType; empty: of a type that is not supported.
std::optional<ElementType> onnx_element_type(int64_t type);
bool is_onnx_float(int64_t type);

}  // namespace fsrcnn
