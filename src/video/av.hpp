#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
}

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

struct AVHashContext;

namespace fsrcnn {

// FFmpeg's objects with owners, and its error codes as exceptions.

template <auto kFree>
struct AvFree {
  template <class T>
  void operator()(T* object) const {
    kFree(&object);
  }
};

using AvFrame = std::unique_ptr<AVFrame, AvFree<av_frame_free>>;
using AvPacket = std::unique_ptr<AVPacket, AvFree<av_packet_free>>;
using AvCodec = std::unique_ptr<AVCodecContext, AvFree<avcodec_free_context>>;
using AvParameters = std::unique_ptr<AVCodecParameters, AvFree<avcodec_parameters_free>>;
using AvPacketFilter = std::unique_ptr<AVBSFContext, AvFree<av_bsf_free>>;
using AvInput = std::unique_ptr<AVFormatContext, AvFree<avformat_close_input>>;

struct AvFreeBytes {
  void operator()(AVIOContext* bytes) const {
    av_freep(&bytes->buffer);
    avio_context_free(&bytes);
  }
};
using AvInputBytes = std::unique_ptr<AVIOContext, AvFreeBytes>;

/// Keys and values, of a file.
using StreamTags = std::vector<std::pair<std::string, std::string>>;

/// FFmpeg's AV_TIME_BASE_Q, which is no C++.
inline constexpr AVRational kMicroseconds{1, AV_TIME_BASE};

AvFrame new_frame();
/// With memory for its samples. alignment: of its rows, in bytes; 0: FFmpeg's choice. Throws Error(input).
AvFrame new_frame(AVPixelFormat pixels, int width, int height, int alignment = 0);
/// Another owner of the same samples. Throws Error(io).
AvFrame reference_to(const AVFrame& frame);
AvPacket new_packet();
AvParameters new_parameters();

/// FFmpeg's filter of packets of this name; null if it is not for this codec.
AvPacketFilter open_packet_filter(const char* name, const AVCodecParameters& parameters);

/// The headers of a stream, in place of what it has. Throws std::bad_alloc.
void set_extradata(AVCodecParameters& parameters, const uint8_t* bytes, size_t size);

/// A hash of packets' bytes and times, to detect damage.
class PacketHash {
 public:
  PacketHash();
  ~PacketHash();
  PacketHash(const PacketHash&) = delete;
  PacketHash& operator=(const PacketHash&) = delete;

  void add(const AVPacket& packet);
  /// In hexadecimal digits; resets the hash.
  std::string digits();

 private:
  AVHashContext* hash_ = nullptr;
};

/// Options for FFmpeg's functions, which remove those that they use.
class AvOptions {
 public:
  AvOptions() = default;
  ~AvOptions() { av_dict_free(&dictionary_); }
  AvOptions(const AvOptions&) = delete;
  AvOptions& operator=(const AvOptions&) = delete;

  void set(const std::string& key, const std::string& value) {
    av_dict_set(&dictionary_, key.c_str(), value.c_str(), 0);
  }
  AVDictionary** get() { return &dictionary_; }
  /// An unused one, or empty.
  std::string unused() const;

 private:
  AVDictionary* dictionary_ = nullptr;
};

/// FFmpeg's message for an error code, with the last line that it logged on this thread.
std::string av_message(int code);

/// An encoder's message about rejected options since the last call, or empty.
std::string option_warning();

/// Throws Error if result is negative: "WHAT: FFmpeg's reason". Returns the result.
template <class... Args>
int av_check(int result, ErrorCode code, fmt::format_string<Args...> what, Args&&... args) {
  if (result < 0) fail(code, "{}: {}", fmt::format(what, std::forward<Args>(args)...), av_message(result));
  return result;
}

/// Closes a written file. Throws Error(io) if writing failed.
void close_written(AVIOContext*& file, const std::string& name);

/// Keeps FFmpeg's log off the terminal; av_message uses its last line. Call it once.
void quiet_av_log();

}  // namespace fsrcnn
