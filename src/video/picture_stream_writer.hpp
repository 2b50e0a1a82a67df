#pragma once

#include <string>

#include "video/film_encoder.hpp"

namespace fsrcnn {

/// Writes packets of one stream of pictures to a file or pipe.
class PictureStreamWriter {
 public:
  /// format: FFmpeg's name of a muxer. tags: of the file. Throws Error(io).
  PictureStreamWriter(const std::string& url, const std::string& format, const FilmEncoder& encoder,
                      const StreamTags& tags);
  ~PictureStreamWriter();
  PictureStreamWriter(const PictureStreamWriter&) = delete;
  PictureStreamWriter& operator=(const PictureStreamWriter&) = delete;

  /// The packet's times are in the encoder's time base.
  void write(AVPacket& packet);
  /// Writes the end; of segments also the number of packets, and a hash of them. Throws Error(io).
  void finish();

 private:
  void write_alpha(const AVPacket& picture);

  std::string url_;
  AVFormatContext* context_ = nullptr;
  AVRational time_base_;
  bool counts_ = false;          // pictures, instead of telling their times
  int64_t count_ = 0, end_ = 0;  // packets, and the latest time of them
  PacketHash hash_;
  AVStream* count_stream_ = nullptr;  // of segments
  AVStream* alpha_stream_ = nullptr;  // of segments, where codecs keep it beside their packets
};

}  // namespace fsrcnn
