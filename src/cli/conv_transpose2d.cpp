#include "nn/conv_transpose2d.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/conv_transpose2d_option.hpp"
#include "cli/engine_option.hpp"

namespace fsrcnn::cli {
namespace {

struct OperatorOptions {
  std::string input, output, method = "reference";
  ConvTranspose2dOption layer;
};

template <class T>
Tensor<T> compute(const OperatorOptions& options, const Tensor<T>& input, const Tensor<T>& weight,
                  const std::vector<T>& bias) {
  const ConvTranspose2dParams params = options.layer.params();
  if (options.method == "slides") return conv_transpose2d_slides(input, weight, bias, params).output;
  if constexpr (std::is_same_v<T, float>) {
    if (options.method == "fast") return conv_transpose2d(input, weight, bias, params);
  }
  return conv_transpose2d_reference(input, weight, bias, params);
}

template <class T>
void run(const OperatorOptions& options, const NpyArray& input, const NpyArray& weight,
         const std::optional<NpyArray>& bias) {
  const std::vector<T> values = bias ? bias_values<T>(*bias, options.layer.bias) : std::vector<T>();
  const Tensor<T> output = compute<T>(options, as<T>(input), as<T>(weight), values);
  write_file(options.output, format_npy(output));
  fmt::print("{}: {} {}\n", options.output, to_string(output.shape()),
             std::is_same_v<T, float> ? "float32" : "float64");
}

void run(const OperatorOptions& options) {
  const NpyArray input = read_npy(options.input), weight = read_npy(options.layer.weight);
  std::optional<NpyArray> bias;
  if (!options.layer.bias.empty()) bias = read_npy(options.layer.bias);
  const auto is_double = [](const NpyArray& array) { return std::holds_alternative<Tensor<double>>(array); };
  if (!is_double(input) && !is_double(weight) && !(bias && is_double(*bias))) {
    return run<float>(options, input, weight, bias);
  }
  if (options.method == "fast") {
    fail(ErrorCode::usage,
         "--method fast computes in float32, but an array is float64; save it as float32, or use --method reference");
  }
  run<double>(options, input, weight, bias);
}

}  // namespace

void add_conv_transpose2d(CLI::App& app) {
  CLI::App* command = app.add_subcommand("conv-transpose2d", "Run PyTorch's ConvTranspose2d on NumPy files");
  const auto options = std::make_shared<OperatorOptions>();
  command->add_option("--input", options->input, "Input, (N, C, H, W) or fewer axes")
      ->type_name("FILE.npy")
      ->required();
  options->layer.add_to(*command, true);
  command
      ->add_option("--method", options->method,
                   "reference: the direct definition; slides: insert zeros and turn the kernel; fast: phases, with "
                   "SIMD and another order of additions")
      ->check(CLI::IsMember({"reference", "slides", "fast"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  add_threads_option(*command);
  command->add_option("-o,--output", options->output, "Output, (N, out, H', W')")->type_name("FILE.npy")->required();
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
