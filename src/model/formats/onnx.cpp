#include "model/formats/onnx.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/error.hpp"
#include "model/formats/layer_chain.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::pbf_writer;

static_assert(std::endian::native == std::endian::little, "raw_data is little endian and is copied as it is");

constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr uint32_t tag(uint32_t field, pbf_wire_type type) { return protozero::tag_and_type(field, type); }

constexpr int64_t kFloat = 1, kInt64 = 7;  // TensorProto.DataType
constexpr size_t kMostNodes = 10000;

/// A field of repeated numbers, packed or one at a time.
void read_ints(pbf_reader& reader, std::vector<int64_t>& values) {
  if (reader.wire_type() == pbf_wire_type::varint) {
    values.push_back(reader.get_int64());
    return;
  }
  for (const int64_t value : reader.get_packed_int64()) values.push_back(value);
}
void read_floats(pbf_reader& reader, std::vector<float>& values) {
  if (reader.wire_type() == pbf_wire_type::fixed32) {
    values.push_back(reader.get_float());
    return;
  }
  for (const float value : reader.get_packed_float()) values.push_back(value);
}

std::string read_string(pbf_reader& reader) {
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

/// A tensor of floats or of integers.
struct OnnxTensor {
  NamedTensor floats;
  std::vector<int64_t> integers;
};

struct Attribute {
  std::string name, text;
  float number = 0;
  int64_t integer = 0;
  std::vector<int64_t> integers;
  std::vector<float> floats;
  std::optional<OnnxTensor> tensor;
};

struct Node {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;

  const Attribute* find(std::string_view wanted) const {
    const auto found =
        std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.name == wanted; });
    return found == attributes.end() ? nullptr : &*found;
  }
};

class Parser {
 public:
  explicit Parser(std::string source) : source_(std::move(source)) {}

