#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/stereo3d.h>
}

#include <cstring>
#include <new>
#include <span>

// Differences between FFmpeg 5.1 and 9, under the newest version's names. No other file checks FFmpeg's version.

namespace fsrcnn {

/// How many pictures an encoder was given.
inline int64_t frame_num(const AVCodecContext& codec) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 3, 100)  // FFmpeg 6.0
  return codec.frame_num;
#else
  return codec.frame_number;
#endif
}

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)  // FFmpeg 6.1
inline bool is_interlaced(const AVFrame& frame) { return (frame.flags & AV_FRAME_FLAG_INTERLACED) != 0; }
inline bool is_top_first(const AVFrame& frame) { return (frame.flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0; }
inline void clear_key(AVFrame& frame) { frame.flags &= ~AV_FRAME_FLAG_KEY; }
#else
inline bool is_interlaced(const AVFrame& frame) { return frame.interlaced_frame != 0; }
inline bool is_top_first(const AVFrame& frame) { return frame.top_field_first != 0; }
inline void clear_key(AVFrame& frame) { frame.key_frame = 0; }
#endif

/// In the unit of its time.
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)  // FFmpeg 6.0
inline int64_t duration_of(const AVFrame& frame) { return frame.duration; }
inline void set_duration(AVFrame& frame, int64_t duration) { frame.duration = duration; }
#else
inline int64_t duration_of(const AVFrame& frame) { return frame.pkt_duration; }
inline void set_duration(AVFrame& frame, int64_t duration) { frame.pkt_duration = duration; }
#endif

/// What a graph of filters is told of the frames to come, besides their size.
inline void set_colours([[maybe_unused]] AVBufferSrcParameters& to, [[maybe_unused]] const AVFrame& frame) {
#if LIBAVFILTER_VERSION_INT >= AV_VERSION_INT(9, 16, 100)  // FFmpeg 7.0
  to.color_space = frame.colorspace;
  to.color_range = frame.color_range;
#endif
}

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)  // FFmpeg 6.1
inline constexpr int kProfileUnknown = AV_PROFILE_UNKNOWN;
inline constexpr int kProfileDnxhrLb = AV_PROFILE_DNXHR_LB, kProfileDnxhrSq = AV_PROFILE_DNXHR_SQ,
                     kProfileDnxhrHq = AV_PROFILE_DNXHR_HQ, kProfileDnxhrHqx = AV_PROFILE_DNXHR_HQX,
                     kProfileDnxhr444 = AV_PROFILE_DNXHR_444;
#else
inline constexpr int kProfileUnknown = FF_PROFILE_UNKNOWN;
inline constexpr int kProfileDnxhrLb = FF_PROFILE_DNXHR_LB, kProfileDnxhrSq = FF_PROFILE_DNXHR_SQ,
                     kProfileDnxhrHq = FF_PROFILE_DNXHR_HQ, kProfileDnxhrHqx = FF_PROFILE_DNXHR_HQX,
                     kProfileDnxhr444 = FF_PROFILE_DNXHR_444;
#endif

/// The rate that the pictures' own headers state, or 0/1.
inline AVRational stated_rate([[maybe_unused]] const AVCodecParameters& pictures) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)  // FFmpeg 6.1
  return pictures.framerate;
#else
  return {0, 1};
#endif
}

/// The pixel formats that an encoder takes, ended by AV_PIX_FMT_NONE; null: any.
inline const AVPixelFormat* pixel_formats(const AVCodec& encoder) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 19, 100)  // FFmpeg 7.1
  const void* formats = nullptr;
  if (avcodec_get_supported_config(nullptr, &encoder, AV_CODEC_CONFIG_PIX_FORMAT, 0, &formats, nullptr) < 0)
    return nullptr;
  return static_cast<const AVPixelFormat*>(formats);
#else
  return encoder.pix_fmts;
#endif
}

/// Whether the muxer of Matroska adds a codec's delay to the times of its packets.
inline constexpr bool kMuxerAddsCodecDelay = LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100);  // FFmpeg 6.1

/// Side data of a stream's header: display matrix, light levels, ...
inline std::span<const AVPacketSideData> side_data(const AVStream& stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100)  // FFmpeg 6.1
  const AVCodecParameters& p = *stream.codecpar;
  return {p.coded_side_data, static_cast<size_t>(p.nb_coded_side_data)};
#else
  return {stream.side_data, static_cast<size_t>(stream.nb_side_data)};
#endif
}

/// The one of this type, or null.
inline const AVPacketSideData* side_data(const AVStream& stream, AVPacketSideDataType type) {
  for (const AVPacketSideData& data : side_data(stream)) {
    if (data.type == type) return &data;
  }
  return nullptr;
}

/// Throws std::bad_alloc.
inline void add_side_data(AVStream& stream, AVPacketSideDataType type, const uint8_t* bytes, size_t size) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100)  // FFmpeg 6.1
  AVCodecParameters& p = *stream.codecpar;
  AVPacketSideData* added = av_packet_side_data_new(&p.coded_side_data, &p.nb_coded_side_data, type, size, 0);
  uint8_t* copy = added != nullptr ? added->data : nullptr;
#else
  uint8_t* copy = av_stream_new_side_data(&stream, type, size);
#endif
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, bytes, size);
}

/// Of a stream whose parameters are copied: from FFmpeg 6.1 on, its side data is among them.
inline void clear_side_data([[maybe_unused]] AVStream& stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100)  // FFmpeg 6.1
  av_packet_side_data_free(&stream.codecpar->coded_side_data, &stream.codecpar->nb_coded_side_data);
#endif
}

/// Keeps how stereo views are packed in a frame, without the eye they are for.
inline void clear_view([[maybe_unused]] AVStereo3D& stereo) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(59, 39, 100)  // FFmpeg 7.1
  stereo.view = AV_STEREO3D_VIEW_UNSPEC;
#endif
}

}  // namespace fsrcnn
