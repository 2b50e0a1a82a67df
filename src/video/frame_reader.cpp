#include "video/frame_reader.hpp"

#include <algorithm>

#include "video/av_versions.hpp"

namespace fsrcnn {

Damage& Damage::operator+=(const Damage& more) {
  packets += more.packets;
  frames += more.frames;
  out_of_order += more.out_of_order;
  interlaced += more.interlaced;
  missing += more.missing;
  dropped += more.dropped;
  return *this;
}

FrameReader::FrameReader(const Film& film)
    : film_(film), packets_(film), decoder_(film.open_decoder()), packet_(new_packet()) {
  if (film.first_frame() == nullptr) return;
  width_ = film.first_frame()->width;
  height_ = film.first_frame()->height;
  format_ = film.first_frame()->format;
}

FrameReader::FrameReader(const Film& film, const FrameRange& range) : FrameReader(film) {
  const std::vector<IndexedFrame>& index = film.index().frames;
  auto key = static_cast<size_t>(range.begin);
  begin_ = index[key].time;
  if (range.end < static_cast<int64_t>(index.size())) end_ = index[static_cast<size_t>(range.end)].time;
  // Before the first key nothing need be decodable: the film may be cut out of a longer one.
  expected_ = range.end - std::max(range.begin, std::min(range.end, film.index().frames_before_key));
  while (!index[key].key) --key;
  // From a key of H.264 pictures may only begin to come back, bit by bit; they are whole at the next one.
  if (key > 0 && film.video().codecpar->codec_id == AV_CODEC_ID_H264) {
    for (--key; !index[key].key;) --key;
  }
  packets_.seek(index[key]);
}

AvFrame FrameReader::decode() {
  AvFrame frame = new_frame();
  for (;;) {
    const int result = avcodec_receive_frame(decoder_.get(), frame.get());
    if (result >= 0) return frame;
    if (result == AVERROR_EOF) return nullptr;
    if (result != AVERROR(EAGAIN)) {
      ++damage_.packets;
      if (!packets_left_) return nullptr;
    }
    packets_left_ = packets_left_ && packets_.read(*packet_);
    const int sent = avcodec_send_packet(decoder_.get(), packets_left_ ? packet_.get() : nullptr);
    if (sent == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (sent < 0 && sent != AVERROR_EOF) ++damage_.packets;
  }
}

AvFrame FrameReader::end() {
  damage_.missing = std::max<int64_t>(0, expected_ - came_ - damage_.packets - damage_.out_of_order);
  return nullptr;
}

AvFrame FrameReader::next() {
  for (;;) {
    AvFrame frame = decode();
    if (!frame) return end();
    const int64_t time = frame->best_effort_timestamp != AV_NOPTS_VALUE ? frame->best_effort_timestamp
                         : last_                                        ? *last_ + 1
                                                                        : std::max<int64_t>(begin_, 0);
    if (time < begin_) continue;
    if (time >= end_) return end();
    if (last_ && time <= *last_) {
      ++damage_.out_of_order;
      continue;
    }
    if (width_ == 0) {
      width_ = frame->width;
      height_ = frame->height;
      format_ = frame->format;
    }
    if (frame->width != width_ || frame->height != height_ || frame->format != format_) {
      fail(ErrorCode::input,
           "the pictures of '{}' change from {}x{} {} to {}x{} {} mid-stream, which is not supported. Cut the film "
           "there, at {:.2f} s",
           film_.path(), width_, height_, av_get_pix_fmt_name(static_cast<AVPixelFormat>(format_)), frame->width,
           frame->height, av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame->format)),
           static_cast<double>(time) * av_q2d(film_.video().time_base) -
               static_cast<double>(std::max<int64_t>(film_.format().start_time, 0)) / AV_TIME_BASE);
    }
    if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0) ++damage_.frames;
    if (is_interlaced(*frame)) ++damage_.interlaced;
    last_ = time;
    ++came_;
    frame->pts = time;
    film_.complete(*frame);
    return frame;
  }
}

}  // namespace fsrcnn
