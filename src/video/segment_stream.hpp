#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "video/film.hpp"
#include "video/frame_plan.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {

/// FFmpeg's name of the format of segments, which supports any codec and time base.
inline constexpr const char* kSegmentFormat = "nut";

/// The keys under which a segment keeps its range of frames, "A:B", and the identities of its film and of its job.
inline constexpr const char* kFramesKey = "frames";
inline constexpr const char* kFilmKey = "film";
inline constexpr const char* kJobKey = "job";

/// The key for what a segment's frames are beyond what its codec says.
inline constexpr const char* kPlanKey = "pictures";

/// A plan as far as those who join segments need it, as text, and back. Throws Error(input) if it is none.
std::string text_of(const FramePlan& plan);
void read_plan(const std::string& text, FramePlan& plan);
/// The plan that a segment of the film was made by. Throws Error(io) and Error(input).
FramePlan plan_of_segment(const std::filesystem::path& segment, const Film& film);

/// The key for the bits of a coded pixel, by which some codecs tell whether they have alpha.
inline constexpr const char* kBitsKey = "bits";

/// Whether the codec stores alpha in separate data beside its packets. In segments it is a separate stream, after the
/// pictures and their number, and each of its packets precedes that of its picture.
bool has_alpha_beside(AVCodecID codec, AVPixelFormat pixels);

inline constexpr int kAlphaStream = 2;

/// Of what is beside a packet, what comes before alpha's coding: a number, which is 1 for it.
inline constexpr size_t kAlphaIdBytes = 8;

/// A segment that differs from what was written.
class DamagedSegment : public Error {
 public:
  DamagedSegment(const std::filesystem::path& path, const std::string& what)
      : Error(ErrorCode::input, fmt::format("the segment '{}' is damaged: {}", path.string(), what)), path_(path) {}
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// How many seconds before its picture's own a time of decoding can be: more than any encoder looks ahead.
inline constexpr int64_t kTimesBefore_s = 100;

/// Offset of a film's times in its segments, because their format has no times below 0, not even for decoding.
int64_t segment_time_offset(const Film& film, const FramePlan& frames);

/// The pictures of several segments as one stream of packets, with the times that they have in the film.
class SegmentStream {
 public:
  /// Reads all packets' times. frames: as they were planned. identity: the film's. planned: the range that each segment
  /// should have; empty: any. Throws Error(io) or Error(input) if a segment is missing, of another film or made
  /// differently from the first, and DamagedSegment.
  SegmentStream(const std::vector<std::filesystem::path>& segments, const Film& film, const FramePlan& frames,
                const std::string& identity, const std::vector<FrameRange>& planned = {});

  /// Throws Error(input) if the segments are not ranges of frames that make up the film.
  void check_whole() const;

  /// Messages about segments that lack pictures of their range. Pictures before the first position where decoding can
  /// start may be missing.
  std::vector<std::string> lacking() const;

  const AVCodecParameters& parameters() const { return *parameters_; }
  /// Whether pictures come in another order than they are shown in.
  bool is_reordered() const { return reordered_; }
  int64_t count() const { return static_cast<int64_t>(dts_.size()); }

  /// The next packet in the order of decoding, its times in the output's time base; false after the last. Throws
  /// DamagedSegment.
  bool next(AVPacket& packet);

 private:
  struct Segment {
    std::filesystem::path path;
    FrameRange range;
    std::vector<int64_t> times;  // in the order of decoding
  };

  AVStream& open(const Segment& segment);
  bool read_packet(const Segment& segment, AVPacket& packet);
  Segment read(const std::filesystem::path& path, const std::string& identity);
  int64_t time_in_film(const AVPacket& packet) const;
  int64_t duration_at(int64_t time) const;
  void put_alpha_beside(AVPacket& picture) const;

  std::vector<Segment> segments_;  // in the film's order
  std::vector<IndexedFrame> index_;
  int64_t frames_before_key_;
  AVRational time_base_, rate_;
  bool keeps_times_;
  int64_t time_offset_;
  AvParameters parameters_;
  std::string job_;
  bool has_alpha_ = false, reordered_ = false;
  std::vector<int64_t> sorted_, dts_;  // times of packets as they are shown, and as they are decoded
  AvInput input_;
  AvPacket alpha_ = new_packet();  // of the next picture
  size_t segment_ = 0;
  int64_t packet_ = 0;
};

}  // namespace fsrcnn
