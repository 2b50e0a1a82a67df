#pragma once

#include <cstdint>
#include <vector>

#include <zimg++.hpp>

#include "base/plane.hpp"

namespace fsrcnn {

/// Alignment of rows and memory for zimg's widest vectors.
inline constexpr size_t kZimgAlignment = 64;
/// The first aligned address in `memory`, which is resized to hold this many bytes from there.
std::byte* zimg_memory(std::vector<std::byte>& memory, size_t bytes);

/// Bicubic resizing (a = -0.5, as for still pictures) of planes of one size and type, by zimg.
class PlaneResizer {
 public:
  struct Format {
    int64_t width, height;
    SampleType type;
    int bits;  ///< of integers
  };

  /// Sample (x, y) of the output lies at ((x + 0.5) / scale - 0.5 + shift_x, ...) of the input. output_width and
  /// output_height may differ from scale times the input's.
  PlaneResizer(const Format& input, int64_t output_width, int64_t output_height, int64_t scale, double shift_x,
               double shift_y);

  /// One plane; rows may lie anywhere.
  void operator()(const ConstPlane& input, const Plane& output);

 private:
  Format input_format_;
  zimgxx::FilterGraph graph_;
  std::vector<std::byte> memory_, input_copy_;
};

/// How far a chroma plane's samples must be shifted, in its samples, so that they keep their place among luma's.
/// offset: of its samples from the middle of the luma pixels that they stand for, in luma pixels; subsampling: of luma
/// pixels, 1, 2 or 4.
inline double chroma_shift(double offset, int64_t subsampling, int64_t scale) {
  return offset / static_cast<double>(subsampling) * (1.0 / static_cast<double>(scale) - 1);
}

}  // namespace fsrcnn