  StateDict parse(Bytes bytes) {
    pbf_reader model(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::map<std::string, std::string> metadata;
    bool has_graph = false;
    while (model.next()) {
      if (model.tag_and_type() == tag(7, kBytes)) {
        parse_graph(model.get_message());
        has_graph = true;
      } else if (model.tag_and_type() == tag(14, kBytes)) {
        pbf_reader entry = model.get_message();
        std::string key, value;
        while (entry.next()) {
          if (entry.tag_and_type() == tag(1, kBytes)) {
            key = read_string(entry);
          } else if (entry.tag_and_type() == tag(2, kBytes)) {
            value = read_string(entry);
          } else {
            entry.skip();
          }
        }
        metadata[key] = value;
      } else {
        model.skip();
      }
    }
    if (!has_graph) fail(ErrorCode::model, "{}: not a readable ONNX model: there is no graph in it", source_);
    StateDict state_dict = to_state_dict(walk(), source_);
    for (const auto& [key, value] : metadata) state_dict.metadata.try_emplace(key, value);
    return state_dict;
  }

 private:
  OnnxTensor parse_tensor(pbf_reader reader) const {
    OnnxTensor tensor;
    int64_t type = 0;
    bool external = false;
    std::string raw;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, pbf_wire_type::varint):
        case tag(1, kBytes): read_ints(reader, tensor.floats.shape); break;
        case tag(2, pbf_wire_type::varint): type = reader.get_int64(); break;
        case tag(4, pbf_wire_type::fixed32):
        case tag(4, kBytes): read_floats(reader, tensor.floats.values); break;
        case tag(7, pbf_wire_type::varint):
        case tag(7, kBytes): read_ints(reader, tensor.integers); break;
        case tag(8, kBytes): tensor.floats.name = read_string(reader); break;
        case tag(9, kBytes): raw = read_string(reader); break;
        case tag(14, pbf_wire_type::varint): external = reader.get_int64() == 1; break;
        default: reader.skip();
      }
    }
    const std::string& name = tensor.floats.name;
    if (external) {
      fail(ErrorCode::model, "{}: tensor '{}' lies in another file; export the model into one file", source_, name);
    }
    const int64_t count = checked_element_count(name, tensor.floats.shape);
    const auto check = [&](size_t got, size_t element) {
      if (got != static_cast<size_t>(count) * element) {
        fail(ErrorCode::model, "{}: tensor '{}' of shape {} should have {} bytes, but has {}", source_, name,
             to_string(tensor.floats.shape), static_cast<size_t>(count) * element, got);
      }
    };
    if (type == kFloat) {
      if (!raw.empty()) {
        check(raw.size(), sizeof(float));
        tensor.floats.values.resize(count);
        std::memcpy(tensor.floats.values.data(), raw.data(), raw.size());
      }
      check(tensor.floats.values.size() * sizeof(float), sizeof(float));
    } else if (type == kInt64 && !raw.empty()) {
      check(raw.size(), sizeof(int64_t));
      tensor.integers.resize(count);
      std::memcpy(tensor.integers.data(), raw.data(), raw.size());
    }
    return tensor;
  }

  Attribute parse_attribute(pbf_reader reader) const {
    Attribute a;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): a.name = read_string(reader); break;
        case tag(2, pbf_wire_type::fixed32): a.number = reader.get_float(); break;
        case tag(3, pbf_wire_type::varint): a.integer = reader.get_int64(); break;
        case tag(4, kBytes): a.text = read_string(reader); break;
        case tag(5, kBytes): a.tensor = parse_tensor(reader.get_message()); break;
        case tag(7, pbf_wire_type::fixed32):
        case tag(7, kBytes): read_floats(reader, a.floats); break;
        case tag(8, pbf_wire_type::varint):
        case tag(8, kBytes): read_ints(reader, a.integers); break;
        default: reader.skip();
      }
    }
    return a;
  }

  Node parse_node(pbf_reader reader) const {
    Node node;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): node.inputs.push_back(read_string(reader)); break;
        case tag(2, kBytes): node.outputs.push_back(read_string(reader)); break;
        case tag(3, kBytes): node.name = read_string(reader); break;
        case tag(4, kBytes): node.op = read_string(reader); break;
        case tag(5, kBytes): node.attributes.push_back(parse_attribute(reader.get_message())); break;
        default: reader.skip();
      }
    }
    return node;
  }

  void parse_graph(pbf_reader reader) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes):
          nodes_.push_back(parse_node(reader.get_message()));
          if (nodes_.size() > kMostNodes) fail(ErrorCode::model, "{}: its graph has too many nodes", source_);
          break;
        case tag(5, kBytes): {
          OnnxTensor tensor = parse_tensor(reader.get_message());
          const std::string name = tensor.floats.name;
          constants_[name] = std::move(tensor);
          break;
        }
        case tag(11, kBytes): {
          pbf_reader input = reader.get_message();
          while (input.next()) {
            if (input.tag_and_type() == tag(1, kBytes)) {
              inputs_.push_back(read_string(input));
            } else {
              input.skip();
            }
          }
          break;
        }
        default: reader.skip();
      }
    }
  }

  const OnnxTensor& constant(const Node& node, size_t index) const {
    const std::string name = index < node.inputs.size() ? node.inputs[index] : "";
    const auto found = constants_.find(name);
    if (found == constants_.end()) {
      fail(ErrorCode::model, "{}: input {} of {} '{}' ('{}') is no constant", source_, index, node.op, node.name, name);
    }
    return found->second;
  }
  bool has_input(const Node& node, size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].empty();
  }

  void check_all(const Node& node, const char* attribute, int64_t expected) const {
    const Attribute* a = node.find(attribute);
    if (a != nullptr && std::any_of(a->integers.begin(), a->integers.end(), [&](auto v) { return v != expected; })) {
      fail(ErrorCode::model, "{}: {} '{}' has {} other than {}, which no FSRCNN has", source_, node.op, node.name,
           attribute, expected);
    }
  }

  void add_convolution(const Node& node, LayerChain& chain) {
    ChainLayer layer{node.name.empty() ? node.op : node.name, constant(node, 1).floats, node.op == "ConvTranspose"};
    if (has_input(node, 2)) layer.bias = constant(node, 2).floats.values;
    check_all(node, "dilations", 1);
    const Attribute* group = node.find("group");
    if (group != nullptr && group->integer != 1) {
      fail(ErrorCode::model, "{}: {} '{}' has {} groups, which no FSRCNN has", source_, node.op, node.name,
           group->integer);
    }
    const auto& shape = layer.weight.shape;
    const int64_t k = shape.size() == 4 ? shape[2] : 0;
    const Attribute* strides = node.find("strides");
    const Attribute* pads = node.find("pads");
    const int64_t stride = strides == nullptr || strides->integers.empty() ? 1 : strides->integers[0];
    check_all(node, "strides", stride);
    const Attribute* automatic = node.find("auto_pad");
    if (automatic != nullptr && automatic->text != "NOTSET" && automatic->text != "SAME_UPPER") {
      fail(ErrorCode::model, "{}: {} '{}' has auto_pad {}", source_, node.op, node.name, automatic->text);
    }
    const std::vector<int64_t> padding =
        pads == nullptr ? std::vector<int64_t>(4, automatic != nullptr && automatic->text == "SAME_UPPER" ? k / 2 : 0)
                        : pads->integers;
    if (layer.transposed) {
      chain.scale = stride;
      check_all(node, "output_padding", stride - 1);
      if (padding != std::vector<int64_t>(4, 4) || (stride > 1 && node.find("output_padding") == nullptr)) {
        fail(ErrorCode::model,
             "{}: ConvTranspose '{}' must have pads 4 and output_padding stride - 1, which makes the output `stride` "
             "times the input",
             source_, node.name);
      }
    } else {
      // Either it pads by itself, with zeros, or a Pad before it did.
      const std::vector<int64_t> half(4, k / 2);
      const bool by_pad = padded_by_ > 0;
      if (stride != 1 || (by_pad ? padded_by_ != k / 2 || padding != std::vector<int64_t>(4, 0) : padding != half)) {
        fail(ErrorCode::model, "{}: Conv '{}' of kernel {} must have stride 1 and pads {}", source_, node.name, k,
             k / 2);
      }
      padded_by_ = 0;
    }
    chain.layers.push_back(std::move(layer));
  }

  void add_pad(const Node& node, LayerChain& chain) {
    const Attribute* mode = node.find("mode");
    std::vector<int64_t> pads;
    if (const Attribute* a = node.find("pads")) {
      pads = a->integers;
    } else if (has_input(node, 1)) {
      pads = constant(node, 1).integers;
    }
    // (N, C, H, W) at the beginning, then at the end.
    const bool square = pads.size() == 8 && pads[0] == 0 && pads[1] == 0 && pads[4] == 0 && pads[5] == 0 &&
                        pads[2] >= 0 && pads[3] == pads[2] && pads[6] == pads[2] && pads[7] == pads[2];
    if (!square || (mode != nullptr && mode->text != "edge" && mode->text != "constant")) {
      fail(ErrorCode::model, "{}: Pad '{}' must pad height and width alike, with its edges or with zeros", source_,
           node.name);
    }
    if (mode != nullptr && mode->text == "edge") chain.padding_mode = PaddingMode::replicate;
    padded_by_ = pads[2];
  }

  void add_activation(const Node& node, LayerChain& chain) const {
    if (chain.layers.empty()) fail(ErrorCode::model, "{}: {} '{}' precedes all layers", source_, node.op, node.name);
    std::vector<float>& slope = chain.layers.back().slope;
    if (!slope.empty()) {
      fail(ErrorCode::model, "{}: two activations follow '{}'", source_, chain.layers.back().name);
    }
    if (node.op == "PRelu") {
      slope = constant(node, 1).floats.values;
    } else {
      const Attribute* alpha = node.find("alpha");
      slope = {node.op == "Relu" ? 0.0F : alpha == nullptr ? 0.01F : alpha->number};
    }
  }

  /// The few operators that an exporter computes the margins of a Pad with, on constants. True if this is one.
  bool fold(const Node& node) {
    if (node.outputs.empty() || node.inputs.empty() ||
        !std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](const auto& input) { return constants_.contains(input); })) {
      return false;
    }
    OnnxTensor result = constants_[node.inputs[0]];
    std::vector<int64_t>&values = result.integers, &shape = result.floats.shape;
    const auto count = static_cast<int64_t>(values.size());
    if (node.op == "ConstantOfShape") {
      // Its value is 0 where exporters use it.
      const int64_t size = values.size() == 1 ? values[0] : -1;
      if (size < 0 || size > 64) return false;
      values.assign(size, 0);
      shape = {size};
    } else if (node.op == "Concat") {
      values.clear();
      for (const std::string& input : node.inputs) {
        const std::vector<int64_t>& more = constants_[input].integers;
        values.insert(values.end(), more.begin(), more.end());
        if (values.size() > 64) return false;
      }
      shape = {static_cast<int64_t>(values.size())};
    } else if (node.op == "Reshape" && node.inputs.size() == 2) {
      const std::vector<int64_t>& wanted = constants_[node.inputs[1]].integers;
      if (wanted.size() == 1) {
        shape = {count};
      } else if (wanted.size() == 2 && wanted[1] > 0 && count % wanted[1] == 0) {
        shape = {count / wanted[1], wanted[1]};
      } else {
        return false;
      }
    } else if (node.op == "Slice" && node.inputs.size() == 5 && shape.size() == 2 && shape[0] * shape[1] == count) {
      // Rows from the last to the first.
      if (constants_[node.inputs[4]].integers != std::vector<int64_t>{-1}) return false;
      for (int64_t row = 0; row < shape[0] / 2; ++row) {
        std::swap_ranges(values.begin() + row * shape[1], values.begin() + (row + 1) * shape[1],
                         values.begin() + (shape[0] - 1 - row) * shape[1]);
      }
    } else if (node.op == "Transpose" && shape.size() == 2 && shape[0] * shape[1] == count) {
      const std::vector<int64_t> from = values;
      for (int64_t i = 0; i < count; ++i) values[i % shape[1] * shape[0] + i / shape[1]] = from[i];
      std::swap(shape[0], shape[1]);
    } else if (node.op != "Cast" && node.op != "Identity") {
      return false;
    }
    constants_[node.outputs[0]] = std::move(result);
    return true;
  }

  /// Follows the picture from node to node.
  LayerChain walk() {
    LayerChain chain;
    std::string current;
    for (const std::string& input : inputs_) {
      if (!constants_.contains(input)) current = input;
    }
    for (const Node& node : nodes_) {
      if (node.op == "Constant") {
        const Attribute* value = node.find("value");
        OnnxTensor tensor = value != nullptr && value->tensor ? *value->tensor : OnnxTensor{};
        if (const Attribute* ints = node.find("value_ints")) tensor.integers = ints->integers;
        if (!node.outputs.empty()) constants_[node.outputs[0]] = std::move(tensor);
        continue;
      }
      if (fold(node)) continue;
      if (node.inputs.empty() || node.outputs.empty() || node.inputs[0] != current) {
        fail(ErrorCode::model, "{}: {} '{}' does not read what the node before it wrote; expected are layers in a row",
             source_, node.op, node.name);
      }
      current = node.outputs[0];
      if (node.op == "Conv" || node.op == "ConvTranspose") {
        add_convolution(node, chain);
      } else if (node.op == "PRelu" || node.op == "Relu" || node.op == "LeakyRelu") {
        add_activation(node, chain);
      } else if (node.op == "Pad") {
        add_pad(node, chain);
      } else if (node.op == "DepthToSpace") {
        const Attribute* block = node.find("blocksize");
        chain.scale = block == nullptr ? 0 : block->integer;
      } else if (node.op != "Clip" && node.op != "Identity") {
        fail(ErrorCode::model, "{}: its graph has a {} ('{}'), which no FSRCNN has", source_, node.op, node.name);
      }
    }
    return chain;
  }

  std::string source_;
  std::map<std::string, OnnxTensor> constants_;
  std::vector<Node> nodes_;
  std::vector<std::string> inputs_;
  int64_t padded_by_ = 0;
};

