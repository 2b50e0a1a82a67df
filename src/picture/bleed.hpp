#pragma once

#include "base/tensor.hpp"

namespace fsrcnn {

/// Gives pixels that are fully transparent, whose colour nobody sees, the colours of the visible ones beside them, as
/// far as `reach` pixels away (at most 1000), so that what is computed from them does not darken (or tint) the edges.
/// `rows` are (1, C, H, W) with alpha as the last plane; each such pixel becomes the mean of its neighbours, the
/// nearest first. Rows at least `reach` away from the first and last come out as if the rows beyond had been there; so
/// they do if some rows have gone through this before. `count`: only the first rows, so many, are there.
void bleed_colours(Tensor<float>& rows, int reach, int64_t count);

}  // namespace fsrcnn
