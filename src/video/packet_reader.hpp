#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "video/av.hpp"
#include "video/clock_joiner.hpp"
#include "video/film_index.hpp"

namespace fsrcnn {

/// The time of a packet: when its frame is shown, if the file stores it.
inline int64_t time_of(const AVPacket& packet) { return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts; }

/// Standard input as FFmpeg reads it.
struct StandardInput {
  std::string head;               ///< bytes already read, which come first
  bool head_only;                 ///< it ends there
  const std::atomic<bool>* stop;  ///< if it becomes true, reading ends with AVERROR_EXIT, also while waiting
  size_t at = 0;                  ///< in the head
};

/// The first line of standard input, or a part of it if it is longer than a head can be. Throws Error(io), and
/// Error(cancelled) if `stop` becomes true.
std::string read_head(const std::atomic<bool>* stop);

/// Writes standard input, after the bytes already read, to a file. Throws Error(io), and Error(cancelled) if `stop`
/// becomes true.
void spool_standard_input(const std::string& head, const std::filesystem::path& file, const std::atomic<bool>* stop);

/// A file, or "-", opened by FFmpeg, with its streams as known from the beginning.
class InputFile {
 public:
  /// Throws Error(io), Error(input), and Error(cancelled) if standard input was stopped.
  InputFile(const std::string& path, StandardInput standard_input);

  AVFormatContext& operator*() const { return *context_; }
  AVFormatContext* operator->() const { return context_.get(); }
  AVFormatContext* get() const { return context_.get(); }

 private:
  std::unique_ptr<StandardInput> standard_input_;
  AvInputBytes bytes_;
  AvInput context_;
};

/// A read position in a film. A film may have many, on different threads; a pipe has one.
class PacketReader {
 public:
  /// At the film's beginning. Throws what opening the film throws. index: the film's, of which pictures get their times
  /// where the file has none or several clocks; null, to make one.
  explicit PacketReader(const Film& film, const FilmIndex* index = nullptr);

  /// The streams as far as they are known by now.
  const AVFormatContext& format() const { return *input_; }
  /// The next packet of the pictures (or of any stream); false at the end. Throws Error(io), Error(cancelled).
  bool read(AVPacket& packet, bool any_stream = false);
  /// Seeks to the packet of this frame or, if the file does not support it, to anywhere before it.
  void seek(const IndexedFrame& frame);
  const ClockJoiner& clock() const { return clock_; }
  /// Message why read() ended before the film's end; empty if it did not.
  std::string broken_off() const;

 private:
  InputFile open() const;
  void open_again();
  bool read_any(AVPacket& packet, bool any_stream);
  bool unpack(AVPacket& packet);
  bool find(size_t number);

  const Film& film_;
  const FilmIndex* index_;
  InputFile input_;
  ClockJoiner clock_;
  AvPacketFilter unpacker_;  // of pictures that stand two in a packet; null: none do
  bool is_from_beginning_ = true;
  size_t number_ = 0;  // of the next packet of the pictures, if it is known
  int read_error_ = AVERROR_EOF;
  int64_t packet_end_ = -1;  // where the last packet of the pictures ends in the file
};

}  // namespace fsrcnn
