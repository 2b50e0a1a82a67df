#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "video/film.hpp"

namespace fsrcnn {

/// A film or a part of it, in microseconds of the film's own clock. Its times begin at 0, which is the beginning of the
/// film's pictures and sound, or the part's first frame.
struct FilmCut {
  int64_t begin_us = 0, end_us = std::numeric_limits<int64_t>::max();
  bool is_whole = true;

  /// What lies inside, of another stream's packets: of subtitles also the part of one that is shown over a border, by
  /// then shorter. Times stay those of the film.
  bool keep(AVPacket& packet, AVRational time_base, AVMediaType type) const;
  /// By how much times become earlier.
  int64_t earlier(AVRational time_base) const { return av_rescale_q(begin_us, kMicroseconds, time_base); }
};

/// The frames whose times are from `start_us` on and before `end_us`, of a film whose first frame comes at 0; empty:
/// its own start and end. Throws Error(usage) if there are none.
FrameRange frames_between(const Film& film, std::optional<int64_t> start_us, std::optional<int64_t> end_us);

/// The cut around these frames.
FilmCut cut_at(const Film& film, const FrameRange& range);

}  // namespace fsrcnn
