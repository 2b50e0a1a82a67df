#pragma once

#include <optional>
#include <vector>

#include "engine/engine.hpp"
#include "video/av.hpp"
#include "video/pixel_format.hpp"
#include "video/plane_resizer.hpp"
#include "video/rgb_planes.hpp"

namespace fsrcnn {

/// The siting of a frame's chroma samples. If unspecified, it is MPEG-2's (left), or JPEG's (centre) if the range is
/// JPEG's.
AVChromaLocation chroma_location(const AVFrame& frame);
/// Whether its samples have the full range. If unspecified, gray and RGB have it, and YUV has the limited range.
bool is_full_range(const AVFrame& frame);

/// Upscales frames of a film, with sample type, range and metadata unchanged: luma by the network, chroma bicubic with
/// its siting kept, alpha bicubic. RGB is converted to YCbCr as for still pictures. For an RGB network all frames are
/// converted to RGB, and its output back to the film's format.
///
/// The work has two parts for two threads: begin() computes everything except luma, finish() adds luma. Each part must
/// get the frames in order.
class FrameUpscaler {
 public:
  explicit FrameUpscaler(Engine& engine) : engine_(engine) {}
  FrameUpscaler(const FrameUpscaler&) = delete;
  FrameUpscaler& operator=(const FrameUpscaler&) = delete;

  struct Job {
    AvFrame input, output;
  };

  /// Throws Error(input) if the format cannot be upscaled.
  Job begin(AvFrame input);
  AvFrame finish(Job job);

  int64_t strips() const { return strips_; }
  int64_t strips_copied() const { return strips_copied_; }

 private:
  void prepare(const AVFrame& frame);
  void upscale_rgb(const AVFrame& input, AVFrame& output);
  void upscale_by_colours(const AVFrame& input, AVFrame& output);

  Engine& engine_;
  int width_ = 0, height_ = 0, format_ = -1, location_ = -1;
  PixelConverter to_planar_;
  std::vector<std::optional<PlaneResizer>> resizers_;  // of planes 0 to 3; none for luma of YUV
  AvFrame previous_input_, previous_output_;
  // For networks that read RGB: the frame that was, and the one that is.
  std::optional<RgbConverter> rgb_;
  RgbPlanes rgb_input_, rgb_output_, previous_rgb_input_, previous_rgb_output_;
  int64_t strips_ = 0, strips_copied_ = 0;
};

}  // namespace fsrcnn
