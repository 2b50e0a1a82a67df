#include "video/subtitle_converter.hpp"

#include <algorithm>
#include <new>

#include "video/container.hpp"

namespace fsrcnn {
namespace {

// More than any line of text.
constexpr int kMostBytes = 1 << 20;

struct FreeSubtitle {
  void operator()(AVSubtitle* subtitle) const {
    avsubtitle_free(subtitle);
    delete subtitle;
  }
};

}  // namespace

AVCodecID text_codec_for(std::string_view container, const AVCodecParameters& subtitles) {
  const AVCodecDescriptor* codec = avcodec_descriptor_get(subtitles.codec_id);
  const bool is_text = codec != nullptr && codec->type == AVMEDIA_TYPE_SUBTITLE &&
                       (codec->props & AV_CODEC_PROP_TEXT_SUB) != 0 &&
                       avcodec_find_decoder(subtitles.codec_id) != nullptr &&
                       subtitles.codec_id != AV_CODEC_ID_EIA_608;  // which is decoded over many packets
  if (!is_text) return AV_CODEC_ID_NONE;
  if (is_mov(container)) return AV_CODEC_ID_MOV_TEXT;
  if (container == "webm") return AV_CODEC_ID_WEBVTT;
  return container == "matroska" || container == "nut" ? AV_CODEC_ID_SUBRIP : AV_CODEC_ID_NONE;
}

SubtitleConverter::SubtitleConverter(const AVStream& from, AVCodecID to) : from_base_(from.time_base) {
  const AVCodec* decoder = avcodec_find_decoder(from.codecpar->codec_id);
  const AVCodec* encoder = avcodec_find_encoder(to);
  decoder_.reset(avcodec_alloc_context3(decoder));
  encoder_.reset(avcodec_alloc_context3(encoder));
  if (!decoder_ || !encoder_) throw std::bad_alloc();
  av_check(avcodec_parameters_to_context(decoder_.get(), from.codecpar), ErrorCode::input, "decoding subtitles");
  decoder_->pkt_timebase = from.time_base;
  av_check(avcodec_open2(decoder_.get(), decoder, nullptr), ErrorCode::input, "decoding subtitles ({})",
           avcodec_get_name(from.codecpar->codec_id));
  if (decoder_->subtitle_header_size > 0) {  // styles, as ASS writes them
    const auto size = static_cast<size_t>(decoder_->subtitle_header_size);
    encoder_->subtitle_header = static_cast<uint8_t*>(av_mallocz(size + 1));
    if (encoder_->subtitle_header == nullptr) throw std::bad_alloc();
    std::copy_n(decoder_->subtitle_header, size, encoder_->subtitle_header);
    encoder_->subtitle_header_size = decoder_->subtitle_header_size;
  }
  encoder_->time_base = kTimeBase;
  av_check(avcodec_open2(encoder_.get(), encoder, nullptr), ErrorCode::input, "converting subtitles to {}",
           avcodec_get_name(to));
  av_check(avcodec_parameters_from_context(parameters_.get(), encoder_.get()), ErrorCode::io,
           "copying a stream's parameters");
}

void SubtitleConverter::convert(const AVPacket& packet, const Sink& sink) {
  const AvPacket copy = new_packet();
  if (av_packet_ref(copy.get(), &packet) < 0) throw std::bad_alloc();
  const std::unique_ptr<AVSubtitle, FreeSubtitle> subtitle(new AVSubtitle());
  int got = 0;
  if (avcodec_decode_subtitle2(decoder_.get(), subtitle.get(), &got, copy.get()) < 0 || got == 0) return;
  if (subtitle->num_rects == 0 || packet.pts == AV_NOPTS_VALUE) return;
  const uint32_t begin_ms = subtitle->start_display_time;
  int64_t duration_ms = av_rescale_q(packet.duration, from_base_, kTimeBase);
  if (duration_ms <= 0 && subtitle->end_display_time != UINT32_MAX) {
    duration_ms = static_cast<int64_t>(subtitle->end_display_time) - begin_ms;
  }
  subtitle->pts = av_rescale_q(packet.pts, from_base_, kMicroseconds);
  subtitle->start_display_time = 0;
  subtitle->end_display_time = static_cast<uint32_t>(std::max<int64_t>(0, duration_ms));
  std::vector<uint8_t> bytes(kMostBytes);
  const int size = avcodec_encode_subtitle(encoder_.get(), bytes.data(), kMostBytes, subtitle.get());
  if (size <= 0) return;
  const AvPacket out = new_packet();
  if (av_new_packet(out.get(), size) < 0) throw std::bad_alloc();
  std::copy_n(bytes.data(), size, out->data);
  out->pts = out->dts = av_rescale_q(packet.pts, from_base_, kTimeBase) + begin_ms;
  out->duration = std::max<int64_t>(0, duration_ms);
  out->flags = AV_PKT_FLAG_KEY;
  sink(*out);
}

}  // namespace fsrcnn
