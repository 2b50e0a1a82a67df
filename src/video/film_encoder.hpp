#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "video/film.hpp"
#include "video/frame_filter.hpp"
#include "video/hardware_frames.hpp"
#include "video/padded_frame.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {

/// Encoder settings of a film.
struct EncoderOptions {
  std::string codec;     ///< an encoder ("libx265") or a family ("hevc"); empty: the film's own family
  std::string preset;    ///< the encoder's; empty: its default
  double crf = -1;       ///< constant quality, in the encoder's unit; negative: chosen for the codec
  bool reorders = true;  ///< pictures may be coded in another order than shown (B-frames)
  std::vector<std::pair<std::string, std::string>> others;  ///< key and value, as FFmpeg names them
};

/// Encodes frames to packets.
class FilmEncoder {
 public:
  /// frames: those to come, as planned, so that all segments have the same headers. global_header: the container keeps
  /// the codec's headers. Throws Error(usage) for an unknown encoder or option, and Error(input) if the encoder does
  /// not support such frames.
  FilmEncoder(const EncoderOptions& options, const Film& film, const FrameKind& frames, bool global_header);

  using Sink = std::function<void(AVPacket& packet)>;
  /// Null at the end. Throws Error(io).
  void encode(const AVFrame* frame, const Sink& sink);

  AVCodecContext& context() const { return *codec_; }
  /// The format of the frames that it is given, or copies to a device.
  AVPixelFormat pixels() const;

 private:
  struct Close {
    void operator()(AVCodecContext* codec) const;
  };

  std::unique_ptr<AVCodecContext, Close> codec_;
  AvPacket packet_ = new_packet();
  std::optional<HardwareFrames> hardware_;
  PixelConverter to_pixels_;
  FramePadder pad_;
};

/// Of an encoder that stores a frame rate: throws Error(usage) because times do not follow it.
[[noreturn]] void fail_for_rate(const AVCodecContext& encoder);

/// Whether the film's pictures are raw.
bool is_raw(const Film& film);

/// The name of the encoder that these options select for such frames of this film. Throws Error(usage).
std::string encoder_name(const EncoderOptions& options, const Film& film, const FrameKind& frames);

/// Whether this encoder writes the closed captions of its pictures. Throws Error(usage).
bool keeps_captions(const EncoderOptions& options, const Film& film, const FrameKind& frames);

}  // namespace fsrcnn
