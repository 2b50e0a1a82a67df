#include "model/formats/onnx.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "model/formats/layer_chain.hpp"
#include "model/formats/onnx_graph.hpp"

namespace fsrcnn {
namespace {

class Walker {
 public:
  Walker(OnnxGraph& graph, std::string source) : graph_(graph), source_(std::move(source)) {}

  /// Follows the picture from node to node.
  LayerChain walk() {
    LayerChain chain;
    std::string current, clip;
    for (const std::string& input : graph_.inputs) {
      if (!graph_.constants.contains(input)) current = input;
    }
    for (const OnnxNode& node : graph_.nodes) {
      if (node.op == "Constant") {
        const OnnxAttribute* value = node.find("value");
        OnnxTensor tensor = value != nullptr && value->tensor ? *value->tensor : OnnxTensor{};
        if (const OnnxAttribute* ints = node.find("value_ints")) tensor.integers = ints->integers;
        if (!node.outputs.empty()) graph_.constants[node.outputs[0]] = std::move(tensor);
        continue;
      }
      if (fold(node)) continue;
      if (node.inputs.empty() || node.outputs.empty() || node.inputs[0] != current) {
        fail(ErrorCode::model, "{}: {} '{}' does not read what the node before it wrote; expected are layers in a row",
             source_, node.op, node.name);
      }
      current = node.outputs[0];
      if (node.op == "Identity") continue;
      if (!clip.empty()) {
        fail(ErrorCode::model, "{}: {} '{}' follows the Clip '{}', but an FSRCNN clamps its output alone", source_,
             node.op, node.name, clip);
      }
      if (node.op == "Conv" || node.op == "ConvTranspose") {
        add_convolution(node, chain);
      } else if (node.op == "PRelu" || node.op == "Relu" || node.op == "LeakyRelu") {
        add_activation(node, chain);
      } else if (node.op == "Pad") {
        add_pad(node, chain);
      } else if (node.op == "DepthToSpace") {
        const OnnxAttribute* block = node.find("blocksize");
        chain.scale = block == nullptr ? 0 : block->integer;
      } else if (node.op == "Clip") {
        check_clip(node);
        clip = node.name.empty() ? node.op : node.name;
      } else {
        fail(ErrorCode::model, "{}: its graph has a {} ('{}'), which no FSRCNN has", source_, node.op, node.name);
      }
    }
    return chain;
  }

 private:
  const OnnxTensor& constant(const OnnxNode& node, size_t index) const {
    const std::string name = index < node.inputs.size() ? node.inputs[index] : "";
    const auto found = graph_.constants.find(name);
    if (found == graph_.constants.end()) {
      fail(ErrorCode::model, "{}: input {} of {} '{}' ('{}') is no constant", source_, index, node.op, node.name, name);
    }
    return found->second;
  }
  bool has_input(const OnnxNode& node, size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].empty();
  }

  void check_all(const OnnxNode& node, const char* attribute, int64_t expected) const {
    const OnnxAttribute* a = node.find(attribute);
    if (a != nullptr && std::any_of(a->integers.begin(), a->integers.end(), [&](auto v) { return v != expected; })) {
      fail(ErrorCode::model, "{}: {} '{}' has {} other than {}, which no FSRCNN has", source_, node.op, node.name,
           attribute, expected);
    }
  }

