#pragma once

#include <vector>

#include "base/tensor.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// floor((in + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1, the formula of torch.nn.Conv2d, with all
/// arguments checked as PyTorch checks them. Throws Error(input) naming the parameter, its value and the rule.
Shape conv2d_output_shape(const Shape& input, const Shape& weight, int64_t bias_count, const Conv2dParams& params);

/// torch.nn.functional.conv2d (a cross-correlation: the kernel is not turned), by plain loops.
///
/// input (N, C, H, W), weight (O, C/groups, kh, kw), bias (O) or empty -> (N, O, H', W').
/// An output starts with its bias and adds input channels, kernel rows and kernel columns in this order, in T.
/// Throws Error(input) as conv2d_output_shape does.
template <class T>
Tensor<T> conv2d_reference(const Tensor<T>& input, const Tensor<T>& weight, const std::vector<T>& bias,
                           const Conv2dParams& params);

}  // namespace fsrcnn
