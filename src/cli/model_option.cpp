#include "cli/model_option.hpp"

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "network/builtin.hpp"
#include "network/formats/weights_file.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn::cli {
std::string builtin_list() { return builtin_names(); }

namespace {

/// An empty name, e.g. of a variable of a shell that is not set, must not mean the default.
CLI::Validator not_empty(const std::string& what) {
  return {[what](const std::string& text) { return text.empty() ? "the name is empty; give " + what : std::string(); },
          ""};
}

}  // namespace

CLI::Option* ModelOption::add_model_to(CLI::App& command, const std::string& name, const std::string& description) {
  return command.add_option(name, model, description)
      ->check(not_empty("a built-in model, or a file or folder of weights"))
      ->type_name("NAME|FILE|DIR");
}

void ModelOption::add_model_to(CLI::App& command) {
  add_model_to(command, "--model",
               "Weights: a built-in model (" + builtin_list() +
                   "), a .safetensors, .onnx, .pth, .h5, .keras or .tflite file, or a folder of text kernels")
      ->default_str(std::string(builtin_models().front().name) + ", or the one for the scale");
}

void ModelOption::add_scale_to(CLI::App& command) {
  command.add_option("--model-scale", scale, "Scale of the weights, if the file does not state it")
      ->check(CLI::Range(2, 4).description(""))
      ->type_name("2|3|4");
}

void ModelOption::add_scales_to(CLI::App& command) {
  command
      .add_option(
          "--scales", scales,
          "Scales and zero points of an integer port: JSON, {\"mapping 1\": {\"scale\": 0.01, \"zero_point\": 0, "
          "\"type\": \"int8\"}, ...}, or lines of NAME SCALE ZERO_POINT [TYPE]; NAME is a layer's name, key or "
          "number, or 'input'")
      ->check(not_empty("a file of scales"))
      ->type_name("FILE");
}

std::string ModelOption::name() const {
  if (!model.empty() && model != kAuto) return model;
  const std::string_view of_scale = scale ? builtin_model_for(*scale) : std::string_view();
  return std::string(of_scale.empty() ? builtin_models().front().name : of_scale);
}

Network ModelOption::load_weights() const {
  // Built-in models come before files: files in the current folder must not change the meaning of a name. Use ./NAME
  // for a file.
  if (std::optional<Network> builtin = builtin_network(name())) {
    if (scale && *scale != builtin->scale) {
      fail(ErrorCode::model, "the built-in model {} is for scale {}, not {}; choose other weights with --model", name(),
           builtin->scale, *scale);
    }
    return *builtin;
  }
  if (!std::filesystem::exists(name())) {
    fail(ErrorCode::model, "there is no file or built-in model '{}'; built-in models: {}", name(), builtin_list());
  }
  return load_network(name(), scale);
}

Network ModelOption::load() const {
  Network network = load_weights();
  if (!scales.empty()) {
    constexpr int64_t kMostBytes = 1 << 20;
    const std::vector<std::byte> text = read_file(scales, kMostBytes);
    apply_scales(network, {reinterpret_cast<const char*>(text.data()), text.size()}, scales);
  }
  return network;
}

Network ModelOption::load_with_scale() const {
  Network loaded = load();
  require_scale(loaded, name());
  return loaded;
}

}  // namespace fsrcnn::cli
