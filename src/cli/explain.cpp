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

ExplainedLayer layer_of(const ExplainOptions& options) {
  if (options.input.empty() && options.layer.weight.empty()) return slides_example();
  if (options.input.empty() || options.layer.weight.empty()) {
    fail(ErrorCode::usage, "give both --input and --weight, or neither for the slides' example");
  }
  ExplainedLayer layer{.input = as<double>(read_npy(options.input)),
                       .weight = as<double>(read_npy(options.layer.weight)),
                       .params = options.layer.params()};
  if (!options.layer.bias.empty()) layer.bias = bias_values<double>(read_npy(options.layer.bias), options.layer.bias);
  return layer;
}

std::string explain(const ExplainOptions& options) {
  const bool html = options.format == "html";
  if (options.what == "conv-transpose2d") {
    const ExplainedLayer layer = layer_of(options);
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
  command->callback([options] {
    if (options->output.empty() && options->format == "html") {
      fail(ErrorCode::usage, "give the page a name with -o, or ask for --format text");
    }
    const std::string text = explain(*options);
    if (options->output.empty()) {
      fmt::print("{}", text);
      return;
    }
    write_file(options->output, as_bytes(text));
    fmt::print("{}: {} KiB\n", options->output, (text.size() + 1023) / 1024);
  });
}

}  // namespace fsrcnn::cli
