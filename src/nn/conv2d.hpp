#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

class PackedConv;

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
                           const Conv2dParams& params, ThreadPool& pool = default_thread_pool());

/// torch.nn.Conv2d with its weights packed once: the same operator, fast. An output's products are added in an order
/// that depends on shapes alone, not on the number of threads, but is not the reference's, and multiply-adds are fused.
class Conv2d {
 public:
  /// weight (O, C/groups, kh, kw), bias (O) or empty. cpu: a name of cpu_names() ("reference": the plain loops), or
  /// empty for choose_cpu's. Throws Error(usage) for any other, and Error(input) for a weight or parameters that no
  /// input could fit.
  Conv2d(const Tensor<float>& weight, const std::vector<float>& bias, const Conv2dParams& params,
         std::string_view cpu = {});

  /// Throws Error(input) as conv2d_output_shape does.
  Shape output_shape(const Shape& input) const;
  Tensor<float> operator()(const Tensor<float>& input, ThreadPool& pool = default_thread_pool()) const;
  /// The same into `output`, which has room for output_shape(input.shape).
  void operator()(const ConstTensorView& input, float* output, ThreadPool& pool = default_thread_pool()) const;

 private:
  Tensor<float> weight_;  // with "reference"; else only its shape is kept
  Shape weight_shape_;
  std::vector<float> bias_;
  Conv2dParams params_;
  std::shared_ptr<const PackedConv> packed_;  // null with "reference"
};

/// Conv2d for a single use.
Tensor<float> conv2d(const Tensor<float>& input, const Tensor<float>& weight, const std::vector<float>& bias,
                     const Conv2dParams& params, ThreadPool& pool = default_thread_pool());

}  // namespace fsrcnn
