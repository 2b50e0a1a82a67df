#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fsrcnn {

class Engine;

/// How a picture reaches a size: the number of passes through the network that comes nearest, then resampling, then
/// cutting out the middle.
struct ScalePlan {
  int passes = 1;
  int64_t network_width = 0, network_height = 0;  ///< after the passes
  int64_t width = 0, height = 0;                  ///< resampled
  int64_t cut_width = 0, cut_height = 0;          ///< in the end

  bool resampled() const { return width != network_width || height != network_height; }
  bool is_cut() const { return width != cut_width || height != cut_height; }
};

/// What becomes of a picture whose shape is not that of the requested size.
enum class Fit {
  stretch,  ///< it gets that shape
  inside,   ///< it becomes as large as it fits into the size
  cover,    ///< it becomes as small as it covers the size, and what stands out at both ends is cut off
  pad       ///< as inside, with black around it up to the size
};

/// Finds the engine for an enlargement by a factor, or, if empty, by the model's scale.
using EngineFor = std::function<Engine&(const std::optional<double>& factor)>;

/// The requested output: a factor for width and height, or a size. With neither, the model's scale.
struct TargetSize {
  std::optional<double> scale = {};
  int64_t width = 0, height = 0;  ///< 0: none, or by the other and the picture's shape
  int64_t longer_side = 0;        ///< in place of both
  Fit fit = Fit::stretch;

  bool has_size() const { return width > 0 || height > 0 || longer_side > 0; }
  /// What a picture is resampled to, before anything is cut off. Only if there is a size.
  std::pair<int64_t, int64_t> resampled(int64_t picture_width, int64_t picture_height) const;
  /// Times the width or height, whichever is more, of a picture; empty if the model decides.
  std::optional<double> factor(int64_t picture_width, int64_t picture_height) const;
  /// A message if a picture is stretched by more than rounding, else empty.
  std::string stretches(int64_t picture_width, int64_t picture_height) const;
};

/// The scale with a power nearest to a factor, as a ratio; of two equally near, the one with fewer passes.
int64_t nearest_scale(double factor, const std::vector<int64_t>& model_scales);

/// The number of passes whose scale is nearest, as a ratio, to the larger of the two factors; at least one to enlarge,
/// none to shrink.
ScalePlan plan_scale(int64_t width, int64_t height, int64_t model_scale, const TargetSize& target);

/// "fsrcnn-x2 twice to 380x308, then Lanczos"
std::string describe(const ScalePlan& plan, const std::string& model);

}  // namespace fsrcnn
