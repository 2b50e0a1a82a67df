#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <protozero/pbf_writer.hpp>

#include "base/error.hpp"
#include "network/formats/onnx.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_writer;

enum class OnnxType : int64_t { float32 = 1, int64 = 7 };  // TensorProto.DataType

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

void add_tensor(pbf_writer& graph, const std::string& name, const std::vector<int64_t>& shape, OnnxType type,
                Bytes raw) {
  pbf_writer tensor(graph, 5);
  for (const int64_t extent : shape) tensor.add_int64(1, extent);
  tensor.add_int32(2, static_cast<int32_t>(type));
  tensor.add_string(8, name);
  tensor.add_bytes(9, reinterpret_cast<const char*>(raw.data()), raw.size());
}

/// A picture of any size.
void add_value(pbf_writer& graph, uint32_t field, const std::string& name, int64_t channels) {
  pbf_writer value(graph, field);
  value.add_string(1, name);
  pbf_writer type(value, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(OnnxType::float32));
  pbf_writer shape(tensor, 2);
  for (const char* dimension :
       {"batch", "", (field == 11 ? "height" : "output_height"), (field == 11 ? "width" : "output_width")}) {
    pbf_writer dim(shape, 1);
    if (*dimension == 0) {
      dim.add_int64(1, channels);
    } else {
      dim.add_string(2, dimension);
    }
  }
}

/// A graph in the making, layer by layer.
class GraphWriter {
 public:
  GraphWriter(const Network& network, pbf_writer& graph) : network_(network), graph_(graph) {}

