#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "base/error.hpp"
#include "network/formats/tensorflow.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_writer;

enum class TfType { float32 = 1, int32 = 3 };  // DataType

/// A GraphDef in the making, node by node.
class Graph {
 public:
  /// A node; attributes are added to what is returned, before the next node begins.
  class Node {
   public:
    Node(pbf_writer& graph, const std::string& name, const char* op, const std::vector<std::string>& inputs)
        : writer_(graph, 1) {
      writer_.add_string(1, name);
      writer_.add_string(2, op);
      for (const std::string& input : inputs) writer_.add_string(3, input);
    }
    Node& type(const char* key, TfType type) {
      return attribute(key, [&](pbf_writer& value) { value.add_enum(6, static_cast<int32_t>(type)); });
    }
    Node& text(const char* key, const char* text) {
      return attribute(key, [&](pbf_writer& value) { value.add_string(2, text); });
    }
    Node& integer(const char* key, int64_t integer) {
      return attribute(key, [&](pbf_writer& value) { value.add_int64(3, integer); });
    }
    Node& integers(const char* key, const std::vector<int64_t>& list) {
      return attribute(key, [&](pbf_writer& value) {
        pbf_writer values(value, 1);
        values.add_packed_int64(3, list.begin(), list.end());
      });
    }
    Node& tensor(TfType type, const std::vector<int64_t>& shape, Bytes content) {
      return attribute("value", [&](pbf_writer& value) {
        pbf_writer tensor(value, 8);
        tensor.add_enum(1, static_cast<int32_t>(type));
        {
          pbf_writer dims(tensor, 2);
          for (const int64_t extent : shape) pbf_writer(dims, 2).add_int64(1, extent);
        }
        tensor.add_bytes(4, reinterpret_cast<const char*>(content.data()), content.size());
      });
    }

   private:
    template <class Put>
    Node& attribute(const char* key, const Put& put) {
      pbf_writer entry(writer_, 5);
      entry.add_string(1, key);
      pbf_writer value(entry, 2);
      put(value);
      return *this;
    }
    pbf_writer writer_;
  };

  Node node(const std::string& name, const char* op, const std::vector<std::string>& inputs) {
    return {writer_, name, op, inputs};
  }
  /// A node whose inputs and output are floats; its name.
  std::string floats(const std::string& name, const char* op, const std::vector<std::string>& inputs) {
    node(name, op, inputs).type("T", TfType::float32);
    return name;
  }
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    node(name, "Const", {})
        .type("dtype", TfType::float32)
        .tensor(TfType::float32, shape, std::as_bytes(std::span(values)));
    return name;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  pbf_writer writer_{bytes_};
};

/// OIHW -> HWIO.
std::vector<float> to_hwio(const Tensor<float>& weight) {
  const auto [outputs, inputs, h, w] = weight.shape();
  std::vector<float> values;
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x)
      for (int64_t i = 0; i < inputs; ++i)
        for (int64_t o = 0; o < outputs; ++o) values.push_back(weight(o, i, y, x));
  return values;
}

/// Relu(x) + alpha * (x - |x|) * 0.5
std::string add_prelu(Graph& graph, const std::string& x, const std::vector<float>& slope, size_t n) {
  const auto name = [&](const char* what) { return fmt::format("{}{}", what, n); };
  const std::string alpha = graph.constant(name("alpha"), {static_cast<int64_t>(slope.size())}, slope);
  const std::string half = graph.constant(name("half"), {}, {0.5F});
  const std::string twice_negative = graph.floats(name("sub"), "Sub", {x, graph.floats(name("abs"), "Abs", {x})});
  const std::string scaled = graph.floats(name("mul"), "Mul", {alpha, twice_negative});
  const std::string negative = graph.floats(name("mul_half"), "Mul", {scaled, half});
  return graph.floats(name("prelu"), "Add", {graph.floats(name("relu"), "Relu", {x}), negative});
}

}  // namespace

std::vector<std::byte> format_tensorflow(const Network& network, const std::string& destination) {
  const bool fsrcnn = fsrcnn_shape(network).has_value() && network.colours == Colours::luma;
  const bool sub_pixel = fsrcnn && network.layers.back().op == Layer::Op::depth_to_space;
  const bool replicates = std::any_of(network.layers.begin(), network.layers.end(), [](const Layer& layer) {
    return layer.conv.padding != Pair{0, 0} && layer.conv.padding_mode == PaddingMode::replicate;
  });
  if (!sub_pixel || replicates) {
    fail(ErrorCode::model,
         "{}: a .pb file can only store what OpenCV's dnn_superres reads, an FSRCNN for luma with zero padding and a "
         "sub-pixel convolution as the last layer, but this {}",
         destination,
         !fsrcnn      ? fmt::format("is {}; use .onnx, .safetensors or .pth",
                               network.family.empty() ? "another network" : network.family)
         : replicates ? "one has replicate padding; use .onnx, .safetensors or .pth"
                      : "one ends in a deconvolution; add --tdc, which converts it");
  }
  Graph graph;
  std::string current = "IteratorGetNext";
  graph.node(current, "Placeholder", {}).type("dtype", TfType::float32);
  const size_t convolutions = network.layers.size() - 1;
  for (size_t n = 1; n <= convolutions; ++n) {
    const Layer& layer = network.layers[n - 1];
    const Shape w = layer.weight.shape();
    const std::string kernel = graph.constant(fmt::format("f{}", n), {w.h, w.w, w.c, w.n}, to_hwio(layer.weight));
    const std::string convolved = fmt::format("conv{}", n);
    graph.node(convolved, "Conv2D", {current, kernel})
        .type("T", TfType::float32)
        .integers("strides", {1, 1, 1, 1})
        .integers("dilations", {1, 1, 1, 1})
        .text("padding", "SAME")
        .text("data_format", "NHWC");
    std::vector<float> biases = layer.bias;
    biases.resize(static_cast<size_t>(w.n));
    const std::string bias = graph.constant(fmt::format("b{}", n), {w.n}, biases);
    current = graph.floats(fmt::format("add{}", n), "Add", {convolved, bias});
    if (layer.activation == Layer::Activation::relu)
      current = graph.floats(fmt::format("relu{}", n), "Relu", {current});
    if (layer.activation == Layer::Activation::prelu) current = add_prelu(graph, current, layer.slope, n);
  }
  graph.node("NHWC_output", "DepthToSpace", {current})
      .type("T", TfType::float32)
      .integer("block_size", network.scale)
      .text("data_format", "NHWC");
  const std::vector<int32_t> order = {0, 3, 1, 2};
  graph.node("NCHW_output/perm", "Const", {})
      .type("dtype", TfType::int32)
      .tensor(TfType::int32, {4}, std::as_bytes(std::span(order)));
  graph.node("NCHW_output", "Transpose", {"NHWC_output", "NCHW_output/perm"})
      .type("T", TfType::float32)
      .type("Tperm", TfType::int32);
  const Bytes bytes = as_bytes(graph.bytes());
  return {bytes.begin(), bytes.end()};
}

}  // namespace fsrcnn
