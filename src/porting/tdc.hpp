#pragma once

#include "model/model.hpp"

namespace fsrcnn {

/// The same network with its deconvolution as a sub-pixel convolution: the scale * scale phase kernels (TDC, Chang et
/// al., 2018) as a convolution to as many channels, then depth_to_space. Nothing is rounded: each tap is moved, and
/// taps that a phase does not have are 0. Checked here, in float64 on random features: the two must agree to 1e-12.
/// Throws Error(model) if there is no deconvolution, the scale is unknown, or padding replicates, which the
/// deconvolution does not and the convolution would.
Model with_phase_kernels(const Model& model);

/// The largest difference of the two tails on random features of this size, in float64.
double tail_difference(const Model& deconvolution, const Model& phases, int64_t height, int64_t width);

}  // namespace fsrcnn
