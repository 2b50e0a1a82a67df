#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "engine/engine.hpp"
#include "video/frame_converter.hpp"
#include "video/frame_filter.hpp"
#include "video/frame_plan.hpp"
#include "video/frame_upscaler.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {

/// What happens to frames between the filter before the network and the encoder, in three parts for three threads. Each
/// must get the frames in order.
class FrameStages {
 public:
  /// Both must outlive it.
  FrameStages(Engine& engine, const FramePlan& plan);

  /// All but the network of the first pass.
  FrameUpscaler::Job begin(AvFrame frame);
  /// The network, as often as planned.
  AvFrame enlarge(FrameUpscaler::Job job);

  using Sink = std::function<void(size_t part, AvFrame frame)>;
  /// Size, pixels and the filter after them, which starts anew with each part of the film. Throws Error(usage) if that
  /// does not give each frame once.
  void finish(size_t part, AvFrame frame, const Sink& sink);
  /// After the last frame.
  void end(const Sink& sink);

  int64_t strips() const;
  int64_t strips_copied() const;

 private:
  void pull(const Sink& sink);

  const FramePlan& plan_;
  PixelConverter to_planar_;
  FrameConverter deepen_, resize_;
  std::deque<FrameUpscaler> passes_;
  std::optional<FrameFilter> filter_;
  size_t part_ = 0;
  std::deque<int64_t> times_;  // of frames in the filter
};

}  // namespace fsrcnn
