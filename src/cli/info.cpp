#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "network/builtin.hpp"
#include "network/describe.hpp"

namespace fsrcnn::cli {
namespace {

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

/// Lines of cells, each column as wide as its widest cell; columns with only a title are omitted.
class Table {
 public:
  /// Columns of numbers are aligned at their right.
  explicit Table(std::vector<std::pair<std::string, bool>> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  void print() const {
    std::vector<size_t> widths(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
      if (widths[i] > 0) widths[i] = std::max(widths[i], columns_[i].first.size());
    }
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.first);
    print_row(titles, widths);
    for (const auto& row : rows_) print_row(row, widths);
  }

 private:
  void print_row(const std::vector<std::string>& cells, const std::vector<size_t>& widths) const {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (widths[i] == 0) continue;
      line += columns_[i].second ? fmt::format("{:>{}}  ", cells[i], widths[i])
                                 : fmt::format("{:<{}}  ", cells[i], widths[i]);
    }
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }

  std::vector<std::pair<std::string, bool>> columns_;
  std::vector<std::vector<std::string>> rows_;
};

std::string scale_text(const Network& network) {
  return network.scale == 0 ? "scale unknown (give it with --model-scale)" : fmt::format("scale {}", network.scale);
}

void print_layers(const Network& network) {
  Table table({{"", true},
               {"layer", false},
               {"operator", false},
               {"reads", false},
               {"weight", false},
               {"padding", false},
               {"activation", false},
               {"quantisation", false},
               {"parameters", true},
               {"multiply-adds/LR pixel", true}});
  const std::vector<ValueShape> shapes = value_shapes(network);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const int from = layer.inputs[0];
    const int64_t scale = from == kNetworkInput ? 1 : shapes[static_cast<size_t>(from)].scale;
    const bool has_parameters = layer.parameter_count() > 0;
    table.add({std::to_string(i + 1), layer.name, operator_text(layer), inputs_text(network, i),
               layer.has_weight() ? to_string(layer.weight.shape()) : "", padding_text(layer), activation_text(layer),
               quantisation_text(layer), has_parameters ? thousands(layer.parameter_count()) : "",
               layer.has_weight() ? thousands(layer.weight.count() * scale * scale) : ""});
  }
  table.add(
      {"", "total", "", "", "", "", "", "", thousands(network.parameter_count()), thousands(network.multiply_adds())});
  table.print();
}

void print_network(const Network& network, const std::string& name) {
  fmt::print("{}: {}, {}, {}{}\n", name, family_of(network), scale_text(network), channels_text(network),
             network.range == ValueRange::limited ? " of limited range" : "");
  fmt::print("hash {}\n\n", sha256(canonical_bytes(network)).substr(0, 16));
  if (network.input_quantisation) fmt::print("input quantisation: {}\n\n", to_string(*network.input_quantisation));
  print_layers(network);
  const int64_t multiply_adds = network.multiply_adds();
  fmt::print("\nOperations for each LR pixel (a multiply-add is two): {}\n", thousands(2 * multiply_adds));
  fmt::print("A 1920x1080 picture: {:.1f} GFLOP\n", 2e-9 * static_cast<double>(multiply_adds) * 1920 * 1080);
  for (const std::string& note : network.notes) fmt::print("Note: {}\n", note);
}

void print_builtin_models() {
  Table table({{"built-in model", false},
               {"scale", true},
               {"network", false},
               {"parameters", true},
               {"multiply-adds/LR pixel", true},
               {"for", false}});
  for (const BuiltinModel& builtin : builtin_models()) {
    const Network network = builtin_network(builtin.name).value();
    table.add({std::string(builtin.name), std::to_string(builtin.scale), family_of(network),
               thousands(network.parameter_count()), thousands(network.multiply_adds()), std::string(builtin.purpose)});
  }
  table.print();
}

}  // namespace

void add_info(CLI::App& app) {
  CLI::App* command = app.add_subcommand("info", "Print the layers, shapes, parameters and operations of a network");
  struct Options {
    ModelOption model;
    bool list = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::Option* const model =
      options->model.add_model_to(*command, "model", "Built-in model, or a file or folder of weights")
          ->default_str(std::string(builtin_models().front().name));
  options->model.add_scale_to(*command);
  options->model.add_scales_to(*command);
  command->add_flag("--list", options->list, "Print the built-in models")->excludes(model);
  command->callback([options] {
    if (options->list) return print_builtin_models();
    print_network(options->model.load(), options->model.name());
  });
}

}  // namespace fsrcnn::cli
