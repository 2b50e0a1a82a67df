#pragma once

#include "picture/picture_rows.hpp"
#include "picture/scale_plan.hpp"

namespace fsrcnn {

/// A picture that goes on outside as if it lay beside itself, as a floor's tiles do: so many pixels wider and higher at
/// each side. A frame is kept in memory.
class TiledPicture : public PictureRows {
 public:
  /// `picture` must outlive it.
  TiledPicture(PictureRows& picture, int64_t columns, int64_t rows);

  const PictureHeader& header() const override { return header_; }
  void read(Tensor<float>& rows) override;

 private:
  PictureRows& picture_;
  int64_t columns_, rows_, next_row_ = 0;
  PictureHeader header_;
  Tensor<float> frame_;
};

/// At least `reach` pixels on each side, and as many as make a whole number of output pixels.
std::pair<int64_t, int64_t> tile_border(int64_t width, int64_t height, const ScalePlan& plan, int64_t reach);

/// The plan of a picture with such a border, of which the border is cut off in the end.
ScalePlan with_border(const ScalePlan& plan, int64_t width, int64_t height, std::pair<int64_t, int64_t> border);

}  // namespace fsrcnn
