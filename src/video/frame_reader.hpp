#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "video/film.hpp"

namespace fsrcnn {

/// Counts of damage in a film that is still upscaled.
struct Damage {
  int64_t packets = 0;       ///< that could not be decoded
  int64_t frames = 0;        ///< that were decoded with errors
  int64_t out_of_order = 0;  ///< dropped, because their time is not after the one before
  int64_t interlaced = 0;    ///< frames in the middle of a progressive film
  int64_t missing = 0;       ///< frames missing from the output, beyond those packets
  int64_t dropped = 0;       ///< frames that the encoder dropped

  Damage& operator+=(const Damage& more);
  bool operator==(const Damage&) const = default;
};

/// Decodes a range of a film's frames. The result depends only on the film and the range: the decoder starts fresh at
/// the last possible position before the range.
class FrameReader {
 public:
  /// The frames of a range of the film's index, and `reach` frames before and after it; damage is that of the range.
  FrameReader(const Film& film, const FrameRange& range, int64_t reach = 0);
  /// All frames.
  explicit FrameReader(const Film& film);

  /// Goes on with a range behind this one, if what a reader of its own would decode for it is decoded already: the
  /// frames are the same, and a film with few keys is decoded but once.
  bool go_on(const FrameRange& range);

  /// The next frame, its pts and duration in the stream's time base; null at the end. The duration is 0 if unknown.
  /// Throws Error(input) if size or pixel format change within the range.
  AvFrame next();
  /// The damage since it was last asked for; of missing frames once the range is read.
  Damage take_damage();
  /// PacketReader::broken_off()
  std::string broken_off() const { return packets_.broken_off(); }

 private:
  size_t first_decoded(size_t frame) const;
  void set_range(const FrameRange& range, int64_t reach);
  AvFrame decode();

  const Film& film_;
  int64_t begin_ = std::numeric_limits<int64_t>::min(), end_ = std::numeric_limits<int64_t>::max();
  int64_t counted_begin_ = begin_, counted_end_ = end_;  // times of the range itself
  int64_t expected_ = 0, came_ = 0, lost_ = 0;
  std::optional<int64_t> last_;
  size_t key_ = 0;  // the frame of the index that is decoded first
  AvFrame beyond_;  // decoded, of the next range
  int width_ = 0, height_ = 0, format_ = -1;
  bool packets_left_ = true, ended_ = false;
  PacketReader packets_;
  AvCodec decoder_;
  AvPacket packet_;
  Damage damage_;
};

}  // namespace fsrcnn
