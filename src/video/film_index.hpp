#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "video/av.hpp"

namespace fsrcnn {

class Film;

/// A frame of a film as stated by its packet, without decoding. Times are in the stream's time base.
struct IndexedFrame {
  int64_t time, duration;
  bool key;     ///< decoding can begin here
  int64_t dts;  ///< of its packet
};

/// How long the frame of a time is shown, as its packet states or until the next one; 0 if neither is known.
int64_t duration_at(const std::vector<IndexedFrame>& index, int64_t time);

/// Frames [begin, end) of a film, in the order in which they are shown.
struct FrameRange {
  int64_t begin = 0, end = 0;
  bool operator==(const FrameRange&) const = default;
};

/// Tells a packet from others.
struct PacketFingerprint {
  int64_t pos;
  int size;
  uint32_t checksum;
  bool operator==(const PacketFingerprint&) const = default;
};
PacketFingerprint fingerprint(const AVPacket& packet);

/// A packet of the pictures, with its times in the stream's time base.
struct IndexedPacket {
  PacketFingerprint fingerprint;
  int64_t pts, dts;
};

/// Properties of a film that need all its packets to be read.
struct FilmIndex {
  std::vector<IndexedFrame> frames;  ///< in the order in which they are shown; at least one
  int64_t frames_before_key = 0;     ///< shown before the first at which decoding can begin
  std::string cut_short;             ///< message about a missing end of the film; empty if it seems complete
  /// Whether closed captions are in the pictures: in the first one, of any kind, or those of ATSC A/53 in any picture
  /// of MPEG-2, H.264 or HEVC.
  bool has_captions = false;
  std::vector<std::string> late_streams;  ///< sound and subtitle streams not announced at the beginning, as text
  std::vector<bool> met;                  ///< for each stream, whether it has packets
  /// All of the pictures, in the order of the file, if their times are not those that it has.
  std::vector<IndexedPacket> packets;
  uint64_t checksum = 0;           ///< of the pictures' packets
  int64_t start_us = 0;            ///< the earliest time of pictures or sound
  std::vector<std::string> notes;  ///< about what was mended or stays behind
  std::string cannot;              ///< message why the film cannot be upscaled; mostly empty
  /// The time of the first picture whose packet says that it is interlaced; decoders may know better.
  std::optional<int64_t> interlaced_from;

  bool has_packets(int stream) const {
    return static_cast<size_t>(stream) < met.size() && met[static_cast<size_t>(stream)];
  }
};

/// Whether films of this kind do not store when their pictures are shown, only their order.
bool lacks_times(const AVInputFormat& format, AVCodecID pictures);

/// Reads the whole film, which must not be a pipe. Throws Error(input) if it has no pictures or does not store when
/// they are shown, Error(io), and Error(cancelled).
FilmIndex read_index(const Film& film);

/// Cuts a film into ranges of about `frames` frames, which start where decoding can start. None has fewer than three,
/// unless the film has.
std::vector<FrameRange> cut_into_segments(const std::vector<IndexedFrame>& index, int64_t frames);

}  // namespace fsrcnn
