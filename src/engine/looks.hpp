#pragma once

#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

/// What pictures and films get, and what is compared with PyTorch does without.
struct Looks {
  /// Outside the picture is its mirror image, as far as the network looks; the network's own padding, which darkens
  /// borders if it is zeros, lies beyond that.
  bool extend_edges = false;
  float guard = 0;  ///< as guard_overshoot's
};

/// The row or column of a picture of `size` that lies at any index of the picture and its mirror images:
/// ... 1 0 | 0 1 2 | 2 1 0 | 0 1 ...
inline int64_t mirrored(int64_t index, int64_t size) {
  const int64_t at = (index % (2 * size) + 2 * size) % (2 * size);
  return at < size ? at : 2 * size - 1 - at;
}

/// What an output pixel may be: the range of the 3x3 input pixels around it, widened at each end by half of that range.
/// Where three of the nine are alike at an end, that is the edge of an even surface and not a peak, and a brighter line
/// on it is an artefact: there the range is only widened by a sixteenth. In between it is the less of half of the range
/// and a sixteenth plus eight times the distance from the greatest (least) pixel to the third.
struct GuardRange {
  float low, high;
};
/// `nine` in any order; they are sorted.
GuardRange guard_range(float (&nine)[9]);

/// Takes away a share of the overshoot, `guard` from 0 (nothing) to 1 (all): of what an output pixel has beyond its
/// guard_range: white lines around ink, ghosts of thin strokes. Each channel by itself. Pixels outside the picture are
/// those of its edge, and one that is no number counts as 0. input: (1, C, H, W); output: (1, C, scale*H, scale*W) in
/// [0, 1].
void guard_overshoot(const Tensor<float>& input, float guard, Tensor<float>& output);

}  // namespace fsrcnn
