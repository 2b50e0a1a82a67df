#include "video/picture_stream_writer.hpp"

#include <algorithm>
#include <new>

#include "video/segment_stream.hpp"

namespace fsrcnn {

PictureStreamWriter::PictureStreamWriter(const std::string& url, const std::string& format, const FilmEncoder& encoder,
                                         const StreamTags& tags)
    : url_(url), time_base_(encoder.context().time_base) {
  av_check(avformat_alloc_output_context2(&context_, nullptr, format.c_str(), url.c_str()), ErrorCode::usage,
           "writing '{}' as {}", url, format);
  try {
    context_->flags |= AVFMT_FLAG_BITEXACT;
    for (const auto& [key, value] : tags) av_dict_set(&context_->metadata, key.c_str(), value.c_str(), 0);
    if (format == kSegmentFormat) {
      av_dict_set_int(&context_->metadata, kBitsKey, encoder.context().bits_per_coded_sample, 0);
    }
    context_->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    AVStream* stream = avformat_new_stream(context_, nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    av_check(avcodec_parameters_from_context(stream->codecpar, &encoder.context()), ErrorCode::io, "writing '{}'", url);
    AVCodecParameters& p = *stream->codecpar;
    if (format == kSegmentFormat && p.codec_tag == 0 &&
        av_codec_get_tag(context_->oformat->codec_tag, p.codec_id) == 0) {
      const AVCodecTag* const mov[] = {avformat_get_mov_video_tags(), nullptr};
      p.codec_tag = av_codec_get_tag(mov, p.codec_id);  // which the format's reader knows, too
    }
    stream->time_base = time_base_;
    // YUV4MPEG2 has a rate and no times.
    const AVRational rate = encoder.context().framerate;
    counts_ = encoder.context().codec_id == AV_CODEC_ID_WRAPPED_AVFRAME && rate.num > 0;
    if (counts_) stream->time_base = av_inv_q(rate);
    stream->avg_frame_rate = encoder.context().framerate;
    stream->sample_aspect_ratio = encoder.context().sample_aspect_ratio;
    if (format == kSegmentFormat) {
      count_stream_ = avformat_new_stream(context_, nullptr);
      if (count_stream_ == nullptr) throw std::bad_alloc();
      count_stream_->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
      count_stream_->codecpar->codec_id = AV_CODEC_ID_TEXT;
      count_stream_->codecpar->codec_tag = MKTAG('U', 'T', 'F', '8');
      count_stream_->time_base = time_base_;
      if (has_alpha_beside(encoder.context().codec_id, encoder.context().pix_fmt)) {
        alpha_stream_ = avformat_new_stream(context_, nullptr);
        if (alpha_stream_ == nullptr) throw std::bad_alloc();
        av_check(avcodec_parameters_copy(alpha_stream_->codecpar, stream->codecpar), ErrorCode::io, "writing '{}'",
                 url);
        alpha_stream_->time_base = time_base_;
      }
    }
    av_check(avio_open(&context_->pb, url.c_str(), AVIO_FLAG_WRITE), ErrorCode::io, "writing '{}'", url);
    av_check(avformat_write_header(context_, nullptr), ErrorCode::io, "writing '{}'", url);
  } catch (...) {
    avio_closep(&context_->pb);
    avformat_free_context(context_);
    throw;
  }
}

PictureStreamWriter::~PictureStreamWriter() {
  avio_closep(&context_->pb);
  avformat_free_context(context_);
}

void PictureStreamWriter::write(AVPacket& packet) {
  packet.stream_index = 0;
  if (counts_) {
    packet.pts = packet.dts = count_;
  } else {
    av_packet_rescale_ts(&packet, time_base_, context_->streams[0]->time_base);
    // Of one or two pictures x265 makes decoding times of memory that nobody wrote to.
    const AVRational unit = context_->streams[0]->time_base;
    const int64_t earliest = packet.pts - av_rescale_q(kTimesBefore_s, {1, 1}, unit);
    if (packet.pts != AV_NOPTS_VALUE && (packet.dts > packet.pts || packet.dts < earliest)) packet.dts = packet.pts;
  }
  ++count_;
  end_ = std::max(end_, packet.pts);
  if (alpha_stream_ != nullptr) write_alpha(packet);
  hash_.add(packet);
  av_check(av_write_frame(context_, &packet), ErrorCode::io, "writing '{}'", url_);
}

// Before its picture, so that a reader of the picture has it.
void PictureStreamWriter::write_alpha(const AVPacket& picture) {
  size_t size = 0;
  const uint8_t* beside = av_packet_get_side_data(&picture, AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL, &size);
  if (beside == nullptr || size <= kAlphaIdBytes) {
    fail(ErrorCode::io, "the encoder did not write the transparency of a picture");
  }
  const AvPacket alpha = new_packet();
  size -= kAlphaIdBytes;
  av_check(av_new_packet(alpha.get(), static_cast<int>(size)), ErrorCode::io, "writing '{}'", url_);
  std::copy_n(beside + kAlphaIdBytes, size, alpha->data);
  alpha->pts = picture.pts;
  alpha->dts = picture.dts;
  alpha->flags = picture.flags;
  alpha->stream_index = alpha_stream_->index;
  hash_.add(*alpha);
  av_check(av_write_frame(context_, alpha.get()), ErrorCode::io, "writing '{}'", url_);
}

void PictureStreamWriter::finish() {
  if (count_stream_ != nullptr) {
    const std::string text = fmt::format("{} {}", count_, hash_.digits());
    const AvPacket packet = new_packet();
    av_check(av_new_packet(packet.get(), static_cast<int>(text.size())), ErrorCode::io, "writing '{}'", url_);
    std::copy(text.begin(), text.end(), packet->data);
    packet->stream_index = count_stream_->index;
    packet->flags = AV_PKT_FLAG_KEY;
    packet->pts = packet->dts = av_rescale_q(end_, context_->streams[0]->time_base, count_stream_->time_base);
    av_check(av_write_frame(context_, packet.get()), ErrorCode::io, "writing '{}'", url_);
  }
  av_check(av_write_trailer(context_), ErrorCode::io, "writing the end of '{}'", url_);
  close_written(context_->pb, url_);
}

}  // namespace fsrcnn
