#pragma once

#include "base/tensor.hpp"

namespace fsrcnn {

/// Gives fully transparent pixels, whose colour is invisible, the colours of visible pixels up to `reach` pixels away
/// (at most 1000), so that they do not darken or tint the edges. `rows` are (1, C, H, W) with alpha as the last plane;
/// each such pixel becomes the mean of its neighbours, the nearest first. Rows at least `reach` away from the first and
/// last give the same result as in the whole picture, even if some rows were processed before. `count`: number of valid
/// rows.
void bleed_colours(Tensor<float>& rows, int reach, int64_t count);

}  // namespace fsrcnn
