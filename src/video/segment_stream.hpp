#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "video/film.hpp"

namespace fsrcnn {

/// FFmpeg's name of the format of segments: the one that keeps any codec and any time base.
inline constexpr const char* kSegmentFormat = "nut";

/// The key under which a segment keeps its range of frames, "A:B".
inline constexpr const char* kFramesKey = "frames";

/// What is added to a film's times in its segments, because that format has no times before 0, not even for decoding.
int64_t segment_time_offset(Film& film);

/// The pictures of several segments as one stream of packets, with the film's times.
class SegmentStream {
 public:
  /// Reads all packets' times. Throws Error(io) or Error(input) if a segment is missing, damaged, or encoded otherwise
  /// than the first.
  SegmentStream(const std::vector<std::filesystem::path>& segments, Film& film);

  /// Throws Error(input) if the segments are not ranges of frames that make up the film.
  void check_whole() const;

  const AVCodecParameters& parameters() const { return *parameters_; }
  int64_t count() const { return static_cast<int64_t>(dts_.size()); }

  /// The next packet in the order of decoding, its times in the film's time base; false after the last.
  bool next(AVPacket& packet);

 private:
  struct ParametersFree {
    void operator()(AVCodecParameters* p) const { avcodec_parameters_free(&p); }
  };

  struct Segment {
    std::filesystem::path path;
    FrameRange range;
    std::vector<int64_t> times;  // in the order of decoding
  };

  AVStream& open(const Segment& segment);
  Segment read(const std::filesystem::path& path);
  int64_t film_time(const AVPacket& packet) const;

  std::vector<Segment> segments_;  // in the film's order
  std::vector<IndexedFrame> index_;
  AVRational time_base_;
  int64_t time_offset_;
  std::unique_ptr<AVCodecParameters, ParametersFree> parameters_;
  std::vector<int64_t> dts_;  // of packets in the order of decoding
  AvInput input_;
  size_t segment_ = 0;
  int64_t packet_ = 0;
};

}  // namespace fsrcnn
