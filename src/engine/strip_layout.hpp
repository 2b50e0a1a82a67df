#pragma once

#include <cstdint>
#include <vector>

#include "engine/fused_strip.hpp"

namespace fsrcnn {

/// How a picture is cut into strips of columns and bands of rows. It only affects speed, never results.
struct StripLayout {
  std::vector<StripRange> strips;  ///< from left to right; their outputs cover the picture once
  int64_t band_rows;               ///< a multiple of 4; each band recomputes some rows above its own
  int max_positions;
};

/// The layout with the least work on the busiest of `threads`. most_columns 0: as many as the cache holds.
/// one_band: rows come from top to bottom, so threads only share strips.
StripLayout lay_out_strips(const FusedPlan& plan, int64_t width, int64_t height, int threads, int most_columns = 0,
                           bool one_band = false);

}  // namespace fsrcnn
