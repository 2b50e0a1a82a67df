#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "video/av.hpp"

namespace fsrcnn {

/// Gives packets that are read from a film's beginning one clock. Transport streams that were put together, and
/// recordings, have clocks that start anew; there the streams go on where they were, as FFmpeg's and mkvmerge's do.
/// Packets without a time get the one that the packet before lets expect.
class ClockJoiner {
 public:
  /// is_discontinuous: the format allows jumps; in others a gap is meant.
  explicit ClockJoiner(bool is_discontinuous) : is_discontinuous_(is_discontinuous) {}

  void join(AVPacket& packet, const AVStream& stream);
  /// A message about the jumps, or empty.
  std::string told() const;

 private:
  struct StreamClock {
    int64_t last_us = AV_NOPTS_VALUE, expected_us = AV_NOPTS_VALUE, offset_us = 0;
    bool is_old = false;  // another stream has jumped since
  };
  void choose_offset(StreamClock& clock, int64_t time_us);

  bool is_discontinuous_;
  std::vector<StreamClock> clocks_;
  int64_t start_us_ = AV_NOPTS_VALUE, offset_us_ = 0, jumps_ = 0, first_jump_us_ = 0;
};

}  // namespace fsrcnn
