#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "video/av.hpp"
#include "video/film_index.hpp"
#include "video/packet_reader.hpp"

namespace fsrcnn {

/// FFmpeg's name of YUV4MPEG2.
inline constexpr std::string_view kRawFormat = "yuv4mpegpipe";

/// A film: an opened and analysed file; "-" is YUV4MPEG2 on standard input. It is immutable, so threads may share it;
/// each reads it with its own PacketReader.
class Film {
 public:
  /// Throws Error(io) if the file cannot be read, and Error(input) if it is not a film, if its pictures cannot be
  /// decoded, or if its format is unsupported. stop: if it becomes true, waiting for the file ends with
  /// Error(cancelled). head: of standard input, if its beginning is read already.
  explicit Film(const std::string& path, const std::atomic<bool>* stop = nullptr, std::string head = "");

  const std::string& path() const { return path_; }
  bool is_pipe() const { return path_ == "-"; }
  const std::atomic<bool>* stop() const { return stop_; }
  /// For standard input: the bytes read to open the film.
  const std::string& head() const { return head_; }
  const AVFormatContext& format() const { return *input_; }
  const AVStream& video() const { return *input_->streams[video_]; }
  int video_index() const { return video_; }
  /// The first picture that can be decoded, complete(); null for a pipe.
  const AVFrame* first_frame() const { return first_frame_.get(); }
  /// Completes a picture's missing properties from the container.
  void complete(AVFrame& frame) const;

  /// A decoder at its beginning.
  AvCodec open_decoder() const;

  /// Not for pipes. The first call reads the whole file, and throws what read_index() throws.
  const FilmIndex& index() const;
  /// Whether the frames of the index from `begin` on have the average rate, without gaps.
  bool has_fixed_rate(int64_t begin = 0, int64_t end = std::numeric_limits<int64_t>::max()) const;

 private:
  void read_first_frame();

  std::string path_;
  const std::atomic<bool>* stop_;
  std::string head_;
  InputFile input_;
  int video_;
  AvFrame first_frame_;
  mutable std::once_flag indexed_;
  mutable FilmIndex index_;
};

/// "stream 1 (audio aac)"
std::string describe(const AVStream& stream);

}  // namespace fsrcnn
