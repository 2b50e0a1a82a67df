#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "model/formats/weights_file.hpp"

namespace fsrcnn::cli {

void add_convert(CLI::App& app) {
  CLI::App* command = app.add_subcommand("convert", "Convert weights from one form to another");
  struct Options {
    ModelOption source;
    std::string destination;
  };
  const auto options = std::make_shared<Options>();
  command
      ->add_option("source", options->source.model,
                   "A compiled-in model, .safetensors, .pth, or a folder of text kernels")
      ->required()
      ->type_name("NAME|FILE");
  command
      ->add_option("destination", options->destination,
                   "To write: .safetensors, .pth, or a name ending in '/' for a folder of text kernels")
      ->required()
      ->type_name("FILE|FOLDER/");
  options->source.add_scale_to(*command);
  command->callback([options] {
    const Model model = options->source.load();
    save_model(model, options->destination);
    fmt::print("{}: FSRCNN({}, {}, {})", options->destination, model.d, model.s, model.m);
    if (options->destination.ends_with(".safetensors")) {
      fmt::print(", scale {}\n", model.scale == 0 ? "unknown" : std::to_string(model.scale));
      return;
    }
    fmt::print("; the form has no place for the scale: use it with --model-scale {}\n",
               model.scale == 0 ? "N" : std::to_string(model.scale));
    if (model.padding_mode == PaddingMode::replicate) {
      fmt::print(
          "Nor has it one for the padding: the model has replicate padding, and will be read as one with zeros.\n");
    }
  });
}

}  // namespace fsrcnn::cli
