#pragma once

#include <array>
#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

/// Turns the first three planes of (1, C, H, W), RGB of full range in [0, 1], into Y, Cb and Cr: BT.601 limited range /
/// 255, the convention that the networks were trained with: Y in [16, 235] / 255, Cb and Cr in [16, 240] / 255 around
/// 128 / 255. Neither rounded nor clamped. Coefficients: ITU-R BT.601-7, 2.5, as MATLAB's rgb2ycbcr has them.
void rgb_to_ycbcr(Tensor<float>& planes);

/// The exact inverse; values may leave [0, 1].
void ycbcr_to_rgb(Tensor<float>& planes);
/// Of a row of each plane.
void ycbcr_to_rgb(float* y, float* cb, float* cr, int64_t width);

/// The same for a first plane of gray, or a row, which is RGB of three equal values: 16/255 + 219/255 * gray; and back.
void gray_to_luma(Tensor<float>& planes);
void luma_to_gray(Tensor<float>& planes);
void luma_to_gray(float* row, int64_t width);

/// The curve of sRGB (IEC 61966-2-1) from samples proportional to light, and back; odd beyond 0, and going on above 1.
float srgb_from_linear(float value);
float linear_from_srgb(float value);

/// The colour of a value in [0, 1] (clamped) in maps of differences: from black over violet, red and yellow to white,
/// with increasing lightness. Red, green, blue in [0, 1].
std::array<float, 3> heat_colour(double heat);

}  // namespace fsrcnn
