#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

class PackedConv;

/// (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1, the formula of the slides and of
/// torch.nn.ConvTranspose2d, with all arguments checked as PyTorch checks them.
/// Throws Error(input) naming the parameter, its value and the rule.
Shape conv_transpose2d_output_shape(const Shape& input, const Shape& weight, int64_t bias_count,
                                    const ConvTranspose2dParams& params);

/// torch.nn.functional.conv_transpose2d by its direct definition: input pixel (iy, ix) adds itself times weight
/// (ky, kx) to output pixel (iy * stride - padding + ky * dilation, the same for x).
///
/// input (N, C, H, W), weight (C, O/groups, kh, kw), bias (O) or empty -> (N, O, H', W').
/// An output starts with its bias and adds input channels, kernel rows and kernel columns in this order, in T.
/// Throws Error(input) as conv_transpose2d_output_shape does.
template <class T>
Tensor<T> conv_transpose2d_reference(const Tensor<T>& input, const Tensor<T>& weight, const std::vector<T>& bias,
                                     const ConvTranspose2dParams& params, ThreadPool& pool = default_thread_pool());

/// Every intermediate tensor of the slides' recipe.
template <class T>
struct ConvTranspose2dSteps {
  Tensor<T> zeros_inserted;  ///< (N, C, (H-1)*stride+1, ...): stride - 1 zeros between the pixels
  Tensor<T> padded;         ///< padding' = dilation*(kernel-1) - padding around, output_padding at the bottom and right
  Tensor<T> kernel_turned;  ///< (O, C/groups, kh, kw): turned by 180 degrees, channels in conv2d's order
  Tensor<T> output;         ///< conv2d of the two with stride 1
};

/// The same operator by the slides' recipe: zeros between the pixels, padding, kernel turned, plain convolution.
/// Where padding exceeds dilation*(kernel-1), padding' is negative and crops rows and columns.
template <class T>
ConvTranspose2dSteps<T> conv_transpose2d_slides(const Tensor<T>& input, const Tensor<T>& weight,
                                                const std::vector<T>& bias, const ConvTranspose2dParams& params,
                                                ThreadPool& pool = default_thread_pool());

/// torch.nn.ConvTranspose2d with its weights packed once: the same operator, fast. An output's products are added in an
/// order that depends on shapes alone, not on the number of threads, but is not the reference's, and multiply-adds are
/// fused.
class ConvTranspose2d {
 public:
  /// weight (C, O/groups, kh, kw), bias (O) or empty. cpu: a name of cpu_names() ("reference": the plain loops), or
  /// empty for choose_cpu's. Throws Error(usage) for any other, and Error(input) for a weight or parameters that no
  /// input could fit.
  ConvTranspose2d(const Tensor<float>& weight, const std::vector<float>& bias, const ConvTranspose2dParams& params,
                  std::string_view cpu = {});

  /// Throws Error(input) as conv_transpose2d_output_shape does.
  Shape output_shape(const Shape& input) const;
  Tensor<float> operator()(const Tensor<float>& input, ThreadPool& pool = default_thread_pool()) const;
  /// The same into `output`, which has room for output_shape(input.shape).
  void operator()(const ConstTensorView& input, float* output, ThreadPool& pool = default_thread_pool()) const;

 private:
  Tensor<float> weight_;  // with "reference"; else only its shape is kept
  Shape weight_shape_;
  std::vector<float> bias_;
  ConvTranspose2dParams params_;
  std::shared_ptr<const PackedConv> packed_;  // null with "reference"
};

/// ConvTranspose2d for a single use.
Tensor<float> conv_transpose2d(const Tensor<float>& input, const Tensor<float>& weight, const std::vector<float>& bias,
                               const ConvTranspose2dParams& params, ThreadPool& pool = default_thread_pool());

}  // namespace fsrcnn
