#include "network/formats/tensorflow.hpp"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "network/families.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/formats/protobuf.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little, "tensor_content is little endian and is copied as it is");

constexpr auto kTfBytes = kProtobufBytes;

/// A tensor of a node; integers are axes.
struct Constant {
  NamedTensor floats;
  std::vector<int64_t> integers;
};

struct Node {
  std::string name, op;
  std::vector<std::string> inputs;
  std::map<std::string, std::string> attributes;  // strings and numbers; numbers as text
  std::vector<int64_t> strides, dilations;
  Constant value;
};

class GraphDefParser {
 public:
  explicit GraphDefParser(std::string source) : source_(std::move(source)) {}

  std::vector<Node> parse(Bytes bytes) const {
    pbf_reader graph(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::vector<Node> nodes;
    while (graph.next()) {
      if (graph.tag_and_type() != tag(1, kTfBytes)) {
        graph.skip();
        continue;
      }
      nodes.push_back(parse_node(graph.get_message()));
      if (nodes.size() > kMostGraphNodes) fail(ErrorCode::model, "{}: its graph has too many nodes", source_);
    }
    return nodes;
  }

 private:
  Constant parse_tensor(const std::string& name, pbf_reader reader) const {
    NamedTensor tensor{name, {}, {}};
    std::vector<int64_t> integers;
    int64_t type = 0;
    std::string content;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, pbf_wire_type::varint): type = reader.get_int64(); break;
        case tag(2, kTfBytes): {
          pbf_reader shape = reader.get_message();
          while (shape.next()) {
            if (shape.tag_and_type() != tag(2, kTfBytes)) {
              shape.skip();
              continue;
            }
            pbf_reader dim = shape.get_message();
            while (dim.next()) {
              if (dim.tag_and_type() == tag(1, pbf_wire_type::varint)) {
                tensor.shape.push_back(dim.get_int64());
              } else {
                dim.skip();
              }
            }
          }
          break;
        }
        case tag(4, kTfBytes): content = read_string(reader); break;
        case tag(5, pbf_wire_type::fixed32): tensor.values.push_back(reader.get_float()); break;
        case tag(5, kTfBytes):
          for (const float value : reader.get_packed_float()) tensor.values.push_back(value);
          break;
        case tag(7, pbf_wire_type::varint): integers.push_back(reader.get_int32()); break;
        case tag(7, kTfBytes):
          for (const int32_t value : reader.get_packed_int32()) integers.push_back(value);
          break;
        default: reader.skip();
      }
    }
    constexpr int64_t kFloat = 1, kInt32 = 3;  // DataType
    if (type == kInt32 && content.size() % sizeof(int32_t) == 0 && content.size() <= 64) {
      for (size_t at = 0; at < content.size(); at += sizeof(int32_t)) {
        int32_t value = 0;
        std::memcpy(&value, content.data() + at, sizeof(value));
        integers.push_back(value);
      }
    }
    if (type != kFloat) return {{name, {}, {}}, integers};
    const int64_t count = checked_element_count(name, tensor.shape);
    if (!content.empty()) {
      if (content.size() != count * sizeof(float)) {
        fail(ErrorCode::model, "{}: tensor '{}' of shape {} should have {} bytes, but has {}", source_, name,
             to_string(tensor.shape), count * sizeof(float), content.size());
      }
      tensor.values.resize(count);
      std::memcpy(tensor.values.data(), content.data(), content.size());
    }
    // A single value is repeated for all elements.
    if (tensor.values.size() == 1 && count <= int64_t{1} << 20) tensor.values.assign(count, tensor.values[0]);
    if (static_cast<int64_t>(tensor.values.size()) != count) {
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} has {} values", source_, name, to_string(tensor.shape),
           tensor.values.size());
    }
    return {tensor, {}};
  }

  Node parse_node(pbf_reader reader) const {
    Node node;
    std::vector<pbf_reader> attributes;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kTfBytes): node.name = read_string(reader); break;
        case tag(2, kTfBytes): node.op = read_string(reader); break;
        case tag(3, kTfBytes): node.inputs.push_back(read_string(reader)); break;
        case tag(5, kTfBytes): attributes.push_back(reader.get_message()); break;
        default: reader.skip();
      }
    }
    for (pbf_reader& entry : attributes) {
      std::string key;
      pbf_reader value;
      while (entry.next()) {
        if (entry.tag_and_type() == tag(1, kTfBytes)) {
          key = read_string(entry);
        } else if (entry.tag_and_type() == tag(2, kTfBytes)) {
          value = entry.get_message();
        } else {
          entry.skip();
        }
      }
      while (value.next()) {
        switch (value.tag_and_type()) {
          case tag(1, kTfBytes): {  // a list, of which integers matter
            pbf_reader list = value.get_message();
            std::vector<int64_t>& to = key == "strides" ? node.strides : node.dilations;
            while (list.next()) {
              if (list.tag_and_type() == tag(3, kTfBytes)) {
                for (const int64_t i : list.get_packed_int64()) to.push_back(i);
              } else {
                list.skip();
              }
            }
            break;
          }
          case tag(2, kTfBytes): node.attributes[key] = read_string(value); break;
          case tag(3, pbf_wire_type::varint): node.attributes[key] = std::to_string(value.get_int64()); break;
          case tag(8, kTfBytes): node.value = parse_tensor(node.name, value.get_message()); break;
          default: value.skip();
        }
      }
    }
    return node;
  }

  std::string source_;
};

