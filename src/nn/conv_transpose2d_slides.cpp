#include <utility>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {
namespace {

/// z = stride - 1 zeros between the rows and the columns.
template <class T>
Tensor<T> insert_zeros(const Tensor<T>& input, const Pair& stride) {
  const auto [n, c, h, w] = input.shape();
  Tensor<T> output({n, c, (h - 1) * stride.h + 1, (w - 1) * stride.w + 1});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) output(i, k, y * stride.h, x * stride.w) = input(i, k, y, x);
  return output;
}

/// (C, O/groups, kh, kw) -> (O, C/groups, kh, kw), each kernel upside down and mirrored.
template <class T>
Tensor<T> turn_kernel(const Tensor<T>& weight, int64_t groups) {
  const auto [in_channels, out_per_group, kh, kw] = weight.shape();
  const int64_t in_per_group = in_channels / groups;
  Tensor<T> turned({out_per_group * groups, in_per_group, kh, kw});
  for (int64_t i = 0; i < in_channels; ++i)
    for (int64_t o = 0; o < out_per_group; ++o)
      for (int64_t y = 0; y < kh; ++y)
        for (int64_t x = 0; x < kw; ++x)
          turned(i / in_per_group * out_per_group + o, i % in_per_group, y, x) = weight(i, o, kh - 1 - y, kw - 1 - x);
  return turned;
}

}  // namespace

template <class T>
ConvTranspose2dSteps<T> conv_transpose2d_slides(const Tensor<T>& input, const Tensor<T>& weight,
                                                const std::vector<T>& bias, const ConvTranspose2dParams& p,
                                                ThreadPool& pool) {
  conv_transpose2d_output_shape(input.shape(), weight.shape(), static_cast<int64_t>(bias.size()), p);
  const int64_t pad_h = p.dilation.h * (weight.shape().h - 1) - p.padding.h;
  const int64_t pad_w = p.dilation.w * (weight.shape().w - 1) - p.padding.w;

  ConvTranspose2dSteps<T> steps;
  steps.zeros_inserted = insert_zeros(input, p.stride);
  steps.padded = pad2d(steps.zeros_inserted, {pad_h, pad_h + p.output_padding.h, pad_w, pad_w + p.output_padding.w},
                       PaddingMode::zeros);
  steps.kernel_turned = turn_kernel(weight, p.groups);
  steps.output =
      conv2d_reference(steps.padded, steps.kernel_turned, bias, {.dilation = p.dilation, .groups = p.groups}, pool);
  return steps;
}

template ConvTranspose2dSteps<float> conv_transpose2d_slides(const Tensor<float>&, const Tensor<float>&,
                                                             const std::vector<float>&, const ConvTranspose2dParams&,
                                                             ThreadPool&);
template ConvTranspose2dSteps<double> conv_transpose2d_slides(const Tensor<double>&, const Tensor<double>&,
                                                              const std::vector<double>&, const ConvTranspose2dParams&,
                                                              ThreadPool&);

}  // namespace fsrcnn
