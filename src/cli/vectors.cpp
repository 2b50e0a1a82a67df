#include "porting/vectors.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/fixed_point_option.hpp"
#include "cli/model_option.hpp"
#include "porting/integer_vectors.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn::cli {

namespace {

struct VectorsOptions {
  ModelOption model;
  std::string input, output, style = "slides";
  FixedPointOption fixed_point;
};

const std::map<std::string, VectorStyle> kStyles = {{"slides", VectorStyle::slides},
                                                    {"deepc", VectorStyle::deepc},
                                                    {"zcu102", VectorStyle::zcu102},
                                                    {"npy", VectorStyle::npy},
                                                    {"mem", VectorStyle::mem}};

/// The type of a style of words; empty for int8.
std::optional<FixedPoint> fixed_point_of(const VectorsOptions& options) {
  if (options.style == "int8") return std::nullopt;
  std::optional<NumberType> type = parse_number_type(options.style);
  if (!type || type->kind != NumberType::Kind::fixed) {
    fail(ErrorCode::usage,
         "--style is '{}', but must be slides, deepc, zcu102, npy, mem, int8 or qM.N with M + N from 1 to 20",
         options.style);
  }
  options.fixed_point.apply_to(type->fixed);
  return type->fixed;
}

void write(const CLI::App& command, const VectorsOptions& options) {
  const auto style = kStyles.find(options.style);
  const bool is_float = style != kStyles.end();
  const std::optional<FixedPoint> type = is_float ? std::nullopt : fixed_point_of(options);
  for (const char* name : {"--rounding", "--overflow"}) {
    if (command.count(name) > 0 && !type) fail(ErrorCode::usage, "{} needs a style qM.N", name);
  }
  const Network network = options.model.load_with_scale();
  const Tensor<float> input = read_input(options.input, network);
  if (is_float) {
    write_vectors(network, input, style->second, options.input, options.output);
  } else {
    write_integer_vectors(type ? fixed_point_network(network, *type) : int8_network(network, input), input,
                          options.input, options.output);
  }
  fmt::print(
      "{0}: {1} layers\nto check your own in C: cd {0}, write it to layer.c, cc -O2 check.c layer.c -lm -o check && "
      "./check\n",
      options.output, network.layers.size());
  if (is_float) return;
  fmt::print(
      "in Verilog: write it to layer.v, iverilog -g2005 -o bench vectors.v bench.v layer.v && vvp bench\n"
      "README.md and manifest.json define the numbers\n");
}

}  // namespace

void add_vectors(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "vectors", "Write weights, an input and the expected output of each layer, with programs that check a port");
  const auto options = std::make_shared<VectorsOptions>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command
      ->add_option(
          "--input", options->input,
          "Input of the network: a dump, (1, 1, H, W) or for RGB (1, 3, H, W), or a picture, whose luma or RGB is used")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Output folder")->required()->type_name("DIR");
  command
      ->add_option(
          "--style", options->style,
          "npy; mem, float32 for $readmemh; int8, or qM.N (signed fixed point with M integer and N fraction bits, "
          "M + N up to 20): bit-exact integers for $readmemh, with a Verilog test bench; for FSRCNN only: slides, text "
          "for numpy.loadtxt; deepc, one text file per layer; zcu102, 8-bit weights")
      ->type_name("NAME")
      ->capture_default_str();
  options->fixed_point.add_to(*command);
  command->callback([command, options] { write(*command, *options); });
}

}  // namespace fsrcnn::cli
