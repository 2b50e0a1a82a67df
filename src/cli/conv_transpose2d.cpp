#include "nn/conv_transpose2d.hpp"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "model/formats/npy.hpp"

namespace fsrcnn::cli {
namespace {

struct Options {
  std::string input, weight, bias, output, method = "reference";
  std::vector<int64_t> stride = {1}, padding = {0}, output_padding = {0}, dilation = {1};
  int64_t groups = 1;
};

/// One value stands for both directions, as in PyTorch.
Pair to_pair(const std::vector<int64_t>& values) { return {values.front(), values.back()}; }

NpyArray read_npy(const std::string& path) { return parse_npy(read_file(path, physical_memory_bytes() / 4), path); }

template <class T>
Tensor<T> as(NpyArray array) {
  return std::visit(
      [](auto& tensor) {
        return Tensor<T>(tensor.shape(), {tensor.values().begin(), tensor.values().end()});
      },
      array);
}

template <class T>
Tensor<T> compute(const Options& options, const Tensor<T>& input, const Tensor<T>& weight, const std::vector<T>& bias) {
  const ConvTranspose2dParams params{.stride = to_pair(options.stride),
                                     .padding = to_pair(options.padding),
                                     .output_padding = to_pair(options.output_padding),
                                     .dilation = to_pair(options.dilation),
                                     .groups = options.groups};
  if (options.method == "slides") return conv_transpose2d_slides(input, weight, bias, params).output;
  if constexpr (std::is_same_v<T, float>) {
    if (options.method == "fast") return conv_transpose2d(input, weight, bias, params);
  }
  return conv_transpose2d_reference(input, weight, bias, params);
}

template <class T>
void run(const Options& options, NpyArray input, NpyArray weight, std::optional<NpyArray> bias) {
  std::vector<T> bias_values;
  if (bias) {
    const Tensor<T> tensor = as<T>(*std::move(bias));
    if (tensor.count() == 0 || tensor.shape().w != tensor.count()) {
      fail(ErrorCode::input, "{}: the bias has shape {}, but one axis with a value for each output channel is expected",
           options.bias, to_string(tensor.shape()));
    }
    bias_values = tensor.values();
  }
  const Tensor<T> output = compute<T>(options, as<T>(std::move(input)), as<T>(std::move(weight)), bias_values);
  write_file(options.output, format_npy(output));
  fmt::print("{}: {} {}\n", options.output, to_string(output.shape()),
             std::is_same_v<T, float> ? "float32" : "float64");
}

void run(const Options& options) {
  NpyArray input = read_npy(options.input), weight = read_npy(options.weight);
  std::optional<NpyArray> bias;
  if (!options.bias.empty()) bias = read_npy(options.bias);
  const auto is_double = [](const NpyArray& array) { return std::holds_alternative<Tensor<double>>(array); };
  if (!is_double(input) && !is_double(weight) && !(bias && is_double(*bias))) {
    return run<float>(options, std::move(input), std::move(weight), std::move(bias));
  }
  if (options.method == "fast") {
    fail(ErrorCode::usage,
         "--method fast computes in float32, but an array is float64; save it as float32, or use reference");
  }
  run<double>(options, std::move(input), std::move(weight), std::move(bias));
}

}  // namespace

void add_conv_transpose2d(CLI::App& app) {
  CLI::App* command = app.add_subcommand("conv-transpose2d", "Run PyTorch's ConvTranspose2d on NumPy files");
  const auto options = std::make_shared<Options>();
  const auto file = [&](const char* names, std::string& value, const char* what) {
    return command->add_option(names, value, what)->type_name("FILE.npy");
  };
  const auto pair = [&](const char* name, std::vector<int64_t>& value, const char* what) {
    command->add_option(name, value, what)->delimiter(',')->expected(1, 2)->type_name("H,W")->capture_default_str();
  };
  file("--input", options->input, "(N, C, H, W), or fewer axes")->required();
  file("--weight", options->weight, "(C, out/groups, kh, kw), or fewer axes")->required();
  file("--bias", options->bias, "(out)");
  pair("--stride", options->stride, "Step of the output between input pixels");
  pair("--padding", options->padding, "Rows and columns cut off the full output on each side");
  pair("--output-padding", options->output_padding, "Rows and columns added at the bottom and right");
  pair("--dilation", options->dilation, "Distance between the kernel's values");
  command->add_option("--groups", options->groups, "Groups of channels that do not see each other")
      ->capture_default_str();
  command
      ->add_option("--method", options->method,
                   "reference: the direct definition; slides: zeros inserted and the kernel turned; fast: by phases, "
                   "with vectors, in another order of additions")
      ->check(CLI::IsMember({"reference", "slides", "fast"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  file("-o,--output", options->output, "(N, out, H', W')")->required();
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
