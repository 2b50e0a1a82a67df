#include "video/picture_stream_writer.hpp"

#include <algorithm>
#include <new>

#include "video/segment_stream.hpp"

namespace fsrcnn {

PictureStreamWriter::PictureStreamWriter(const std::string& url, const std::string& format, const FilmEncoder& encoder,
                                         const FrameRange& range)
    : url_(url), time_base_(encoder.context().time_base) {
  av_check(avformat_alloc_output_context2(&context_, nullptr, format.c_str(), url.c_str()), ErrorCode::usage,
           "writing '{}' as {}", url, format);
  try {
    context_->flags |= AVFMT_FLAG_BITEXACT;
    if (format == kSegmentFormat) {
      av_dict_set(&context_->metadata, kFramesKey, fmt::format("{}:{}", range.begin, range.end).c_str(), 0);
    }
    context_->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    AVStream* stream = avformat_new_stream(context_, nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    av_check(avcodec_parameters_from_context(stream->codecpar, &encoder.context()), ErrorCode::io, "writing '{}'", url);
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
  }
  ++count_;
  end_ = std::max(end_, packet.pts);
  av_check(av_write_frame(context_, &packet), ErrorCode::io, "writing '{}'", url_);
}

void PictureStreamWriter::finish() {
  if (count_stream_ != nullptr) {
    const std::string text = fmt::format("{}", count_);
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