// Writing.

void add_attribute(pbf_writer& node, const char* name, int64_t type, const std::function<void(pbf_writer&)>& put) {
  pbf_writer attribute(node, 5);
  attribute.add_string(1, name);
  put(attribute);
  attribute.add_enum(20, static_cast<int32_t>(type));
}
void add_ints(pbf_writer& node, const char* name, const std::vector<int64_t>& values) {
  add_attribute(node, name, 7, [&](pbf_writer& a) {
    for (const int64_t v : values) a.add_int64(8, v);
  });
}

void add_tensor(pbf_writer& graph, const std::string& name, const std::vector<int64_t>& shape, int64_t type,
                Bytes raw) {
  pbf_writer tensor(graph, 5);
  for (const int64_t extent : shape) tensor.add_int64(1, extent);
  tensor.add_int32(2, static_cast<int32_t>(type));
  tensor.add_string(8, name);
  tensor.add_bytes(9, reinterpret_cast<const char*>(raw.data()), raw.size());
}

/// A picture of one channel, of any size.
void add_value(pbf_writer& graph, uint32_t field, const std::string& name) {
  pbf_writer value(graph, field);
  value.add_string(1, name);
  pbf_writer type(value, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(kFloat));
  pbf_writer shape(tensor, 2);
  for (const char* dimension :
       {"batch", "", (field == 11 ? "height" : "output_height"), (field == 11 ? "width" : "output_width")}) {
    pbf_writer dim(shape, 1);
    if (*dimension == 0) {
      dim.add_int64(1, 1);
    } else {
      dim.add_string(2, dimension);
    }
  }
}

}  // namespace

