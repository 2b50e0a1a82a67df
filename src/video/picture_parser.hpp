#pragma once

#include <memory>
#include <optional>

#include "video/av.hpp"

namespace fsrcnn {

/// What a picture's packet itself says, without being decoded.
struct ParsedPicture {
  std::optional<bool> is_key;  ///< decoding can begin here; none: the codec does not say
  std::optional<int> order;    ///< in which it is shown, among those since a key after which all begins anew
  bool waits = false;          ///< it is shown after those that follow, up to the next one that waits
  int fields = 2;              ///< for which it is shown; flags of 3:2 pulldown make 3
  bool is_interlaced = false;
  bool is_hidden = false;         ///< decoded for others, but never shown
  const char* aspect = nullptr;   ///< of pictures of MPEG-2, if this one states it
  int width = 0, height = 0;      ///< 0: unknown
  bool has_second_layer = false;  ///< another eye of MV-HEVC, or more detail
};

/// Reads packets of a codec in the order of their file.
class PictureParser {
 public:
  explicit PictureParser(const AVCodecParameters& pictures);
  ParsedPicture parse(const AVPacket& packet);
  /// Frames a second as headers of MPEG-1 and MPEG-2 state it, so far; else 0/1. (Of H.264 it would be that of fields.)
  AVRational rate() const;

 private:
  struct Close {
    void operator()(AVCodecParserContext* parser) const { av_parser_close(parser); }
  };
  std::unique_ptr<AVCodecParserContext, Close> parser_;  // null: none for this codec
  AvCodec codec_;
  int nal_length_bytes_ = 0;  // 0: NAL units begin with start codes
};

}  // namespace fsrcnn
