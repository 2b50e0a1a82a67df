#include "porting/trace.hpp"

#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"

namespace fsrcnn::cli {

void add_trace(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "trace", "Write every tensor on the way through the network, and each step of the deconvolution");
  struct Options {
    ModelOption model;
    TraceOptions trace;
    std::string input, output, type = "float32", rounding = "half-up", overflow = "saturate", format = "npy";
  };
  const auto options = std::make_shared<Options>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command->add_option("--input", options->input, "Luma as a dump (1, 1, H, W), or a picture, whose luma is taken")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Folder to write")->required()->type_name("FOLDER");
  const auto choice = [&](const char* name, std::string& value, const char* what, const std::vector<std::string>& of) {
    command->add_option(name, value, what)
        ->check(CLI::IsMember(of).description(""))
        ->type_name("NAME")
        ->capture_default_str();
  };
  choice("--format", options->format, "npy; txt, for numpy.loadtxt; hex, for $readmemh; header, for C",
         {"npy", "txt", "hex", "header"});
  command
      ->add_option("--type", options->type,
                   "What is computed in: float32, float64, or qM.N: signed fixed point with M integer and N fraction "
                   "bits, M + N up to 20")
      ->type_name("TYPE")
      ->capture_default_str();
  choice("--rounding", options->rounding, "Of fixed point: half-up, half-even, down (bits dropped), zero",
         {"half-up", "half-even", "down", "zero"});
  choice("--overflow", options->overflow, "Of fixed point: saturate, wrap", {"saturate", "wrap"});
  command->add_option("--layers", options->trace.layers, "Parts of names of layers or steps; default: all")
      ->delimiter(',')
      ->type_name("NAME,...");
  command->callback([options] {
    const std::map<std::string, TensorFormat> formats = {{"npy", TensorFormat::npy},
                                                         {"txt", TensorFormat::txt},
                                                         {"hex", TensorFormat::hex},
                                                         {"header", TensorFormat::header}};
    const std::map<std::string, Rounding> roundings = {{"half-up", Rounding::half_up},
                                                       {"half-even", Rounding::half_even},
                                                       {"down", Rounding::down},
                                                       {"zero", Rounding::toward_zero}};
    const std::optional<NumberType> type = parse_number_type(options->type);
    if (!type) {
      fail(ErrorCode::usage, "--type is '{}', but must be float32, float64 or qM.N with M + N from 1 to 20",
           options->type);
    }
    TraceOptions& trace = options->trace;
    trace.type = *type;
    trace.type.fixed.rounding = roundings.at(options->rounding);
    trace.type.fixed.overflow = options->overflow == "wrap" ? Overflow::wrap : Overflow::saturate;
    trace.format = formats.at(options->format);
    const Model model = options->model.load_with_scale();
    trace.model_name = options->model.model.empty() ? "compiled-in" : options->model.model;
    trace.input_name = options->input;
    const std::vector<TraceEntry> entries = write_trace(model, read_luma(options->input), trace, options->output);
    fmt::print("{:<42} {:<20} {:>12} {:>12} {:>12}\n", "file", "shape", "min", "max", "mean");
    for (const TraceEntry& e : entries) {
      fmt::print("{:<42} {:<20} {:>12.5g} {:>12.5g} {:>12.5g}\n", e.file, to_string(e.shape), e.min, e.max, e.mean);
    }
    fmt::print("{}: {} tensors in {}, and manifest.json\n", options->output, entries.size(), options->type);
  });
}

}  // namespace fsrcnn::cli
