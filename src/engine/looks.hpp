#pragma once

#include <cstdint>

namespace fsrcnn {

/// What pictures and films get, and what is compared with PyTorch does without.
struct Looks {
  /// Outside the picture is its mirror image, as far as the network looks; the network's own padding, which darkens
  /// borders if it is zeros, lies beyond that.
  bool extend_edges = false;
};

/// The row or column of a picture of `size` that lies at any index of the picture and its mirror images:
/// ... 1 0 | 0 1 2 | 2 1 0 | 0 1 ...
inline int64_t mirrored(int64_t index, int64_t size) {
  const int64_t at = (index % (2 * size) + 2 * size) % (2 * size);
  return at < size ? at : 2 * size - 1 - at;
}

}  // namespace fsrcnn
