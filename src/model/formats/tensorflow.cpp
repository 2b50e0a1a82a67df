#include "model/formats/tensorflow.hpp"

#include <bit>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "model/formats/layer_chain.hpp"
#include "model/formats/protobuf.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little, "tensor_content is little endian and is copied as it is");

constexpr auto kBytes = kProtobufBytes;

struct Node {
  std::string name, op;
  std::vector<std::string> inputs;
  std::map<std::string, std::string> attributes;  // strings and numbers; numbers as text
  std::vector<int64_t> strides, dilations;
  NamedTensor value;
};

class Parser {
 public:
  explicit Parser(std::string source) : source_(std::move(source)) {}

  StateDict parse(Bytes bytes) {
    pbf_reader graph(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::vector<Node> nodes;
    while (graph.next()) {
      if (graph.tag_and_type() != tag(1, kBytes)) {
        graph.skip();
        continue;
      }
      nodes.push_back(parse_node(graph.get_message()));
      if (nodes.size() > kMostGraphNodes) fail(ErrorCode::model, "{}: its graph has too many nodes", source_);
    }
    for (Node& node : nodes) {
      if (node.op == "Const") constants_[node.name] = std::move(node.value);
    }
    for (const Node& node : nodes) follow(node);
    if (chain_.scale == 0) fail(ErrorCode::model, "{}: its graph has no DepthToSpace at its end", source_);
    return to_state_dict(chain_, source_);
  }

 private:
  NamedTensor parse_tensor(const std::string& name, pbf_reader reader) const {
    NamedTensor tensor{name, {}, {}};
    int64_t type = 0;
    std::string content;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, pbf_wire_type::varint): type = reader.get_int64(); break;
        case tag(2, kBytes): {
          pbf_reader shape = reader.get_message();
          while (shape.next()) {
            if (shape.tag_and_type() != tag(2, kBytes)) {
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
        case tag(4, kBytes): content = read_string(reader); break;
        case tag(5, pbf_wire_type::fixed32): tensor.values.push_back(reader.get_float()); break;
        case tag(5, kBytes):
          for (const float value : reader.get_packed_float()) tensor.values.push_back(value);
          break;
        default: reader.skip();
      }
    }
    constexpr int64_t kFloat = 1;  // DT_FLOAT; others hold axes and sizes
    if (type != kFloat) return {name, {}, {}};
    const int64_t count = checked_element_count(name, tensor.shape);
    if (!content.empty()) {
      if (content.size() != count * sizeof(float)) {
        fail(ErrorCode::model, "{}: tensor '{}' of shape {} should have {} bytes, but has {}", source_, name,
             to_string(tensor.shape), count * sizeof(float), content.size());
      }
      tensor.values.resize(count);
      std::memcpy(tensor.values.data(), content.data(), content.size());
    }
    // One value may stand for all.
    if (tensor.values.size() == 1 && count <= int64_t{1} << 20) tensor.values.assign(count, tensor.values[0]);
    if (static_cast<int64_t>(tensor.values.size()) != count) {
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} has {} values", source_, name, to_string(tensor.shape),
           tensor.values.size());
    }
    return tensor;
  }

  Node parse_node(pbf_reader reader) const {
    Node node;
    std::vector<pbf_reader> attributes;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): node.name = read_string(reader); break;
        case tag(2, kBytes): node.op = read_string(reader); break;
        case tag(3, kBytes): node.inputs.push_back(read_string(reader)); break;
        case tag(5, kBytes): attributes.push_back(reader.get_message()); break;
        default: reader.skip();
      }
    }
    for (pbf_reader& entry : attributes) {
      std::string key;
      pbf_reader value;
      while (entry.next()) {
        if (entry.tag_and_type() == tag(1, kBytes)) {
          key = read_string(entry);
        } else if (entry.tag_and_type() == tag(2, kBytes)) {
          value = entry.get_message();
        } else {
          entry.skip();
        }
      }
      while (value.next()) {
        switch (value.tag_and_type()) {
          case tag(1, kBytes): {  // a list, of which integers matter
            pbf_reader list = value.get_message();
            std::vector<int64_t>& to = key == "strides" ? node.strides : node.dilations;
            while (list.next()) {
              if (list.tag_and_type() == tag(3, kBytes)) {
                for (const int64_t i : list.get_packed_int64()) to.push_back(i);
              } else {
                list.skip();
              }
            }
            break;
          }
          case tag(2, kBytes): node.attributes[key] = read_string(value); break;
          case tag(3, pbf_wire_type::varint): node.attributes[key] = std::to_string(value.get_int64()); break;
          case tag(8, kBytes): node.value = parse_tensor(node.name, value.get_message()); break;
          default: value.skip();
        }
      }
    }
    return node;
  }

  [[noreturn]] void fail_at(const Node& node, std::string_view what) const {
    fail(ErrorCode::model, "{}: {} '{}' {}", source_, node.op, node.name, what);
  }

  /// The constant among a node's two inputs; nullptr: there is none.
  const NamedTensor* constant_of(const Node& node) const {
    for (const std::string& input : node.inputs) {
      const auto found = constants_.find(input);
      if (found != constants_.end()) return &found->second;
    }
    return nullptr;
  }

  void add_convolution(const Node& node) {
    const NamedTensor* weight = constant_of(node);
    if (weight == nullptr || weight->shape.size() != 4) fail_at(node, "has no constant weight of four axes");
    const auto attribute = [&](const char* key) {
      const auto found = node.attributes.find(key);
      return found == node.attributes.end() ? std::string() : found->second;
    };
    for (const auto* list : {&node.strides, &node.dilations}) {
      for (const int64_t v : *list) {
        if (v != 1) fail_at(node, "has a stride or dilation other than 1, which no FSRCNN has");
      }
    }
    if (attribute("padding") != "SAME" || (attribute("data_format") != "NHWC" && !attribute("data_format").empty())) {
      fail_at(node, "must have padding SAME and data_format NHWC");
    }
    const auto& s = weight->shape;  // HWIO
    ChainLayer layer{node.name, {node.name, {s[3], s[2], s[0], s[1]}, {}}};
    layer.weight.values.resize(weight->values.size());
    for (int64_t y = 0; y < s[0]; ++y)
      for (int64_t x = 0; x < s[1]; ++x)
        for (int64_t i = 0; i < s[2]; ++i)
          for (int64_t o = 0; o < s[3]; ++o)
            layer.weight.values[((o * s[2] + i) * s[0] + y) * s[1] + x] =
                weight->values[((y * s[1] + x) * s[2] + i) * s[3] + o];
    chain_.layers.push_back(std::move(layer));
  }

  void follow(const Node& node) {
    if (node.op == "Const" || node.op == "Placeholder" || node.op == "Identity" || node.op == "Abs" ||
        node.op == "Sub" || node.op == "Transpose") {
      return;
    }
    if (node.op == "Conv2D") return add_convolution(node);
    if (chain_.layers.empty()) fail_at(node, "comes before all convolutions");
    ChainLayer& layer = chain_.layers.back();
    const NamedTensor* constant = constant_of(node);
    if (node.op == "Add" || node.op == "AddV2" || node.op == "BiasAdd") {
      if (constant == nullptr) return;  // PReLU's two parts
      if (!layer.bias.empty()) fail_at(node, "is a second bias of one layer");
      layer.bias = constant->values;
    } else if (node.op == "Mul") {
      // alpha * (x - |x|), then half of it.
      if (constant == nullptr) fail_at(node, "has no constant");
      const bool is_half = constant->values.size() == 1 && constant->values[0] == 0.5F;
      if (is_half && !layer.slope.empty()) return;
      if (!layer.slope.empty()) fail_at(node, "is no part of a PReLU: Relu(x) + alpha * (x - |x|) * 0.5");
      layer.slope = constant->values;
      prelu_ = true;
    } else if (node.op == "Relu") {
      if (layer.slope.empty() && !prelu_) fail_at(node, "is no part of a PReLU: Relu(x) + alpha * (x - |x|) * 0.5");
    } else if (node.op == "DepthToSpace") {
      const auto block = node.attributes.find("block_size");
      chain_.scale = block == node.attributes.end() ? 0 : std::atoll(block->second.c_str());
    } else {
      fail_at(node, "is none of FSRCNN's");
    }
  }

  std::string source_;
  std::map<std::string, NamedTensor> constants_;
  LayerChain chain_;
  bool prelu_ = false;
};

}  // namespace

bool looks_like_tensorflow(Bytes bytes) {
  // A node (field 1), whose first field is its name (1 again).
  if (bytes.size() < 8 || bytes[0] != std::byte{0x0a}) return false;
  size_t at = 1;
  while (at < 6 && (bytes[at] & std::byte{0x80}) != std::byte{0}) ++at;
  return bytes[at + 1] == std::byte{0x0a};
}

StateDict parse_tensorflow(Bytes bytes, const std::string& source) {
  try {
    return Parser(source).parse(bytes);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::model, "{}: not a readable TensorFlow graph: {}", source, e.what());
  }
}

}  // namespace fsrcnn
