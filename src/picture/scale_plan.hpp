#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fsrcnn {

/// How a picture reaches a size: the number of passes through the network that comes nearest, then resampling.
struct ScalePlan {
  int passes = 1;
  int64_t network_width = 0, network_height = 0;  ///< after the passes
  int64_t width = 0, height = 0;                  ///< in the end

  bool resampled() const { return width != network_width || height != network_height; }
};

/// The requested output: a factor for width and height, or a size. With neither, the model's scale.
struct TargetSize {
  std::optional<double> scale;
  std::optional<std::pair<int64_t, int64_t>> size;  ///< width, height

  /// Times the width or height, whichever is more, of a picture; empty if the model decides.
  std::optional<double> factor(int64_t width, int64_t height) const;
};

/// The scale with a power nearest to a factor, as a ratio; of two equally near, the one with fewer passes.
int64_t nearest_scale(double factor, const std::vector<int64_t>& model_scales);

/// The number of passes whose scale is nearest, as a ratio, to the larger of the two factors; at least one to enlarge,
/// none to shrink.
ScalePlan plan_scale(int64_t width, int64_t height, int64_t model_scale, const TargetSize& target);

/// "fsrcnn-x2 twice to 380x308, then Lanczos"
std::string describe(const ScalePlan& plan, const std::string& model);

}  // namespace fsrcnn
