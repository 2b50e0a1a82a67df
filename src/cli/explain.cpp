#include "porting/explain.hpp"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/conv_transpose2d_option.hpp"
#include "cli/model_option.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn::cli {
namespace {

struct ExplainOptions {
  std::string what, input, output, format = "html";
  ModelOption model;
  ConvTranspose2dOption layer;
};

/// The slides' example, with what is given of its parameters.
ExplainedLayer example_with(const CLI::App& command, const ExplainOptions& options) {
  for (const char* name : {"--bias", "--groups"}) {
    if (command.count(name) > 0) fail(ErrorCode::usage, "{} needs --input and --weight, a layer of your own", name);
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
  if (options.what == "conv-transpose2d") {
    const ExplainedLayer layer = layer_of(command, options);
    return html ? explain_html(layer) : explain_text(layer);
  }
  if (options.input.empty()) {
    fail(ErrorCode::usage, "say what to explain: conv-transpose2d, or a network with --input (and --model)");
  }
  const Model model = options.model.load_with_scale();
  const Tensor<float> luma = read_luma(options.input);
  return html ? explain_html(model, luma, options.input) : explain_text(model, luma, options.input);
}

}  // namespace

void add_explain(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "explain", "Show a transposed convolution, or a network, step by step: a page for the browser, or text");
  const auto options = std::make_shared<ExplainOptions>();
  command
      ->add_option(
          "what", options->what,
          "conv-transpose2d: one layer, of small arrays; without them the slides' example. Left out: a network")
      ->check(CLI::IsMember({"conv-transpose2d"}).description(""))
      ->type_name("WHAT");
  command->add_option("--input", options->input, "Of the layer a .npy file; of the network a dump or a picture")
      ->type_name("FILE");
  options->layer.add_to(*command, false);
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command->add_option("--format", options->format, "html: one page that needs no network; text: for a terminal")
      ->check(CLI::IsMember({"html", "text"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "File to write; text is printed without it")->type_name("FILE");
  command->callback([command, options] {
    if (options->output.empty() && options->format == "html") {
      fail(ErrorCode::usage, "give the page a name with -o, or ask for --format text");
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
