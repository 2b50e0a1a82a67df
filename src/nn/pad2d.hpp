#pragma once

#include <cstdint>

#include "base/tensor.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// Rows and columns to add on each side; negative values crop.
struct Margins {
  int64_t top, bottom, left, right;
};

/// torch.nn.functional.pad: (N, C, H, W) -> (N, C, top + H + bottom, left + W + right).
/// Throws Error(input) if nothing is left.
template <class T>
Tensor<T> pad2d(const Tensor<T>& input, const Margins& margins, PaddingMode mode);

}  // namespace fsrcnn
