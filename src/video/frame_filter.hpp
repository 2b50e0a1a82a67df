#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

extern "C" {
#include <libavfilter/avfilter.h>
}

#include "video/av.hpp"

namespace fsrcnn {

/// What a stream of frames is like.
struct FrameKind {
  AvFrame like;  ///< a frame without its samples: size, pixels, colours, pixel aspect, side data
  AVRational time_base = {}, rate = {};  ///< rate: 0/1 if unknown
};

FrameKind copy_of(const FrameKind& kind);
/// A frame's properties without its samples.
AvFrame without_samples(const AVFrame& frame);

/// A graph of libavfilter with one input and one output. The frames that come out may be more or fewer than those that
/// go in; their times are in the output's time base.
class FrameFilter {
 public:
  /// option: whose text the graph is, for messages. Throws Error(usage) if FFmpeg refuses it.
  FrameFilter(const std::string& graph, const FrameKind& input, const std::string& option);

  /// Its pts and duration in the input's time base; null at the end, which is where the last frame's duration ends.
  void push(AvFrame frame);
  /// The next frame that is complete, or null.
  AvFrame pull();

  /// Sets size, format and pixel aspect to those of the frames that come out.
  void describe(AVFrame& frame) const;
  AVRational time_base() const;
  AVRational rate() const;

 private:
  using Graph = std::unique_ptr<AVFilterGraph, AvFree<avfilter_graph_free>>;

  std::string option_;
  Graph graph_;
  AVFilterContext *source_ = nullptr, *sink_ = nullptr;
  int64_t frame_duration_ = 0;  // by the rate, of frames without one
  int64_t end_ = AV_NOPTS_VALUE;
};

/// What frames of a kind become in a graph; found with a few blank frames. Throws what FrameFilter throws.
FrameKind filtered_kind(const std::string& graph, const FrameKind& input, const std::string& option);

/// Whether the times of what a few blank frames become stand still or go back.
bool turns_back(const std::string& graph, const FrameKind& input, const std::string& option);

/// Whether each of a few blank frames comes out once and at its own time.
bool keeps_frames(const std::string& graph, const FrameKind& input, const std::string& option);

}  // namespace fsrcnn
