#pragma once

#include <cstdint>
#include <functional>

#include "base/plane.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// Rows first_row ... first_row + rows - 1 of a plane of `height` rows through the reference network, over tiles with a
/// halo, so that its feature maps never hold more than a tile; bit-identical to the whole plane at once.
/// `input.row(y - input_begin)` is row y: there must be all rows that the halo reaches, as far as the plane has them.
/// `output` begins with the rows of first_row. after_tile, if there is one, is told the LR pixels done; false stops.
void tiled_reference(const Model& model, const ConstPlane& input, int64_t input_begin, int64_t height,
                     int64_t first_row, int64_t rows, const Plane& output, int64_t tile_pixels = 1 << 18,
                     const std::function<bool(int64_t)>& after_tile = nullptr);

}  // namespace fsrcnn
