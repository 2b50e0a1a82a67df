#include "cli/conv_transpose2d_option.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

namespace fsrcnn::cli {
namespace {

/// A single value applies to both directions, as in PyTorch.
Pair to_pair(const std::vector<int64_t>& values) { return {values.front(), values.back()}; }

}  // namespace

void ConvTranspose2dOption::add_to(CLI::App& command, bool weight_required) {
  const auto file = [&](const char* names, std::string& value, const char* what) {
    return command.add_option(names, value, what)->type_name("FILE.npy");
  };
  const auto pair = [&](const char* name, std::vector<int64_t>& value, const char* what) {
    command.add_option(name, value, what)
        ->delimiter(',')
        ->expected(1, 2)
        ->type_name("H,W")
        ->default_str(fmt::format("{}", fmt::join(value, ",")));
  };
  file("--weight", weight, "Weight, (C, out/groups, kh, kw) or fewer axes")->required(weight_required);
  file("--bias", bias, "Bias, (out)");
  pair("--stride", stride, "Distance in the output between neighbouring input pixels");
  pair("--padding", padding, "Rows and columns cropped from each side of the full output");
  pair("--output-padding", output_padding, "Rows and columns added at the bottom and right");
  pair("--dilation", dilation, "Distance between kernel values");
  command.add_option("--groups", groups, "Number of groups of channels")->type_name("N")->capture_default_str();
}

ConvTranspose2dParams ConvTranspose2dOption::params() const {
  return {.stride = to_pair(stride),
          .padding = to_pair(padding),
          .output_padding = to_pair(output_padding),
          .dilation = to_pair(dilation),
          .groups = groups};
}

NpyArray read_npy(const std::string& path) { return parse_npy(read_file(path, physical_memory_bytes() / 4), path); }

template <class T>
Tensor<T> as(const NpyArray& array) {
  return std::visit(
      [](const auto& tensor) {
        return Tensor<T>(tensor.shape(), {tensor.values().begin(), tensor.values().end()});
      },
      array);
}

template <class T>
std::vector<T> bias_values(const NpyArray& array, const std::string& path) {
  const Tensor<T> tensor = as<T>(array);
  if (tensor.count() == 0 || tensor.shape().w != tensor.count()) {
    fail(ErrorCode::input, "{}: the bias has shape {}; expected one axis with one value per output channel", path,
         to_string(tensor.shape()));
  }
  return tensor.values();
}

template Tensor<float> as(const NpyArray&);
template Tensor<double> as(const NpyArray&);
template std::vector<float> bias_values(const NpyArray&, const std::string&);
template std::vector<double> bias_values(const NpyArray&, const std::string&);

}  // namespace fsrcnn::cli
