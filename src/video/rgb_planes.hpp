#pragma once

#include <cstdint>
#include <vector>

#include <zimg++.hpp>

#include "base/aligned.hpp"
#include "base/plane.hpp"
#include "video/av.hpp"

namespace fsrcnn {

/// Three planes of floats, red, green and blue, whose rows are aligned as zimg wants them.
class RgbPlanes {
 public:
  RgbPlanes() = default;
  RgbPlanes(int64_t width, int64_t height);

  Plane operator[](int colour) const;
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

 private:
  int64_t width_ = 0, height_ = 0, stride_floats_ = 0;
  AlignedFloats samples_;
};

/// Frames of YUV, RGB or gray as planes of red, green and blue, 0 to 1 from black to white, and back, by zimg: with the
/// frame's matrix, range and siting, which are the same on both ways. If the matrix is unspecified, players' rule
/// applies: BT.709 above 576 rows, else BT.601.
class RgbConverter {
 public:
  /// Of frames of this one's format and properties, but any size. Throws Error(input) if zimg cannot convert them.
  explicit RgbConverter(const AVFrame& like);

  /// Whether a frame has the same format and properties.
  bool fits(const AVFrame& frame) const;

  void to_rgb(const AVFrame& frame, RgbPlanes& rgb);
  /// Samples are rounded to the nearest; what is outside 0 to 1 is kept as far as the format has room.
  void from_rgb(const RgbPlanes& rgb, AVFrame& frame);

 private:
  struct Properties {
    int format, range, matrix, location;
    bool operator==(const Properties&) const = default;
  };
  struct Way {
    int width = 0, height = 0;
    zimgxx::FilterGraph graph = {};
  };
  static Properties properties_of(const AVFrame& frame);
  void prepare(Way& way, const AVFrame& frame, bool to_rgb);

  Properties properties_;
  int matrix_;  // where none is said: that of the first frame, so that a way back leads to where a way led from
  Way to_, from_;
  RgbPlanes gray_;  // the first plane, of gray frames on the way back
  std::vector<std::byte> memory_;
};

}  // namespace fsrcnn
