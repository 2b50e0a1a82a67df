#pragma once

#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"

namespace fsrcnn {

/// torch.nn.functional.interpolate's modes of these names, with align_corners=False.
enum class Interpolation { nearest, bilinear, bicubic };

/// Output pixel factor * x + phase is the sum of weights[i] * input[x + first + i]. Beyond its edges the input is
/// replicated.
struct InterpolationTaps {
  int64_t first;
  std::vector<double> weights;
};

/// cubic_coefficient: of bicubic (Keys' a; -0.75 in PyTorch). 0 <= phase < factor.
InterpolationTaps interpolation_taps(Interpolation mode, int64_t factor, int64_t phase, double cubic_coefficient);

/// (N, C, H, W) -> (N, C, factor*H, factor*W), rows first, then columns. Throws Error(input) if factor < 1.
template <class T>
Tensor<T> interpolate(const Tensor<T>& input, int64_t factor, Interpolation mode, double cubic_coefficient = -0.75,
                      ThreadPool& pool = default_thread_pool());

}  // namespace fsrcnn
