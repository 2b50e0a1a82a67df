#pragma once

#include <cstdint>
#include <vector>

#include <zimg++.hpp>

#include "video/av.hpp"

namespace fsrcnn {

/// What frames are converted to.
struct FrameTarget {
  AVPixelFormat pixels = AV_PIX_FMT_NONE;
  int width = 0, height = 0;              ///< of the frame
  int inner_width = 0, inner_height = 0;  ///< of the picture in its middle; black around it
  double share_x = 1, share_y = 1;        ///< of the input's width and height, in its middle, which becomes the picture

  bool operator==(const FrameTarget&) const = default;
};

/// Converts planar frames to another size (Lanczos) and other planar pixels in one pass, by zimg: with the frame's
/// matrix, range and siting, which stay. Samples that lose bits are dithered.
class FrameConverter {
 public:
  enum class Kernel { lanczos, bicubic };

  explicit FrameConverter(const FrameTarget& target, Kernel kernel = Kernel::lanczos)
      : target_(target), kernel_(kernel) {}

  /// Throws Error(input) if zimg cannot convert the frame.
  AvFrame operator()(AvFrame frame);

 private:
  void prepare(const AVFrame& frame, const AVFrame& inner);
  AvFrame padded(AvFrame inner) const;

  FrameTarget target_;
  Kernel kernel_;
  AvFrame like_;  // what graph_ is for
  zimgxx::FilterGraph graph_;
  std::vector<std::byte> memory_;
};

}  // namespace fsrcnn
