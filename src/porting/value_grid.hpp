#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace fsrcnn {

/// Evenly spaced numbers zero + step * k, 0 <= zero < step.
struct ValueGrid {
  double step = 0, zero = 0;
  int64_t levels = 0;  ///< different values that were seen
};

/// The coarsest grid that all finite values lie on, to float32's rounding. Empty: there are fewer than three different
/// values, or no grid that is coarser than what float32 can hold.
std::optional<ValueGrid> grid_of(const float* values, int64_t count);
std::optional<ValueGrid> grid_of(const std::vector<float>& values);

}  // namespace fsrcnn