bool looks_like_onnx(Bytes bytes) {
  // ir_version, field 1, a small number; then a producer, an opset or the graph.
  return bytes.size() > 4 && bytes[0] == std::byte{0x08} && bytes[1] > std::byte{2} && bytes[1] < std::byte{32} &&
         (bytes[2] == std::byte{0x12} || bytes[2] == std::byte{0x3a} || bytes[2] == std::byte{0x42});
}

StateDict parse_onnx(Bytes bytes, const std::string& source) {
  try {
    return Parser(source).parse(bytes);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::model, "{}: not a readable ONNX model: {}", source, e.what());
  }
}

std::vector<std::byte> format_onnx(const Model& model) {
  std::string nodes_and_tensors;
  pbf_writer graph(nodes_and_tensors);
  std::string current = "input";
  const auto add_node = [&](const char* op, const std::string& name, const std::vector<std::string>& more,
                            const std::function<void(pbf_writer&)>& attributes) {
    pbf_writer node(graph, 1);
    node.add_string(1, current);
    for (const std::string& input : more) node.add_string(1, input);
    current = name;
    node.add_string(2, name);
    node.add_string(3, name);
    node.add_string(4, op);
    attributes(node);
  };
  const bool replicates = model.padding_mode == PaddingMode::replicate;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const bool tail = i + 1 == model.layers.size(), deconvolution = tail && model.tail == Tail::deconvolution;
    const int64_t p = deconvolution ? 4 : layer.padding();
    const Shape w = layer.weight.shape();
    if (replicates && !deconvolution && p > 0) {
      const std::vector<int64_t> pads = {0, 0, p, p, 0, 0, p, p};
      add_tensor(graph, layer.key + ".pads", {8}, kInt64, std::as_bytes(std::span(pads)));
      add_node("Pad", layer.key + ".padded", {layer.key + ".pads"}, [&](pbf_writer& node) {
        add_attribute(node, "mode", 3, [](pbf_writer& a) { a.add_string(4, "edge"); });
      });
    }
    add_tensor(graph, layer.key + ".weight", {w.n, w.c, w.h, w.w}, kFloat,
               std::as_bytes(std::span(layer.weight.values())));
    std::vector<std::string> inputs = {layer.key + ".weight"};
    if (!layer.bias.empty()) {
      add_tensor(graph, layer.key + ".bias", {static_cast<int64_t>(layer.bias.size())}, kFloat,
                 std::as_bytes(std::span(layer.bias)));
      inputs.push_back(layer.key + ".bias");
    }
    add_node(deconvolution ? "ConvTranspose" : "Conv", layer.key + ".output", inputs, [&](pbf_writer& node) {
      const int64_t pad = replicates && !deconvolution ? 0 : p;
      add_ints(node, "kernel_shape", {w.h, w.w});
      add_ints(node, "pads", {pad, pad, pad, pad});
      if (!deconvolution) return;
      add_ints(node, "strides", {model.scale, model.scale});
      add_ints(node, "output_padding", {model.scale - 1, model.scale - 1});
    });
    if (!layer.slope.empty()) {
      add_tensor(graph, layer.activation_key + ".weight", {static_cast<int64_t>(layer.slope.size()), 1, 1}, kFloat,
                 std::as_bytes(std::span(layer.slope)));
      add_node("PRelu", layer.activation_key + ".output", {layer.activation_key + ".weight"}, [](pbf_writer&) {});
    }
    if (tail && !deconvolution) {
      add_node("DepthToSpace", "depth_to_space.output", {}, [&](pbf_writer& node) {
        add_attribute(node, "blocksize", 2, [&](pbf_writer& a) { a.add_int64(3, model.scale); });
        add_attribute(node, "mode", 3, [](pbf_writer& a) { a.add_string(4, "CRD"); });
      });
    }
  }
  graph.add_string(2, "fsrcnn");
  add_value(graph, 11, "input");
  add_value(graph, 12, current);

  std::string text;
  pbf_writer file(text);
  file.add_int64(1, 7);  // ir_version, of ONNX 1.7 and later
  file.add_string(2, "fsrcnn");
  file.add_message(7, nodes_and_tensors);
  {
    pbf_writer opset(file, 8);
    opset.add_string(1, "");
    opset.add_int64(2, 13);
  }
  for (const auto& [key, value] : to_state_dict(model).metadata) {
    pbf_writer entry(file, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace fsrcnn
