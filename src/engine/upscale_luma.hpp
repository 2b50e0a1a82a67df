#pragma once

#include <functional>

#include "base/tensor.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// Told the share of the work that is done, 0 to 1, never less than before.
using Progress = std::function<void(double share)>;

/// A luma plane (1, 1, H, W) in [0, 1] through the network: (1, 1, scale*H, scale*W), clamped to [0, 1].
/// Runs the reference network over bands of rows with a halo, so that memory does not grow with the picture's height
/// (a 4K output takes about 0.5 GB); the result is bit-identical to the whole picture at once.
/// Throws Error(input) if the plane has another shape.
Tensor<float> upscale_luma(const Model& model, const Tensor<float>& luma, const Progress& progress = nullptr);

}  // namespace fsrcnn
