#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "video/av.hpp"

namespace fsrcnn {

/// FFmpeg's name of YUV4MPEG2.
inline constexpr std::string_view kRawFormat = "yuv4mpegpipe";

/// A frame of a film as its packet announces it, before anything is decoded. Times are in the stream's time base.
struct IndexedFrame {
  int64_t time, duration;
  bool key;     ///< decoding can begin here
  int64_t dts;  ///< of its packet
};

/// Frames [begin, end) of a film, in the order in which they are shown.
struct FrameRange {
  int64_t begin = 0, end = 0;
  bool operator==(const FrameRange&) const = default;
};

/// The time of a packet: when its frame is shown, as far as the file tells it.
inline int64_t time_of(const AVPacket& packet) { return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts; }

/// A film's file, opened and looked at; "-" is YUV4MPEG2 on standard input.
class Film {
 public:
  /// Throws Error(io) if the file cannot be read, and Error(input) if it is no film, if its pictures cannot be decoded
  /// or are interlaced, or if its protection or kind is not supported.
  /// stop: if it becomes true, what waits for the file ends with Error(cancelled).
  explicit Film(const std::string& path, const std::atomic<bool>* stop = nullptr);

  const std::string& path() const { return path_; }
  bool is_pipe() const { return path_ == "-"; }
  AVFormatContext& format() const { return *input_; }
  AVStream& video() const { return *(first_input_ ? first_input_ : input_)->streams[video_]; }
  int video_index() const { return video_; }
  /// The first picture that can be decoded, complete(); null for a pipe.
  const AVFrame* first_frame() const { return first_frame_.get(); }
  /// What a picture does not say of itself, the container may.
  void complete(AVFrame& frame) const;

  /// A decoder at its beginning.
  AvCodec open_decoder() const;
  /// The next packet of the pictures (or of any stream); false at the end of the film.
  bool read(AVPacket& packet, bool any_stream = false);
  /// Begins again, with all streams.
  void rewind() { open(); }
  /// Begins again, at the packet of this frame or, if the file cannot go there, anywhere before it.
  void seek(const IndexedFrame& frame);

  /// All frames in the order in which they are shown; the first call reads the whole file.
  const std::vector<IndexedFrame>& index();
  /// Whether the frames of the index, from `begin` on, come at the average rate, none left out.
  bool has_fixed_rate(int64_t begin = 0, int64_t end = std::numeric_limits<int64_t>::max()) const;
  /// Of the index, how many frames are shown before the first at which decoding can begin.
  int64_t frames_before_key() const { return frames_before_key_; }
  /// What index() found missing at the film's end, for people; empty if it is whole, as far as it tells.
  const std::string& cut_short() const { return cut_short_; }
  /// Why read() came to an end before the film's, for people; empty if it did not.
  std::string broken_off() const;
  /// Whether index() met packets of this stream.
  bool has_packets(int stream) const {
    return static_cast<size_t>(stream) < met_.size() && met_[static_cast<size_t>(stream)];
  }
  /// Whether closed captions stand in the pictures: in the first one, of any kind, or, after index(), those of ATSC
  /// A/53 in any picture of MPEG-2, H.264 or HEVC.
  bool has_captions() const { return has_captions_; }
  /// Sound and subtitles that index() met but the beginning of the file does not announce, for people.
  const std::vector<std::string>& late_streams() const { return late_streams_; }

 private:
  void open();
  void check_first_frame();
  void check_stop() const;
  bool is_hidden(const AVPacket& packet) const;  // decoded for others, but never shown
  void check_end(int64_t end_us, int64_t end_of_subtitles_us);

  std::string path_;
  const std::atomic<bool>* stop_;
  AvInputBytes standard_input_;
  AvInput first_input_;  // which stays when the film is opened again to be read, because other threads look at it
  AvInput input_;
  int video_ = -1;
  AvFrame first_frame_;
  int read_error_ = AVERROR_EOF;
  int64_t packet_end_ = -1;  // where the last packet of the pictures ends in the file
  std::vector<IndexedFrame> index_;
  int64_t frames_before_key_ = 0;
  std::string cut_short_;
  std::vector<bool> met_;
  bool has_captions_ = false;
  std::vector<std::string> late_streams_;
};

/// "stream 1 (audio aac)"
std::string describe(const AVStream& stream);

/// Cuts a film into ranges of about `frames` frames each, which begin where decoding can begin.
std::vector<FrameRange> cut_into_segments(const std::vector<IndexedFrame>& index, int64_t frames);

}  // namespace fsrcnn
