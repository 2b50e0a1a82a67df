#pragma once

#include "base/tensor.hpp"

namespace fsrcnn {

/// RGB (1, 3, H, W), full range in [0, 1] -> (1, 3, H, W) of Y, Cb, Cr: BT.601 limited range / 255, the convention
/// that the networks were trained with: Y in [16, 235] / 255, Cb and Cr in [16, 240] / 255 around 128 / 255.
/// Neither rounded nor clamped. Coefficients: ITU-R BT.601-7, 2.5, as MATLAB's rgb2ycbcr has them.
Tensor<float> rgb_to_ycbcr(const Tensor<float>& rgb);

/// The exact inverse; values may leave [0, 1].
Tensor<float> ycbcr_to_rgb(const Tensor<float>& ycbcr);

/// The Y of gray planes, which are RGB of three equal values: 16/255 + 219/255 * gray; and back.
Tensor<float> gray_to_luma(Tensor<float> gray);
Tensor<float> luma_to_gray(Tensor<float> luma);

}  // namespace fsrcnn
