#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "video/film.hpp"

namespace fsrcnn {

/// What went wrong in a film that goes on all the same.
struct Damage {
  int64_t packets = 0;       ///< that could not be decoded
  int64_t frames = 0;        ///< that were decoded with errors
  int64_t out_of_order = 0;  ///< dropped, because their time is not after the one before
  int64_t interlaced = 0;    ///< frames in the middle of a progressive film
  int64_t missing = 0;       ///< frames that did not come out, beyond those packets
  int64_t dropped = 0;       ///< frames that the encoder left out

  Damage& operator+=(const Damage& more);
  bool operator==(const Damage&) const = default;
};

/// Decodes a range of a film's frames. What comes out depends on the film and the range alone: the decoder begins anew
/// at the last place before the range where it can.
class FrameReader {
 public:
  /// The frames of a range of the film's index.
  FrameReader(Film& film, const FrameRange& range);
  /// All frames, from where the film stands.
  explicit FrameReader(Film& film);

  /// The next frame, its pts and pkt_duration in the stream's time base; null at the end. Throws Error(input) if size
  /// or pixel format change within the range.
  AvFrame next();
  const Damage& damage() const { return damage_; }

 private:
  AvFrame decode();
  AvFrame end();

  Film& film_;
  int64_t begin_ = std::numeric_limits<int64_t>::min(), end_ = std::numeric_limits<int64_t>::max();
  int64_t expected_ = 0, came_ = 0;
  std::optional<int64_t> last_;
  int width_ = 0, height_ = 0, format_ = -1;
  bool packets_left_ = true;
  AvCodec decoder_;
  AvPacket packet_;
  Damage damage_;
};

}  // namespace fsrcnn
