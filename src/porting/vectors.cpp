#include "porting/vectors.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/reference_network.hpp"
#include "model/formats/flat_text.hpp"
#include "model/formats/npy.hpp"
#include "model/formats/slides_text.hpp"
#include "porting/tensor_file.hpp"
#include "porting/trace.hpp"

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

Tensor<float> as_tensor(const NamedTensor& t) {
  std::vector<int64_t> s = t.shape;
  while (s.size() < 4) s.insert(s.begin(), 1);
  return {{s[0], s[1], s[2], s[3]}, t.values};
}

class Writer {
 public:
  Writer(const Model& model, VectorStyle style, const fs::path& folder)
      : model_(model), style_(style), output_(folder, AtomicOutput::Kind::folder) {}

  size_t write(const Tensor<float>& luma, const std::string& input_name) {
    write_weights();
    std::string previous = write_tensor("00_input", luma);
    manifest_["input"] = {{"from", input_name}, {"file", previous}};
    manifest_["layers"] = nlohmann::ordered_json::array();
    size_t layer = 0;
    std::string table;
    reference_network<float>(model_, luma, [&](const std::string& name, const std::string& step, Tensor<float>& x) {
      // The last tensor of each layer.
      if (step != "PReLU" && step != "clamp") return;
      const std::string file = write_tensor(fmt::format("{:02}_{}", layer + 1, dump_name(name, "")), x);
      table += add_layer(layer, previous, file, x);
      previous = file;
      ++layer;
    });
    write_program(luma.shape(), table);
    write_file_directly(path("manifest.json"), as_bytes(manifest_.dump(1) + "\n"));
    output_.commit();
    return layer;
  }

 private:
  fs::path path(const std::string& name) const { return output_.temporary() / name; }

