#include "porting/explain.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/conv_transpose2d_option.hpp"
#include "cli/model_option.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn::cli {
namespace {

struct ExplainOptions {
  std::string what, input, output, format = "html";
  std::vector<int64_t> at;
  ModelOption model;
  ConvTranspose2dOption layer;
};

/// The slides' example, with the given parameters.
ExplainedLayer example_with(const CLI::App& command, const ExplainOptions& options) {
  for (const char* name : {"--bias", "--groups"}) {
    if (command.count(name) > 0) fail(ErrorCode::usage, "{} needs a layer of your own: --input and --weight", name);
  }
  ExplainedLayer layer = slides_example();
  const ConvTranspose2dParams given = options.layer.params();
  if (command.count("--stride") > 0) layer.params.stride = given.stride;
  if (command.count("--padding") > 0) layer.params.padding = given.padding;
  if (command.count("--output-padding") > 0) layer.params.output_padding = given.output_padding;
  if (command.count("--dilation") > 0) layer.params.dilation = given.dilation;
  return layer;
}

ExplainedLayer layer_of(const CLI::App& command, const ExplainOptions& options) {
  if (options.input.empty() && options.layer.weight.empty()) return example_with(command, options);
  if (options.input.empty() || options.layer.weight.empty()) {
    fail(ErrorCode::usage, "give both --input and --weight, or neither for the slides' example");
  }
  ExplainedLayer layer{.input = as<double>(read_npy(options.input)),
                       .weight = as<double>(read_npy(options.layer.weight)),
                       .params = options.layer.params()};
  if (!options.layer.bias.empty()) layer.bias = bias_values<double>(read_npy(options.layer.bias), options.layer.bias);
  return layer;
}

std::string explain(const CLI::App& command, const ExplainOptions& options) {
  const bool html = options.format == "html";
  const std::optional<Pair> at =
      options.at.empty() ? std::nullopt : std::optional<Pair>({options.at.front(), options.at.back()});
  if (options.what == "conv-transpose2d") {
    const ExplainedLayer layer = layer_of(command, options);
    return html ? explain_html(layer, at) : explain_text(layer, at);
  }
  if (options.input.empty()) {
    fail(ErrorCode::usage, "name what to explain: conv-transpose2d, or a network with --input (and --model)");
  }
  const Network network = options.model.load_with_scale();
  const Tensor<float> input = read_input(options.input, network);
  return html ? explain_html(network, input, options.input, at) : explain_text(network, input, options.input, at);
}

}  // namespace

void add_explain(CLI::App& app) {
  CLI::App* command = app.add_subcommand("explain",
                                         "Explain a transposed convolution, or every layer of a network, step by step, "
                                         "as a page for the browser or as text");
  const auto options = std::make_shared<ExplainOptions>();
  command
      ->add_option("what", options->what,
                   "conv-transpose2d: one layer, of small arrays (--input, --weight) or the slides' example. If "
                   "omitted: a network")
      ->check(CLI::IsMember({"conv-transpose2d"}).description(""))
      ->type_name("WHAT");
  command->add_option("--input", options->input, "For a layer a .npy file; for a network a dump or a picture")
      ->type_name("FILE");
  command->add_option("--at", options->at, "Output pixel to explain: its row and column, counted from 0")
      ->default_str("1,1 of a layer, the middle of a network")
      ->delimiter(',')
      ->expected(2)
      ->type_name("ROW,COL");
  options->layer.add_to(*command, false);
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command->add_option("--format", options->format, "html: one self-contained page; text: for a terminal")
      ->check(CLI::IsMember({"html", "text"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Output file; without it, text is printed")->type_name("FILE");
  command->callback([command, options] {
    if (options->output.empty() && options->format == "html") {
      fail(ErrorCode::usage, "name the page with -o, or use --format text");
    }
    const std::string text = explain(*command, *options);
    if (options->output.empty()) {
      fmt::print("{}", text);
      return;
    }
    write_file(options->output, as_bytes(text));
    fmt::print("{}: {} KiB\n", options->output, (text.size() + 1023) / 1024);
  });
}

}  // namespace fsrcnn::cli
