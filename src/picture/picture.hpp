#pragma once

#include <memory>

#include "base/tensor.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// A still picture in memory.
struct Picture {
  Tensor<float> planes;   ///< (1, C, H, W), full range in [0, 1]: gray or red, green, blue; then alpha, if there is one
  int colour_planes = 3;  ///< 1 or 3
  bool has_alpha = false;               ///< C is colour_planes + has_alpha
  int bits = 8;                         ///< of a sample in the file: 8 or 16
  std::shared_ptr<VipsImage> metadata;  ///< ICC profile, EXIF, XMP, IPTC, resolution: carried along, no samples in it

  int64_t width() const { return planes.shape().w; }
  int64_t height() const { return planes.shape().h; }
};

}  // namespace fsrcnn
