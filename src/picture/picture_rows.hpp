#pragma once

#include "picture/picture.hpp"

namespace fsrcnn {

/// A picture's rows, frame after frame and from top to bottom.
class PictureRows {
 public:
  PictureRows() = default;
  virtual ~PictureRows() = default;
  PictureRows(const PictureRows&) = delete;
  PictureRows& operator=(const PictureRows&) = delete;

  virtual const PictureHeader& header() const = 0;
  /// The next rows of the current frame, (1, C, rows, W), full range in [0, 1] (floats may leave it). They must lie
  /// within one frame. Throws Error(input).
  virtual void read(Tensor<float>& rows) = 0;
};

}  // namespace fsrcnn
