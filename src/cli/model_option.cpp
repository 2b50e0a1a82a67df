#include "cli/model_option.hpp"

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "model/builtin.hpp"
#include "model/formats/weights_file.hpp"

namespace fsrcnn::cli {
std::string builtin_list() {
  std::string list;
  for (const BuiltinModel& model : builtin_models()) list += (list.empty() ? "" : ", ") + std::string(model.name);
  return list;
}

void ModelOption::add_model_to(CLI::App& command) {
  command
      .add_option("--model", model,
                  "Weights: a compiled-in model (" + builtin_list() +
                      "), a .safetensors or .pth file, or a folder of text kernels. Default: " +
                      std::string(builtin_models().front().name) + ", or the one of the scale that is asked for")
      ->type_name("NAME|FILE");
}

void ModelOption::add_scale_to(CLI::App& command) {
  command.add_option("--model-scale", scale, "Scale of the weights, for files that do not tell it")
      ->check(CLI::Range(2, 4).description(""))
      ->type_name("2|3|4");
}

std::string ModelOption::name() const {
  if (!model.empty()) return model;
  const std::string_view of_scale = scale ? builtin_model_for(*scale) : std::string_view();
  return std::string(of_scale.empty() ? builtin_models().front().name : of_scale);
}

Model ModelOption::load() const {
  // Before files: what lies in the current folder must not change what a name means. A file can be given as ./NAME.
  if (const std::optional<Model> builtin = builtin_model(name())) {
    if (scale && *scale != builtin->scale) {
      fail(ErrorCode::model, "the compiled-in model {} is for scale {}, not {}; give other weights with --model",
           name(), builtin->scale, *scale);
    }
    return *builtin;
  }
  if (!std::filesystem::exists(name())) {
    fail(ErrorCode::model, "there is no file '{}', nor a compiled-in model of this name; compiled in: {}", name(),
         builtin_list());
  }
  return load_model(name(), scale);
}

Model ModelOption::load_with_scale() const {
  Model loaded = load();
  require_scale(loaded, name());
  return loaded;
}

}  // namespace fsrcnn::cli
