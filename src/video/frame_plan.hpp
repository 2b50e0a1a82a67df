#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "picture/scale_plan.hpp"
#include "video/film.hpp"
#include "video/frame_converter.hpp"
#include "video/frame_filter.hpp"

namespace fsrcnn {

enum class Deinterlacer { automatic, bwdif, yadif, estdif, telecine, off };

/// What is asked for of a film's frames, besides how they are encoded.
struct FilterOptions {
  Deinterlacer deinterlacer = Deinterlacer::automatic;
  bool frame_for_field = true;  ///< of interlaced films; else one for each two fields
  std::string crop;             ///< "auto", or W:H:X:Y; empty: none
  std::string before, after;    ///< graphs of libavfilter before the network and before the encoder; empty: none
  std::string pixels;           ///< FFmpeg's name of the output's pixel format; empty: the film's own
  TargetSize target;
};

/// What becomes of a film's frames between decoder and encoder, decided before any work.
struct FramePlan {
  std::string before;                ///< a graph of libavfilter, or empty
  std::optional<int64_t> reach = 0;  ///< frames around a range that it looks at; nothing: all that were before
  std::string asked_before;          ///< of it what --filter-before says
  bool restarts = false;             ///< where the film's times jump, because it counts frames
  bool is_turned = false;            ///< pictures are turned as the film wants to be shown
  bool is_progressive = false;       ///< whatever the frames say of themselves
  FrameKind decoded;                 ///< what the decoder gives, with the pixel aspect of the film
  FrameKind input;                   ///< what the network gets
  bool is_deep = false;              ///< the network's input and output have 16 bits
  int passes = 1;                    ///< through the network
  FrameTarget target;                ///< of what comes out of it
  std::string after;                 ///< a graph of libavfilter, or empty
  FrameKind output;                  ///< what the encoder gets
  AVRational aspect{};               ///< of the output's pixels, for the container
  bool keeps_times = true;           ///< the output has the frames and times of the film's index
  std::vector<std::string> notes;    ///< what was found and decided, for people
};

/// Throws Error(usage): --filter-before gives times that stand still or go back.
[[noreturn]] void fail_for_filter_before(const std::string& graph);

/// Throws Error(usage): --filter-after adds, drops or moves pictures.
[[noreturn]] void fail_for_filter_after(const std::string& graph);

/// can_turn: whether the output's format stores how pictures are to be turned. scale_of: the scale of the network that
/// is chosen for a factor. Throws Error(usage) for what cannot be done.
FramePlan plan_frames(const Film& film, const FilterOptions& options, bool can_turn,
                      const std::function<int64_t(std::optional<double> factor)>& scale_of);

/// The plan of a film without options, of which the output has this kind.
FramePlan plain_plan(const Film& film);

}  // namespace fsrcnn