/// Says a graph in ONNX's words. Values keep TensorFlow's order of axes, (N, H, W, C), as ONNX's Transpose makes it.
class Translator {
 public:
  Translator(const std::vector<Node>& nodes, const std::string& source) : nodes_(nodes), source_(source) {}

  OnnxGraph translate() {
    graph_.opset = 13;
    for (const Node& node : nodes_) {
      if (!by_name_.emplace(node.name, &node).second) fail_at(node, "has the same name as another node");
    }
    int64_t channels = 0;
    for (const Node& node : nodes_) {
      if (node.op == "Conv2D" && channels == 0 && node.inputs.size() == 2) {
        const Node* weight = find(node.inputs[1]);
        if (weight != nullptr && weight->value.floats.shape.size() == 4) channels = weight->value.floats.shape[2];
      }
    }
    for (const Node& node : nodes_) {
      if (node.op == "Const") {
        add_constant(node);
      } else if (node.op == "Placeholder") {
        graph_.inputs.push_back({node.name + " (N, C, H, W)", 1, {0, channels, 0, 0}});
        add("Transpose", node.name, {graph_.inputs.back().name}, {order({0, 2, 3, 1})});
      } else {
        follow(node);
      }
    }
    find_output();
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail_at(const Node& node, std::string_view what) const {
    fail(ErrorCode::model, "{}: {} '{}' {}", source_, node.op, node.name, what);
  }
  /// Without the number of an output.
  static std::string plain(const std::string& input) {
    return input.ends_with(":0") ? input.substr(0, input.size() - 2) : input;
  }
  const Node* find(const std::string& input) const {
    const auto found = by_name_.find(plain(input));
    return found == by_name_.end() ? nullptr : found->second;
  }
  static OnnxAttribute order(std::vector<int64_t> axes) {
    OnnxAttribute a{"perm", OnnxAttribute::integers_};
    a.integers = std::move(axes);
    return a;
  }
  void add(const std::string& op, const std::string& name, std::vector<std::string> inputs,
           std::vector<OnnxAttribute> attributes = {}) {
    graph_.nodes.push_back({op, name, "", std::move(inputs), {name}, std::move(attributes)});
  }
  void add_constant(const Node& node) {
    const NamedTensor& from = node.value.floats;
    if (from.values.empty()) return;
    graph_.constants[node.name] = {node.name, from.shape, {from.values.begin(), from.values.end()}, ElementType::f32};
  }

  void add_convolution(const Node& node) {
    const Node* weight = node.inputs.size() == 2 ? find(node.inputs[1]) : nullptr;
    if (weight == nullptr || weight->op != "Const" || weight->value.floats.shape.size() != 4) {
      fail_at(node, "has no constant weight with four axes");
    }
    for (const auto* list : {&node.strides, &node.dilations}) {
      for (const int64_t v : *list) {
        if (v != 1) fail_at(node, "has a stride or dilation other than 1, which is not supported");
      }
    }
    if (attribute(node, "padding") != "SAME" || !is_nhwc(node)) {
      fail_at(node, "must have padding SAME and data_format NHWC");
    }
    const NamedTensor& from = weight->value.floats;
    const auto& s = from.shape;  // HWIO
    OnnxTensor kernel{node.name + " OIHW", {s[3], s[2], s[0], s[1]}, {}, ElementType::f32};
    kernel.values.resize(from.values.size());
    for (int64_t y = 0; y < s[0]; ++y)
      for (int64_t x = 0; x < s[1]; ++x)
        for (int64_t i = 0; i < s[2]; ++i)
          for (int64_t o = 0; o < s[3]; ++o)
            kernel.values[static_cast<size_t>(((o * s[2] + i) * s[0] + y) * s[1] + x)] =
                from.values[static_cast<size_t>(((y * s[1] + x) * s[2] + i) * s[3] + o)];
    if (!graph_.constants.emplace(kernel.name, kernel).second) fail_at(node, "appears twice");
    OnnxAttribute same{"auto_pad", OnnxAttribute::text_};
    same.text = "SAME_UPPER";
    add("Transpose", node.name + " input", {plain(node.inputs[0])}, {order({0, 3, 1, 2})});
    add("Conv", node.name + " output", {node.name + " input", kernel.name}, {same});
    add("Transpose", node.name, {node.name + " output"}, {order({0, 2, 3, 1})});
  }

  static std::string attribute(const Node& node, const char* key) {
    const auto found = node.attributes.find(key);
    return found == node.attributes.end() ? std::string() : found->second;
  }
  static bool is_nhwc(const Node& node) {
    const std::string format = attribute(node, "data_format");
    return format.empty() || format == "NHWC";
  }

  void add_depth_to_space(const Node& node) {
    if (!is_nhwc(node)) fail_at(node, "must have data_format NHWC");
    OnnxAttribute block{"blocksize", OnnxAttribute::integer_}, mode{"mode", OnnxAttribute::text_};
    block.integer = std::atoll(attribute(node, "block_size").c_str());
    mode.text = "DCR";
    add("Transpose", node.name + " input", {plain(node.inputs[0])}, {order({0, 3, 1, 2})});
    add("DepthToSpace", node.name + " output", {node.name + " input"}, {block, mode});
    add("Transpose", node.name, {node.name + " output"}, {order({0, 2, 3, 1})});
  }

  /// If the node is Relu(x) + alpha * (x - |x|) * 0.5 with its factors in any order: x and alpha.
  bool add_prelu(const Node& node) {
    for (const size_t side : {0, 1}) {
      const Node* relu = find(node.inputs[side]);
      if (relu == nullptr || relu->op != "Relu" || relu->inputs.empty()) continue;
      const std::string x = plain(relu->inputs[0]);
      const Node* alpha = nullptr;
      const Node* difference = find(node.inputs[1 - side]);
      bool half = false;
      for (int factors = 0; factors < 2 && difference != nullptr && difference->op == "Mul"; ++factors) {
        if (difference->inputs.size() != 2) return false;
        const Node *a = find(difference->inputs[0]), *b = find(difference->inputs[1]);
        if (a == nullptr || b == nullptr) return false;
        const Node* factor = a->op == "Const" ? a : b->op == "Const" ? b : nullptr;
        if (factor == nullptr) return false;
        const std::vector<float>& values = factor->value.floats.values;
        if (!half && values.size() == 1 && values[0] == 0.5F && (alpha != nullptr || factors == 0)) {
          half = true;
        } else if (alpha == nullptr) {
          alpha = factor;
        } else {
          return false;
        }
        difference = factor == a ? b : a;
      }
      if (difference == nullptr || difference->op != "Sub" || difference->inputs.size() != 2 || alpha == nullptr ||
          !half || plain(difference->inputs[0]) != x) {
        continue;
      }
      const Node* magnitude = find(difference->inputs[1]);
      if (magnitude == nullptr || magnitude->op != "Abs" || magnitude->inputs.empty() ||
          plain(magnitude->inputs[0]) != x) {
        continue;
      }
      add("PRelu", node.name, {x, alpha->name});
      return true;
    }
    return false;
  }

  void follow(const Node& node) {
    std::vector<std::string> inputs;
    for (const std::string& input : node.inputs) {
      if (!input.starts_with('^')) inputs.push_back(plain(input));
    }
    const bool adds = node.op == "Add" || node.op == "AddV2";
    if (inputs.size() < (adds || node.op == "Sub" || node.op == "Mul" || node.op == "BiasAdd" ? 2 : 1)) {
      fail_at(node, "has too few inputs");
    }
    if (node.op == "Conv2D") return add_convolution(node);
    if (node.op == "DepthToSpace") return add_depth_to_space(node);
    if (adds && node.inputs.size() == 2 && add_prelu(node)) return;
    if (adds) return add("Add", node.name, inputs);
    if (node.op == "BiasAdd") {
      if (!is_nhwc(node)) fail_at(node, "must have data_format NHWC");
      return add("Add", node.name, inputs);
    }
    if (node.op == "Transpose") {
      const Node* axes = inputs.size() == 2 ? find(inputs[1]) : nullptr;
      if (axes == nullptr || axes->value.integers.size() != 4) fail_at(node, "has no constant order of four axes");
      return add("Transpose", node.name, {inputs[0]}, {order(axes->value.integers)});
    }
    // The others bear the same names, or are refused if the output depends on them.
    add(node.op, node.name, inputs);
  }

  /// What no other node reads.
  void find_output() {
    std::map<std::string, int> reads;
    for (const OnnxNode& node : graph_.nodes) {
      for (const std::string& input : node.inputs) ++reads[input];
    }
    for (const OnnxNode& node : graph_.nodes) {
      const Node* own = find(node.outputs[0]);
      const bool part_of_prelu =
          own != nullptr && (own->op == "Relu" || own->op == "Mul" || own->op == "Sub" || own->op == "Abs");
      if (!reads.contains(node.outputs[0]) && !part_of_prelu) graph_.outputs.push_back(node.outputs[0]);
    }
  }

  const std::vector<Node>& nodes_;
  const std::string& source_;
  std::map<std::string, const Node*> by_name_;
  OnnxGraph graph_;
};

}  // namespace

TransposedCut same_cut(int64_t kernel, int64_t stride) {
  if (kernel < stride) return {0, 0, stride - kernel};
  const int64_t before = (kernel - stride) / 2;
  return {before, kernel - stride - before, 0};
}

bool looks_like_tensorflow(Bytes bytes) {
  // A node (field 1), whose first field is its name (1 again).
  if (bytes.size() < 8 || bytes[0] != std::byte{0x0a}) return false;
  size_t at = 1;
  while (at < 6 && (bytes[at] & std::byte{0x80}) != std::byte{0}) ++at;
  return bytes[at + 1] == std::byte{0x0a};
}

Network parse_tensorflow(Bytes bytes, const std::string& source) {
  try {
    const std::vector<Node> nodes = GraphDefParser(source).parse(bytes);
    Network network = OnnxReader(Translator(nodes, source).translate(), source).read();
    name_layers(network);
    check_network(network, source);
    return network;
  } catch (const protozero::exception& e) {
    fail(ErrorCode::model, "{}: not a readable TensorFlow graph: {}", source, e.what());
  }
}

}  // namespace fsrcnn
