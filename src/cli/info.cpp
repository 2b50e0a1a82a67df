#include <memory>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "model/builtin.hpp"

namespace fsrcnn::cli {
namespace {

struct Cost {
  int64_t parameters = 0, multiply_adds = 0;
};

Cost cost_of(const Model& model) {
  Cost cost;
  for (const Layer& layer : model.layers) {
    cost.parameters += layer.parameter_count();
    cost.multiply_adds += layer.multiply_adds();
  }
  return cost;
}

/// 12464 -> "12,464"
std::string thousands(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

void print_model(const Model& model, const std::string& name) {
  fmt::print("{}: FSRCNN({}, {}, {}), scale {}, {} padding{}\n\n", name, model.d, model.s, model.m,
             model.scale == 0 ? "unknown (give it with --model-scale)" : std::to_string(model.scale),
             model.padding_mode == PaddingMode::zeros ? "zero" : "replicate",
             model.deconvolution_border > 0 ? ", a replicated pixel around the deconvolution's input" : "");
  fmt::print("{:<20} {:<14} {:<18} {:<12} {:>10} {:>22}\n", "layer", "tensors", "weight", "PReLU", "parameters",
             "multiply-adds/LR pixel");
  for (const Layer& layer : model.layers) {
    const std::string slopes = layer.slope.empty()       ? "none"
                               : layer.slope.size() == 1 ? "one slope"
                                                         : fmt::format("{} slopes", layer.slope.size());
    fmt::print("{:<20} {:<14} {:<18} {:<12} {:>10} {:>22}\n", layer.name, layer.key, to_string(layer.weight.shape()),
               slopes, thousands(layer.parameter_count()), thousands(layer.multiply_adds()));
  }
  const auto [parameters, multiply_adds] = cost_of(model);
  fmt::print("{:<67} {:>10} {:>22}\n", "total", thousands(parameters), thousands(multiply_adds));
  fmt::print("\nOperations for each LR pixel (a multiply-add is two): {}\n", thousands(2 * multiply_adds));
  fmt::print("A 1920x1080 picture: {:.1f} GFLOP\n", 2e-9 * static_cast<double>(multiply_adds) * 1920 * 1080);
}

void print_builtin_models() {
  fmt::print("{:<16} {:>5}  {:<17} {:>10} {:>22}  {}\n", "compiled in", "scale", "network", "parameters",
             "multiply-adds/LR pixel", "for");
  for (const BuiltinModel& builtin : builtin_models()) {
    const Model model = builtin_model(builtin.name).value();
    const auto [parameters, multiply_adds] = cost_of(model);
    fmt::print("{:<16} {:>5}  {:<17} {:>10} {:>22}  {}\n", builtin.name, builtin.scale,
               fmt::format("FSRCNN({}, {}, {})", model.d, model.s, model.m), thousands(parameters),
               thousands(multiply_adds), builtin.purpose);
  }
}

}  // namespace

void add_info(CLI::App& app) {
  CLI::App* command = app.add_subcommand("info", "Print the layers, shapes, parameters and operations of a network");
  struct Options {
    ModelOption model;
    bool list = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::Option* const model = command
                                 ->add_option("model", options->model.model,
                                              "A compiled-in model, a file or a folder of weights; default: " +
                                                  std::string(builtin_models().front().name))
                                 ->type_name("NAME|FILE");
  options->model.add_scale_to(*command);
  command->add_flag("--list", options->list, "Print the models that are compiled in")->excludes(model);
  command->callback([options] {
    if (options->list) return print_builtin_models();
    print_model(options->model.load(), options->model.name());
  });
}

}  // namespace fsrcnn::cli
