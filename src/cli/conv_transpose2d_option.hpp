#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/tensor.hpp"
#include "network/formats/npy.hpp"
#include "nn/params.hpp"

namespace fsrcnn::cli {

/// The options that describe a transposed convolution: --weight, --bias, --stride and so on, as PyTorch names them.
struct ConvTranspose2dOption {
  std::string weight, bias;
  std::vector<int64_t> stride = {1}, padding = {0}, output_padding = {0}, dilation = {1};
  int64_t groups = 1;

  /// Adds them; the caller adds --input.
  void add_to(CLI::App& command, bool weight_required);
  ConvTranspose2dParams params() const;
};

/// Throws Error(io), Error(input).
NpyArray read_npy(const std::string& path);

/// An array as this type.
template <class T>
Tensor<T> as(const NpyArray& array);

/// The values of a bias. Throws Error(input) naming the file if it has not one axis.
template <class T>
std::vector<T> bias_values(const NpyArray& array, const std::string& path);

}  // namespace fsrcnn::cli