  void write_weights() {
    const StateDict state_dict = to_state_dict(model_);
    const fs::path weights = path("weights");
    if (style_ == VectorStyle::slides) return write_slides_text(state_dict, weights);
    if (style_ == VectorStyle::deepc) return write_deepc(state_dict, weights);
    if (style_ == VectorStyle::zcu102) {
      write_zcu102(state_dict, weights, false);
      // The expected outputs are those of the weights as they were rounded.
      StateDict rounded = read_zcu102(weights);
      rounded.metadata = state_dict.metadata;
      model_ = model_from_state_dict(rounded, weights.string());
      return;
    }
    fs::create_directory(weights);
    for (const NamedTensor& tensor : state_dict.tensors) {
      const bool npy = style_ == VectorStyle::npy;
      write_file_directly(weights / (tensor.name + (npy ? ".npy" : ".mem")),
                          npy ? format_npy(tensor.values, tensor.shape)
                              : format_tensor(as_tensor(tensor), {}, TensorFormat::hex, tensor.name));
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

  /// Every number of a file stands for itself, but of the ZCU102 set for itself times a scale.
  Files files_of(size_t index) const {
    const Layer& layer = model_.layers[index];
    const std::string& key = layer.key;
    const std::string n = std::to_string(index + 1);
    switch (style_) {
      case VectorStyle::slides: {
        const std::string folder = slides_folder(key);
        return {fmt::format("weights/kernel/{}/kernel%d_%d.txt", folder),
                fmt::format("weights/bias/{}/bias%d_%d.txt", folder),
                fmt::format("weights/prelu/{}/prelu%d_%d.txt", folder)};
      }
      case VectorStyle::deepc:
        return {"weights/weights_layer" + n + ".txt", "weights/biasess_layer" + n + ".txt",
                "weights/slopes_layer" + n + ".txt"};
      case VectorStyle::zcu102: {
        const auto file = [&](std::string of, const char* what) {
          std::replace(of.begin(), of.end(), '.', '_');
          return fmt::format("weights/{}_{}.txt", of, what);
        };
        const auto scale = [&](const std::string& of, const char* what) {
          return of.empty() ? 1.0F : read_tensor(path(file(of, what))).to_float().data()[0];
        };
        return {file(key, "weight"),   file(key, "bias"),     file(layer.activation_key, "weight"),
                scale(key, "w_scale"), scale(key, "b_scale"), scale(layer.activation_key, "w_scale")};
      }
      case VectorStyle::npy:
      case VectorStyle::mem: break;
    }
    const std::string suffix = style_ == VectorStyle::npy ? ".npy" : ".mem";
    return {"weights/" + key + ".weight" + suffix, "weights/" + key + ".bias" + suffix,
            "weights/" + layer.activation_key + ".weight" + suffix};
  }

  std::string add_layer(size_t index, const std::string& input, const std::string& expected, const Tensor<float>& x) {
    const Layer& layer = model_.layers[index];
    const Shape w = layer.weight.shape();
    const bool tail = index + 1 == model_.layers.size(), deconvolution = tail && model_.tail == Tail::deconvolution;
    const char* kind = !tail ? "CONVOLUTION" : deconvolution ? "DECONVOLUTION" : "SUB_PIXEL";
    const Files files = files_of(index);
    const auto [low, high] = std::minmax_element(x.values().begin(), x.values().end());
    manifest_["layers"].push_back({{"layer", layer.name},
                                   {"kind", kind},
                                   {"kernel", {w.h, w.w}},
                                   {"input", input},
                                   {"expected", expected},
                                   {"weight", files.weight},
                                   {"bias", files.bias},
                                   {"min", *low},
                                   {"max", *high}});
    if (!layer.slope.empty()) manifest_["layers"].back()["slope"] = files.slope;
    return fmt::format(
        "  {{\"{}\", {}, {}, {}, {}, {},\n   \"{}\", \"{}\", \"{}\",\n   {:.9e}f, {:.9e}f, {:.9e}f,\n   "
        "\"{}\", \"{}\"}},\n",
        layer.name, kind, deconvolution ? w.n : w.c, deconvolution ? w.c : w.n, w.h, layer.slope.size(), files.weight,
        files.bias, files.slope, files.weight_scale, files.bias_scale, files.slope_scale, input, expected);
  }

  void write_program(const Shape& in, const std::string& table) {
    const auto put = [&](const char* name, const unsigned char* bytes, unsigned long size) {
      write_file_directly(path(name), std::as_bytes(std::span(bytes, size)));
    };
    put("check.c", kVectorsCheck, kVectorsCheckSize);
    put("layer.c", kVectorsLayer, kVectorsLayerSize);
    put("layer.h", kVectorsHeader, kVectorsHeaderSize);
    const char* form = style_ == VectorStyle::npy ? "FORM_NPY" : style_ == VectorStyle::mem ? "FORM_MEM" : "FORM_TEXT";
    const std::string text = fmt::format(
        "/* Made by `fsrcnn vectors`: where everything lies. */\n#define FORM_TEXT 0\n#define FORM_NPY 1\n#define "
        "FORM_MEM "
        "2\n#define FORM {}\n#define HEIGHT {}\n#define WIDTH {}\n#define SCALE {}\n#define REPLICATE {}\n#define "
        "BORDER {}\n\n"
        "struct entry {{\n  const char *name;\n  enum kind kind;\n  int inputs, outputs, kernel, slopes;\n"
        "  const char *weight, *bias, *slope;\n  float weight_scale, bias_scale, slope_scale;\n"
        "  const char *input, *expected;\n}};\n\nstatic const struct entry table[] = {{\n{}}};\n",
        form, in.h, in.w, model_.scale, model_.padding_mode == PaddingMode::replicate ? 1 : 0,
        model_.deconvolution_border, table);
    write_file_directly(path("table.h"), as_bytes(text));
  }

  Model model_;
  VectorStyle style_;
  AtomicOutput output_;
  nlohmann::ordered_json manifest_ = {{"shapes", nlohmann::ordered_json::object()}};
};

}  // namespace

size_t write_vectors(const Model& model, const Tensor<float>& luma, VectorStyle style, const std::string& input_name,
                     const fs::path& folder) {
  require_scale(model, "the model");
  return Writer(model, style, folder).write(luma, input_name);
}

}  // namespace fsrcnn
