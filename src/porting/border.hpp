#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/tensor.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {

/// What a layer reads beyond one side of its input.
enum class Beyond {
  zeros,
  replicate,  ///< the edge
  reflect,    ///< the picture mirrored at its edge, which is not repeated (PyTorch's reflect)
  symmetric,  ///< the same with the edge repeated
  circular,   ///< the other side
  next_row,   ///< at the left and right: the neighbour in memory, of the row before or after; above and below 0
  memory,     ///< the same above and below, too
  constant,   ///< the same value everywhere, of each channel
  sources,    ///< rows (columns) of the picture
};

struct Side {
  Beyond beyond = Beyond::zeros;
  std::vector<float> constant = {};   ///< of each channel, or one for all
  std::vector<int64_t> sources = {};  ///< by the distance from the picture; -1: zeros
};

/// The sides in the order top, bottom, left, right.
using Border = std::array<Side, 4>;

/// (1, C, H, W) -> (1, C, top + H + bottom, left + W + right); margins below 0 are cut off. Rows first, then columns of
/// what that gives.
Tensor<float> pad_sides(const Tensor<float>& input, const Margins& margins, const Border& border);

}  // namespace fsrcnn
