#pragma once

#include <cstdint>
#include <functional>

#include "base/plane.hpp"
#include "base/tensor.hpp"
#include "engine/looks.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// Computes a tile: (1, C, H, W) -> (1, C, scale*H, scale*W).
using RunTile = std::function<Tensor<float>(const Tensor<float>& tile)>;

/// Rows first_row ... first_row + rows - 1 of a plane of `height` rows through a network that runs layer by layer, over
/// tiles with a halo, so that its feature maps never hold more than a tile; bit-identical to the whole plane at once.
/// One plane each way for each of the network's channels. `input->row(y - input_begin)` is row y: there must be all
/// rows that the halo reaches, as far as the plane has them. `output` begins with the rows of first_row. after_tile, if
/// set, is called with the number of LR pixels done; false stops.
void run_in_tiles(const Network& network, const Looks& looks, const RunTile& run, const ConstPlane* input,
                  int64_t input_begin, int64_t height, int64_t first_row, int64_t rows, const Plane* output,
                  int64_t tile_pixels = 1 << 18, const std::function<bool(int64_t)>& after_tile = nullptr);

}  // namespace fsrcnn
