#include "porting/trace.hpp"

#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/fixed_point_option.hpp"
#include "cli/model_option.hpp"

namespace fsrcnn::cli {

void add_trace(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("trace", "Write every tensor of the network, and each step of its transposed convolutions");
  struct Options {
    ModelOption model;
    TraceOptions trace;
    std::string input, output, type = "float32", format = "npy";
    FixedPointOption fixed_point;
  };
  const auto options = std::make_shared<Options>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command
      ->add_option(
          "--input", options->input,
          "Input of the network: a dump, (1, 1, H, W) or for RGB (1, 3, H, W), or a picture, whose luma or RGB is used")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Output folder")->required()->type_name("DIR");
  command->add_option("--format", options->format, "npy; txt, for numpy.loadtxt; hex, for $readmemh; header, for C")
      ->check(CLI::IsMember({"npy", "txt", "hex", "header"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--type", options->type,
                   "Number type to compute in: float32, float64, or qM.N: signed fixed point with M integer and N "
                   "fraction bits, M + N up to 20")
      ->type_name("TYPE")
      ->capture_default_str();
  options->fixed_point.add_to(*command);
  command->add_option("--layers", options->trace.layers, "Only layers or steps whose names contain one of these")
      ->default_str("all")
      ->delimiter(',')
      ->type_name("NAME,...");
  command->callback([options] {
    const std::map<std::string, TensorFormat> formats = {{"npy", TensorFormat::npy},
                                                         {"txt", TensorFormat::txt},
                                                         {"hex", TensorFormat::hex},
                                                         {"header", TensorFormat::header}};
    const std::optional<NumberType> type = parse_number_type(options->type);
    if (!type) {
      fail(ErrorCode::usage, "--type is '{}', but must be float32, float64 or qM.N with M + N from 1 to 20",
           options->type);
    }
    TraceOptions& trace = options->trace;
    trace.type = *type;
    options->fixed_point.apply_to(trace.type.fixed);
    trace.format = formats.at(options->format);
    const Network network = options->model.load_with_scale();
    const Tensor<float> input = read_input(options->input, network);
    trace.model_name = options->model.model.empty() ? "compiled-in" : options->model.model;
    trace.input_name = options->input;
    const std::vector<TraceEntry> entries = write_trace(network, input, trace, options->output);
    fmt::print("{:<42} {:<20} {:>12} {:>12} {:>12}\n", "file", "shape", "min", "max", "mean");
    for (const TraceEntry& e : entries) {
      fmt::print("{:<42} {:<20} {:>12.5g} {:>12.5g} {:>12.5g}\n", e.file, to_string(e.shape), e.min, e.max, e.mean);
    }
    fmt::print("{}: {} tensors in {}, and manifest.json\n", options->output, entries.size(), options->type);
  });
}

}  // namespace fsrcnn::cli
