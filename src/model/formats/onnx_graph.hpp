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
#include "model/state_dict.hpp"

namespace fsrcnn {

// ONNX's messages (onnx.proto), as far as an FSRCNN needs them.

enum class OnnxType : int64_t { float32 = 1, int64 = 7 };  // TensorProto.DataType

/// A tensor of floats or of integers.
struct OnnxTensor {
  NamedTensor floats;
  std::vector<int64_t> integers;
};

/// Of a node.
struct OnnxAttribute {
  std::string name, text;
  float number = 0;
  int64_t integer = 0;
  std::vector<int64_t> integers;
  std::vector<float> floats;
  std::optional<OnnxTensor> tensor;
};

struct OnnxNode {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxAttribute> attributes;

  const OnnxAttribute* find(std::string_view wanted) const {
    const auto found =
        std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.name == wanted; });
    return found == attributes.end() ? nullptr : &*found;
  }
};

struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::map<std::string, OnnxTensor> constants;
  std::vector<std::string> inputs;
  std::map<std::string, std::string> metadata;
};

/// The bytes of a file that lies beside the model and holds values of its tensors (external_data). Throws Error if the
/// name is no plain file name, or there is no such file.
using ReadBeside = std::function<std::vector<std::byte>(const std::string& name)>;

/// Reads a ModelProto. `source` names the file in messages. Throws Error(model), and what read_beside throws.
OnnxGraph parse_onnx_graph(Bytes bytes, const std::string& source, const ReadBeside& read_beside);

}  // namespace fsrcnn
