#include "porting/vectors.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "network/describe.hpp"
#include "network/formats/flat_text.hpp"
#include "network/formats/npy.hpp"
#include "network/formats/slides_text.hpp"
#include "network/fsrcnn.hpp"
#include "porting/tensor_file.hpp"
#include "porting/vectors_folder.hpp"

namespace fsrcnn {

// Made by the build from vectors/.
extern const unsigned char kVectorsCheck[], kVectorsLayer[], kVectorsHeader[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kVectorsCheckSize, kVectorsLayerSize, kVectorsHeaderSize;

namespace {

namespace fs = std::filesystem;

/// Where a layer's parameters lie, and what their numbers stand for.
struct Files {
  std::string weight, bias, slope;
  float weight_scale = 1, bias_scale = 1, slope_scale = 1;
};

class Writer {
 public:
  Writer(const Network& network, VectorStyle style, const fs::path& folder)
      : network_(network), shapes_(value_shapes(network)), style_(style), folder_(folder) {}

  size_t write(const Tensor<float>& input, const std::string& input_name) {
    write_weights();
    files_.push_back(write_tensor("00_input", input));
    manifest_["input"] = {{"from", input_name}, {"file", files_[0]}};
    manifest_["layers"] = nlohmann::ordered_json::array();
    std::string table;
    std::vector<int> steps_left;
    for (const Layer& layer : network_.layers) {
      const bool is_last = &layer == &network_.layers.back();
      steps_left.push_back(1 + (layer.activation != Layer::Activation::none ? 1 : 0) + (is_last ? 1 : 0));
    }
    reference_network<float>(network_, input, [&](size_t layer, const std::string&, Tensor<float>& x) {
      if (--steps_left[layer] > 0) return;
      files_.push_back(write_tensor(layer_file_name(network_, layer), x));
      table += add_layer(layer, input.shape(), x);
    });
    write_program(table);
    folder_.write_json("manifest.json", manifest_);
    folder_.commit();
    return network_.layers.size();
  }

 private:
  fs::path path(const std::string& name) const { return folder_.path(name); }

  void write_weights() {
    const fs::path weights = path("weights");
    if (style_ == VectorStyle::slides) return write_slides_text(to_state_dict(network_), weights);
    if (style_ == VectorStyle::deepc) return write_deepc(to_state_dict(network_), weights);
    if (style_ == VectorStyle::zcu102) {
      write_zcu102(to_state_dict(network_), weights, false);
      return take_rounded(read_zcu102(weights));
    }
    fs::create_directory(weights);
    const auto put = [&](const std::string& file, const Tensor<float>& tensor, const std::vector<int64_t>& shape) {
      if (file.empty()) return;
      write_file_directly(path(file), style_ == VectorStyle::npy ? format_npy(tensor.values(), shape)
                                                                 : format_tensor(tensor, {}, TensorFormat::hex,
                                                                                 fs::path(file).stem().string()));
    };
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      const Layer& layer = network_.layers[i];
      const auto [n, c, h, w] = layer.weight.shape();
      const Files files = files_of(i);
      put(files.weight, layer.weight, {n, c, h, w});
      for (const auto& [file, values] : {std::pair{files.bias, &layer.bias}, {files.slope, &layer.slope}}) {
        const auto count = static_cast<int64_t>(values->size());
        put(file, {{1, 1, 1, count}, *values}, {count});
      }
    }
  }

  /// The expected outputs are those of the weights as they were rounded.
  void take_rounded(const StateDict& rounded) {
    for (Layer& layer : network_.layers) {
      if (!layer.has_weight()) continue;
      layer.weight.values() = rounded.find(layer.key + ".weight")->values;
      layer.bias = rounded.find(layer.key + ".bias")->values;
      if (!layer.slope.empty()) layer.slope = rounded.find(layer.activation_key + ".weight")->values;
    }
  }

  std::string write_tensor(const std::string& name, const Tensor<float>& x) {
    const TensorFormat format = style_ == VectorStyle::npy   ? TensorFormat::npy
                                : style_ == VectorStyle::mem ? TensorFormat::hex
                                                             : TensorFormat::txt;
    const std::string file = name + (style_ == VectorStyle::mem ? ".mem" : std::string(suffix_of(format)));
    // One number a line is planar CHW as hardware ports dump it.
    const bool one_a_line = style_ == VectorStyle::deepc || style_ == VectorStyle::zcu102;
    const Shape s = x.shape();
    const Tensor<float> shown = one_a_line ? Tensor<float>({1, 1, x.count(), 1}, x.values()) : x;
    write_file_directly(path(file), format_tensor(shown, {}, format, name));
    manifest_["shapes"][file] = {s.n, s.c, s.h, s.w};
    return file;
  }

  /// Every number of a file stands for itself, but of the ZCU102 set for itself times a scale. What the layer does not
  /// have has no name.
  Files files_of(size_t index) const {
    const Layer& layer = network_.layers[index];
    const auto named = [&](auto&& name_of) {
      return Files{layer.has_weight() ? name_of("weight") : "", layer.bias.empty() ? "" : name_of("bias"),
                   layer.slope.empty() ? "" : name_of("slope")};
    };
    switch (style_) {
      case VectorStyle::slides: {
        const std::string folder = slides_folder(layer.key);
        return named([&](std::string_view what) {
          const std::string_view kind = what == "weight" ? "kernel" : what == "slope" ? "prelu" : what;
          return fmt::format("weights/{0}/{1}/{0}%d_%d.txt", kind, folder);
        });
      }
      case VectorStyle::deepc:
        return named([&](std::string_view what) {
          const std::string_view kind = what == "weight" ? "weights" : what == "slope" ? "slopes" : "biasess";
          return fmt::format("weights/{}_layer{}.txt", kind, index + 1);
        });
      case VectorStyle::zcu102: {
        const auto file = [&](std::string of, const char* what) {
          std::replace(of.begin(), of.end(), '.', '_');
          return fmt::format("weights/{}_{}.txt", of, what);
        };
        const auto scale = [&](const std::string& of, const char* what) {
          return of.empty() ? 1.0F : read_tensor(path(file(of, what))).to_float().data()[0];
        };
        Files files = named([&](std::string_view what) {
          return what == "slope" ? file(layer.activation_key, "weight")
                                 : file(layer.key, what == "weight" ? "weight" : "bias");
        });
        if (!files.weight.empty()) files.weight_scale = scale(layer.key, "w_scale");
        if (!files.bias.empty()) files.bias_scale = scale(layer.key, "b_scale");
        if (!files.slope.empty()) files.slope_scale = scale(layer.activation_key, "w_scale");
        return files;
      }
      case VectorStyle::npy:
      case VectorStyle::mem: break;
    }
    const char* const suffix = style_ == VectorStyle::npy ? ".npy" : ".mem";
    return named([&](std::string_view what) {
      return fmt::format("weights/{}.{}{}", layer_file_name(network_, index), what, suffix);
    });
  }

  std::string add_layer(size_t index, const Shape& picture, const Tensor<float>& x) {
    const Layer& layer = network_.layers[index];
    const Files files = files_of(index);
    const auto [low, high] = std::minmax_element(x.values().begin(), x.values().end());
    std::vector<std::string> inputs;
    std::vector<ValueShape> read;
    for (const int from : layer.inputs) {
      inputs.push_back(files_[static_cast<size_t>(from + 1)]);
      read.push_back(from == kNetworkInput ? ValueShape{network_.channels(), 1} : shapes_[static_cast<size_t>(from)]);
    }
    nlohmann::ordered_json json = {{"layer", layer.name},
                                   {"operator", operator_text(layer)},
                                   {"inputs", inputs},
                                   {"expected", files_.back()},
                                   {"min", *low},
                                   {"max", *high},
                                   {"padding", padding_text(layer)},
                                   {"activation", activation_text(layer)}};
    for (const auto& [what, file] : {std::pair{"weight", files.weight}, {"bias", files.bias}, {"slope", files.slope}}) {
      if (!file.empty()) json[what] = file;
    }
    manifest_["layers"].push_back(std::move(json));
    return entry_of(index, read, picture, files, inputs);
  }

  std::string entry_of(size_t index, const std::vector<ValueShape>& read, const Shape& picture, const Files& files,
                       const std::vector<std::string>& inputs) const {
    const Layer& layer = network_.layers[index];
    const bool transposed = layer.op == Layer::Op::transposed_convolution;
    const Shape w = layer.has_weight() ? layer.weight.shape() : Shape{0, 0, 0, 0};
    const Pair dilation = transposed ? layer.conv_transpose.dilation : layer.conv.dilation;
    const Pair pad = program_padding(layer);
    constexpr const char* kInterpolations[] = {"NEAREST", "BILINEAR", "BICUBIC"};                            // NOLINT
    constexpr const char* kOps[] = {"CONVOLUTION", "TRANSPOSED_CONVOLUTION", "DEPTH_TO_SPACE", "ADDITION"};  // NOLINT
    constexpr const char* kActivations[] = {"NONE", "RELU", "PRELU", "CLAMP", "TANH"};                       // NOLINT
    const char* const op = layer.op == Layer::Op::interpolate ? kInterpolations[static_cast<int>(layer.interpolation)]
                                                              : kOps[static_cast<int>(layer.op)];
    return fmt::format(
        "  {{{{\"{}\", {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {:.9e}f,\n    {}, {:.9e}f, "
        "{:.9e}f, {}, {}, 0, 0, 0}},\n   \"{}\", \"{}\", \"{}\",\n   {:.9e}f, {:.9e}f, {:.9e}f,\n   \"{}\", \"{}\", "
        "\"{}\"}},\n",
        c_string(layer.name), op, read[0].channels, read.size() == 2 ? read[1].channels : 0, shapes_[index].channels,
        picture.h * read[0].scale, picture.w * read[0].scale, shapes_[index].scale / read[0].scale, w.h, w.w, pad.h,
        pad.w, dilation.h, dilation.w, transposed ? 1 : layer.conv.groups,
        layer.conv.padding_mode == PaddingMode::replicate ? 1 : 0, layer.border, layer.cubic_coefficient,
        kActivations[static_cast<int>(layer.activation)], layer.low, layer.high, layer.slope.size(),
        index + 1 == network_.layers.size() ? 1 : 0, files.weight, files.bias, files.slope, files.weight_scale,
        files.bias_scale, files.slope_scale, inputs[0], inputs.size() == 2 ? inputs[1] : "", files_.back());
  }

  void write_program(const std::string& table) {
    const auto put = [&](const char* name, const unsigned char* bytes, unsigned long size) {
      folder_.write(name, std::string_view(reinterpret_cast<const char*>(bytes), size));
    };
    put("check.c", kVectorsCheck, kVectorsCheckSize);
    put("layer.c", kVectorsLayer, kVectorsLayerSize);
    put("layer.h", kVectorsHeader, kVectorsHeaderSize);
    const char* form = style_ == VectorStyle::npy ? "FORM_NPY" : style_ == VectorStyle::mem ? "FORM_MEM" : "FORM_TEXT";
    const std::string text = fmt::format(
        "/* Made by `fsrcnn vectors`: where everything lies. */\n#define FORM_TEXT 0\n#define FORM_NPY 1\n#define "
        "FORM_MEM 2\n#define FORM_WORDS 3\n#define FORM {}\n\n#define VALUE_BITS 0 /* of words alone */\n\n"
        "struct entry {{\n  struct layer layer;\n  const char *weight, *bias, *slope; /* \"\": it has none */\n"
        "  float weight_scale, bias_scale, slope_scale;\n  const char *input, *other, *expected;\n}};\n\n"
        "static const struct entry table[] = {{\n{}}};\n",
        form, table);
    folder_.write("table.h", text);
  }

  Network network_;
  std::vector<ValueShape> shapes_;
  VectorStyle style_;
  VectorFolder folder_;
  std::vector<std::string> files_;  // of the input, and of each layer
  nlohmann::ordered_json manifest_ = {{"shapes", nlohmann::ordered_json::object()}};
};

}  // namespace

size_t write_vectors(const Network& network, const Tensor<float>& input, VectorStyle style,
                     const std::string& input_name, const fs::path& folder) {
  require_scale(network, "the network");
  const bool any = style == VectorStyle::npy || style == VectorStyle::mem;
  if (!any && !fsrcnn_shape(network)) {
    fail(ErrorCode::model,
         "the styles slides, deepc and zcu102 hold FSRCNN alone, but this is {}; use npy, mem, int8 or qM.N such as "
         "q3.12",
         family_of(network));
  }
  return Writer(network, style, folder).write(input, input_name);
}

}  // namespace fsrcnn
