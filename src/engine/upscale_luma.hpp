#pragma once

#include <cstdint>
#include <functional>

#include "base/tensor.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// Told the share of the work that is done, 0 to 1, never less than before.
using Progress = std::function<void(double share)>;

struct UpscaleLumaOptions {
  /// LR pixels that run through the network at once, halo not counted; each needs about 0.5 KB of memory.
  int64_t tile_pixels = 1 << 18;
  Progress progress = nullptr;
};

/// A luma plane (1, 1, H, W) in [0, 1] through the network: (1, 1, scale*H, scale*W), clamped to [0, 1].
/// Runs the reference network over tiles with a halo, so that its feature maps never hold more than a tile; the result
/// is bit-identical to the whole plane at once. Throws Error(input) if the plane has another shape.
Tensor<float> upscale_luma(const Model& model, const Tensor<float>& luma, const UpscaleLumaOptions& options = {});

}  // namespace fsrcnn
