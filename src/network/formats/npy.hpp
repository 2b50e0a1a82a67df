#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "base/file.hpp"
#include "base/tensor.hpp"

namespace fsrcnn {

/// An array of a NumPy file. Arrays of fewer than four axes get leading ones of extent 1:
/// an (H, W) array becomes (1, 1, H, W).
using NpyArray = std::variant<Tensor<float>, Tensor<double>>;

/// Reads a .npy file (numpy.lib.format, versions 1 to 3) of floats or integers of either byte order, in C or Fortran
/// order, of up to four axes. float16 becomes float32, integers become float64. `source` names the file in messages.
/// Throws Error(input).
NpyArray parse_npy(Bytes bytes, const std::string& source);

/// The bytes of a .npy file of version 1 with the tensor's four axes.
template <class T>
std::vector<std::byte> format_npy(const Tensor<T>& tensor);

/// The same of any axes, which the values must fill.
std::vector<std::byte> format_npy(const std::vector<float>& values, const std::vector<int64_t>& shape);

}  // namespace fsrcnn
