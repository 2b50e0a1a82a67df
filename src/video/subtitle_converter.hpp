#pragma once

#include <functional>
#include <string_view>

#include "video/av.hpp"

namespace fsrcnn {

/// The codec to which subtitles of text can be converted for this container (FFmpeg's name); AV_CODEC_ID_NONE: to none.
AVCodecID text_codec_for(std::string_view container, const AVCodecParameters& subtitles);

/// Converts subtitles of text to another codec.
class SubtitleConverter {
 public:
  /// Throws Error(input) if they cannot be decoded.
  SubtitleConverter(const AVStream& from, AVCodecID to);

  /// The parameters of what comes out.
  const AVCodecParameters& parameters() const { return *parameters_; }

  /// The time base of what comes out.
  static constexpr AVRational kTimeBase{1, 1000};
  using Sink = std::function<void(AVPacket& packet)>;
  void convert(const AVPacket& packet, const Sink& sink);

 private:
  AVRational from_base_;
  AvCodec decoder_, encoder_;
  AvParameters parameters_ = new_parameters();
};

}  // namespace fsrcnn
