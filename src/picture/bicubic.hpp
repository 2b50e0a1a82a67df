#pragma once

#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

/// Every plane of `input` resized to height x width by the cubic kernel with a = -0.5 (Keys 1981), as MATLAB's
/// imresize(..., 'bicubic') does: pixel centres at half integers, the kernel widened when shrinking (antialiasing),
/// pictures mirrored at their edges. Neither rounded nor clamped. Computes in float64.
/// (N, C, H, W) -> (N, C, height, width). Throws Error(input) if a size is not positive.
Tensor<float> resize_bicubic(const Tensor<float>& input, int64_t height, int64_t width);

}  // namespace fsrcnn