  /// The name of the output.
  std::string write() {
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      const Layer& layer = network_.layers[i];
      // Nodes and values are named by the tensors that they read, or else by their place.
      id_ = layer.has_weight() ? layer.key : fmt::format("layer{}", i);
      current_ = name_of(layer.inputs[0]);
      add_operator(layer);
      add_activation(layer);
      values_.push_back(current_);
    }
    if (network_.output_clip) add_output_clip(*network_.output_clip);
    return current_;
  }

 private:
  std::string name_of(int index) const {
    return index == kNetworkInput ? "input" : values_[static_cast<size_t>(index)];
  }

  template <class Attributes>
  void add_node(const char* op, const std::string& name, const std::vector<std::string>& more,
                const Attributes& attributes) {
    pbf_writer node(graph_, 1);
    node.add_string(1, current_);
    for (const std::string& input : more) node.add_string(1, input);
    current_ = name;
    node.add_string(2, name);
    node.add_string(3, name);
    node.add_string(4, op);
    attributes(node);
  }
  std::string floats(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    add_tensor(graph_, name, shape, OnnxType::float32, std::as_bytes(std::span(values)));
    return name;
  }
  std::string integers(const std::string& name, const std::vector<int64_t>& values) {
    add_tensor(graph_, name, {static_cast<int64_t>(values.size())}, OnnxType::int64, std::as_bytes(std::span(values)));
    return name;
  }
  static void add_text(pbf_writer& node, const char* name, const char* text) {
    add_attribute(node, name, 3, [&](pbf_writer& a) { a.add_string(4, text); });
  }

  void add_pad(const Pair& by) {
    if (by == Pair{0, 0}) return;
    add_node("Pad", id_ + ".padded", {integers(id_ + ".pads", {0, 0, by.h, by.w, 0, 0, by.h, by.w})},
             [](pbf_writer& node) { add_text(node, "mode", "edge"); });
  }

  void add_operator(const Layer& layer) {
    switch (layer.op) {
      case Layer::Op::convolution: {
        const Conv2dParams& p = layer.conv;
        const bool replicates = p.padding_mode == PaddingMode::replicate;
        if (replicates) add_pad(p.padding);
        const Pair pad = replicates ? Pair{0, 0} : p.padding;
        add_node("Conv", id_ + ".output", weights(layer), [&](pbf_writer& node) {
          add_ints(node, "kernel_shape", {layer.weight.shape().h, layer.weight.shape().w});
          add_ints(node, "pads", {pad.h, pad.w, pad.h, pad.w});
          if (p.dilation != Pair{1, 1}) add_ints(node, "dilations", {p.dilation.h, p.dilation.w});
          if (p.groups != 1) add_attribute(node, "group", 2, [&](pbf_writer& a) { a.add_int64(3, p.groups); });
        });
        break;
      }
      case Layer::Op::transposed_convolution: {
        const ConvTranspose2dParams& p = layer.conv_transpose;
        add_pad({layer.border, layer.border});
        add_node("ConvTranspose", id_ + ".output", weights(layer), [&](pbf_writer& node) {
          add_ints(node, "kernel_shape", {layer.weight.shape().h, layer.weight.shape().w});
          add_ints(node, "pads", {p.padding.h, p.padding.w, p.padding.h, p.padding.w});
          add_ints(node, "strides", {p.stride.h, p.stride.w});
          if (p.dilation != Pair{1, 1}) add_ints(node, "dilations", {p.dilation.h, p.dilation.w});
          add_ints(node, "output_padding", {p.output_padding.h, p.output_padding.w});
        });
        break;
      }
      case Layer::Op::depth_to_space:
        if (layer.factor == 1) break;
        add_node("DepthToSpace", id_ + ".output", {}, [&](pbf_writer& node) {
          add_attribute(node, "blocksize", 2, [&](pbf_writer& a) { a.add_int64(3, layer.factor); });
          add_text(node, "mode", "CRD");
        });
        break;
      case Layer::Op::add: add_node("Add", id_ + ".output", {name_of(layer.inputs[1])}, [](pbf_writer&) {}); break;
      case Layer::Op::interpolate: add_resize(layer);
    }
  }

  std::vector<std::string> weights(const Layer& layer) {
    const Shape w = layer.weight.shape();
    std::vector<std::string> names = {floats(layer.key + ".weight", {w.n, w.c, w.h, w.w}, layer.weight.values())};
    if (!layer.bias.empty()) {
      names.push_back(floats(layer.key + ".bias", {static_cast<int64_t>(layer.bias.size())}, layer.bias));
    }
    return names;
  }

  void add_resize(const Layer& layer) {
    const auto f = static_cast<float>(layer.factor);
    const std::string scales = floats(id_ + ".scales", {4}, {1, 1, f, f});
    add_node("Resize", id_ + ".output", {"", scales}, [&](pbf_writer& node) {
      if (layer.interpolation == Interpolation::nearest) {
        add_text(node, "mode", "nearest");
        add_text(node, "coordinate_transformation_mode", "asymmetric");
        add_text(node, "nearest_mode", "floor");
        return;
      }
      const bool cubic = layer.interpolation == Interpolation::bicubic;
      add_text(node, "mode", cubic ? "cubic" : "linear");
      add_text(node, "coordinate_transformation_mode", "half_pixel");
      if (cubic) {
        add_attribute(node, "cubic_coeff_a", 1, [&](pbf_writer& a) { a.add_float(2, layer.cubic_coefficient); });
      }
    });
  }

  void add_activation(const Layer& layer) {
    const std::string name = id_ + ".activation";
    switch (layer.activation) {
      case Layer::Activation::none: break;
      case Layer::Activation::relu: add_node("Relu", name, {}, [](pbf_writer&) {}); break;
      case Layer::Activation::tanh: add_node("Tanh", name, {}, [](pbf_writer&) {}); break;
      case Layer::Activation::prelu:
        add_node(
            "PRelu", layer.activation_key + ".output",
            {floats(layer.activation_key + ".weight", {static_cast<int64_t>(layer.slope.size()), 1, 1}, layer.slope)},
            [](pbf_writer&) {});
        break;
      case Layer::Activation::clamp:
        add_node("Clip", name, {floats(id_ + ".low", {}, {layer.low}), floats(id_ + ".high", {}, {layer.high})},
                 [](pbf_writer&) {});
    }
  }

  void add_output_clip(const OutputClip& clip) {
    if (clip == OutputClip{0, std::numeric_limits<float>::infinity()}) {
      return add_node("Relu", "output_clip", {}, [](pbf_writer&) {});
    }
    const auto bound = [&](const char* name, float value) {
      return std::isfinite(value) ? floats(name, {}, {value}) : std::string();
    };
    add_node("Clip", "output_clip", {bound("output_clip.low", clip.low), bound("output_clip.high", clip.high)},
             [](pbf_writer&) {});
  }

  const Network& network_;
  pbf_writer& graph_;
  std::string id_, current_;
  std::vector<std::string> values_;
};

}  // namespace

std::vector<std::byte> format_onnx(const Network& network) {
  std::string nodes_and_tensors;
  pbf_writer graph(nodes_and_tensors);
  const std::string output = GraphWriter(network, graph).write();
  graph.add_string(2, "fsrcnn");
  add_value(graph, 11, "input", network.channels());
  add_value(graph, 12, output, network.channels());

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
  for (const auto& [key, value] : to_state_dict(network).metadata) {
    if (key == "layers" || key == "colours" || key == "output_clip") continue;
    pbf_writer entry(file, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace fsrcnn
