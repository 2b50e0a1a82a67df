#include <functional>
#include <string>
#include <vector>

#include <protozero/pbf_writer.hpp>

#include "model/formats/onnx.hpp"
#include "model/formats/onnx_graph.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_writer;

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

/// A picture of one channel, of any size.
void add_value(pbf_writer& graph, uint32_t field, const std::string& name) {
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
      dim.add_int64(1, 1);
    } else {
      dim.add_string(2, dimension);
    }
  }
}

}  // namespace

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
    const int64_t p = deconvolution ? model.deconvolution_params().padding.h : layer.padding();
    const int64_t replicated = deconvolution ? model.deconvolution_border : replicates ? p : 0;
    const Shape w = layer.weight.shape();
    if (replicated > 0) {
      const std::vector<int64_t> pads = {0, 0, replicated, replicated, 0, 0, replicated, replicated};
      add_tensor(graph, layer.key + ".pads", {8}, OnnxType::int64, std::as_bytes(std::span(pads)));
      add_node("Pad", layer.key + ".padded", {layer.key + ".pads"}, [&](pbf_writer& node) {
        add_attribute(node, "mode", 3, [](pbf_writer& a) { a.add_string(4, "edge"); });
      });
    }
    add_tensor(graph, layer.key + ".weight", {w.n, w.c, w.h, w.w}, OnnxType::float32,
               std::as_bytes(std::span(layer.weight.values())));
    std::vector<std::string> inputs = {layer.key + ".weight"};
    if (!layer.bias.empty()) {
      add_tensor(graph, layer.key + ".bias", {static_cast<int64_t>(layer.bias.size())}, OnnxType::float32,
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
      add_tensor(graph, layer.activation_key + ".weight", {static_cast<int64_t>(layer.slope.size()), 1, 1},
                 OnnxType::float32, std::as_bytes(std::span(layer.slope)));
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
