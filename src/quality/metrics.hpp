#pragma once

#include "base/tensor.hpp"

namespace fsrcnn {

/// Peak signal-to-noise ratio in dB of two planes (1, 1, H, W) with samples in [0, 255]; infinite if they are equal.
/// Throws Error(input) if their shapes differ.
double psnr(const Tensor<float>& a, const Tensor<float>& b);

/// Structural similarity of two such planes: Wang et al. 2004, with their 11x11 Gaussian window of sigma 1.5, K1 = 0.01
/// and K2 = 0.03, the mean over all windows that lie within the picture. Throws Error(input) if shapes differ or are
/// smaller than the window.
double ssim(const Tensor<float>& a, const Tensor<float>& b);

}  // namespace fsrcnn