  void add_convolution(const OnnxNode& node, LayerChain& chain) {
    ChainLayer layer{node.name.empty() ? node.op : node.name, constant(node, 1).floats, node.op == "ConvTranspose"};
    if (has_input(node, 2)) layer.bias = constant(node, 2).floats.values;
    check_all(node, "dilations", 1);
    const OnnxAttribute* group = node.find("group");
    if (group != nullptr && group->integer != 1) {
      fail(ErrorCode::model, "{}: {} '{}' has {} groups, which no FSRCNN has", source_, node.op, node.name,
           group->integer);
    }
    const auto& shape = layer.weight.shape;
    const int64_t k = shape.size() == 4 ? shape[2] : 0;
    const OnnxAttribute* strides = node.find("strides");
    const OnnxAttribute* pads = node.find("pads");
    const int64_t stride = strides == nullptr || strides->integers.empty() ? 1 : strides->integers[0];
    check_all(node, "strides", stride);
    const OnnxAttribute* automatic = node.find("auto_pad");
    if (automatic != nullptr && automatic->text != "NOTSET" && automatic->text != "SAME_UPPER") {
      fail(ErrorCode::model, "{}: {} '{}' has auto_pad {}", source_, node.op, node.name, automatic->text);
    }
    const std::vector<int64_t> padding =
        pads == nullptr ? std::vector<int64_t>(4, automatic != nullptr && automatic->text == "SAME_UPPER" ? k / 2 : 0)
                        : pads->integers;
    if (layer.transposed) {
      chain.scale = stride;
      check_all(node, "output_padding", stride - 1);
      if (padding != std::vector<int64_t>(4, 4 + stride * padded_by_) ||
          (stride > 1 && node.find("output_padding") == nullptr)) {
        fail(ErrorCode::model,
             "{}: ConvTranspose '{}' must have pads 4 and output_padding stride - 1, which makes the output `stride` "
             "times the input",
             source_, node.name);
      }
      chain.deconvolution_border = std::exchange(padded_by_, 0);
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

  void add_pad(const OnnxNode& node, LayerChain& chain) {
    const OnnxAttribute* mode = node.find("mode");
    std::vector<int64_t> pads;
    if (const OnnxAttribute* a = node.find("pads")) {
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

  /// To the range of a luma, which every output is clamped to.
  void check_clip(const OnnxNode& node) const {
    const auto is = [&](size_t index, float bound) {
      if (!has_input(node, index)) return false;
      const OnnxTensor& tensor = constant(node, index);
      return tensor.floats.values == std::vector<float>{bound} ||
             tensor.integers == std::vector<int64_t>{static_cast<int64_t>(bound)};
    };
    if (!is(1, 0) || !is(2, 1)) {
      fail(ErrorCode::model,
           "{}: Clip '{}' (ReLU6 makes one) has other bounds than 0 and 1, which an FSRCNN's output is clamped to",
           source_, node.name);
    }
  }

  void add_activation(const OnnxNode& node, LayerChain& chain) const {
    if (chain.layers.empty()) fail(ErrorCode::model, "{}: {} '{}' precedes all layers", source_, node.op, node.name);
    std::vector<float>& slope = chain.layers.back().slope;
    if (!slope.empty()) {
      fail(ErrorCode::model, "{}: two activations follow '{}'", source_, chain.layers.back().name);
    }
    if (node.op == "PRelu") {
      slope = constant(node, 1).floats.values;
    } else {
      const OnnxAttribute* alpha = node.find("alpha");
      slope = {node.op == "Relu" ? 0.0F : alpha == nullptr ? 0.01F : alpha->number};
    }
  }

  /// The few operators that an exporter computes the margins of a Pad with, on constants. True if this is one.
  bool fold(const OnnxNode& node) {
    if (node.outputs.empty() || node.inputs.empty() ||
        !std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](const auto& input) { return graph_.constants.contains(input); })) {
      return false;
    }
    OnnxTensor result = graph_.constants[node.inputs[0]];
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
        const std::vector<int64_t>& more = graph_.constants[input].integers;
        values.insert(values.end(), more.begin(), more.end());
        if (values.size() > 64) return false;
      }
      shape = {static_cast<int64_t>(values.size())};
    } else if (node.op == "Reshape" && node.inputs.size() == 2) {
      const std::vector<int64_t>& wanted = graph_.constants[node.inputs[1]].integers;
      if (wanted.size() == 1) {
        shape = {count};
      } else if (wanted.size() == 2 && wanted[1] > 0 && count % wanted[1] == 0) {
        shape = {count / wanted[1], wanted[1]};
      } else {
        return false;
      }
    } else if (node.op == "Slice" && node.inputs.size() == 5 && shape.size() == 2 && shape[0] * shape[1] == count) {
      // Rows from the last to the first.
      if (graph_.constants[node.inputs[4]].integers != std::vector<int64_t>{-1}) return false;
      for (int64_t row = 0; row < shape[0] / 2; ++row) {
        std::swap_ranges(values.begin() + row * shape[1], values.begin() + (row + 1) * shape[1],
                         values.begin() + (shape[0] - 1 - row) * shape[1]);
      }
    } else if (node.op == "Transpose" && shape.size() == 2 && shape[0] * shape[1] == count) {
      const std::vector<int64_t> from = values;
      for (int64_t i = 0; i < count; ++i) values[i % shape[1] * shape[0] + i / shape[1]] = from[i];
      std::swap(shape[0], shape[1]);
    } else if (node.op == "Unsqueeze") {
      const OnnxAttribute* attribute = node.find("axes");
      std::vector<int64_t> axes = attribute != nullptr      ? attribute->integers
                                  : node.inputs.size() == 2 ? graph_.constants[node.inputs[1]].integers
                                                            : std::vector<int64_t>{};
      const auto rank = static_cast<int64_t>(shape.size() + axes.size());
      if (axes.empty() || rank > 8) return false;
      for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
      std::sort(axes.begin(), axes.end());
      for (const int64_t axis : axes) {
        if (axis < 0 || axis > static_cast<int64_t>(shape.size())) return false;
        shape.insert(shape.begin() + axis, 1);
      }
    } else if (node.op != "Cast" && node.op != "Identity") {
      return false;
    }
    graph_.constants[node.outputs[0]] = std::move(result);
    return true;
  }

  OnnxGraph& graph_;
  std::string source_;
  int64_t padded_by_ = 0;
};

}  // namespace

bool looks_like_onnx(Bytes bytes) {
  // ir_version, field 1, a small number; then a producer, an opset or the graph.
  return bytes.size() > 4 && bytes[0] == std::byte{0x08} && bytes[1] > std::byte{2} && bytes[1] < std::byte{32} &&
         (bytes[2] == std::byte{0x12} || bytes[2] == std::byte{0x3a} || bytes[2] == std::byte{0x42});
}

StateDict parse_onnx(Bytes bytes, const std::string& source, const ReadBeside& read_beside) {
  OnnxGraph graph = parse_onnx_graph(bytes, source, read_beside);
  StateDict state_dict = to_state_dict(Walker(graph, source).walk(), source);
  for (const auto& [key, value] : graph.metadata) state_dict.metadata.try_emplace(key, value);
  return state_dict;
}

}  // namespace fsrcnn
