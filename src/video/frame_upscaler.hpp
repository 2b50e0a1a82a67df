#pragma once

#include <optional>
#include <vector>

#include "engine/engine.hpp"
#include "video/av.hpp"
#include "video/pixel_format.hpp"
#include "video/plane_resizer.hpp"

namespace fsrcnn {

/// Where the chroma samples of a frame lie. Where nothing is said, MPEG-2's place (left) is meant, and JPEG's (the
/// middle) if the range is JPEG's.
AVChromaLocation chroma_location(const AVFrame& frame);

/// Frames of a film to frames of scale times their size, sample types, range and meta data unchanged: luma by the
/// network, chroma planes bicubic with their siting kept, alpha bicubic. RGB goes through YCbCr as still pictures do.
///
/// The work is in two parts, so that two threads can share it: begin() makes the frame with all but luma, finish() adds
/// luma. Each part must see the frames in their order.
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

  Engine& engine_;
  int width_ = 0, height_ = 0, format_ = -1, location_ = -1;
  PixelConverter to_planar_;
  std::vector<std::optional<PlaneResizer>> resizers_;  // of planes 0 to 3; none for luma of YUV
  AvFrame previous_input_, previous_output_;
  int64_t strips_ = 0, strips_copied_ = 0;
};

}  // namespace fsrcnn
