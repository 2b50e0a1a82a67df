#include "video/frame_reader.hpp"

#include <algorithm>
#include <utility>

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
    : film_(film),
      packets_(film, film.is_pipe() ? nullptr : &film.index()),
      decoder_(film.open_decoder()),
      packet_(new_packet()) {
  if (film.first_frame() == nullptr) return;
  width_ = film.first_frame()->width;
  height_ = film.first_frame()->height;
  format_ = film.first_frame()->format;
}

size_t FrameReader::first_decoded(size_t frame) const {
  const std::vector<IndexedFrame>& index = film_.index().frames;
  while (!index[frame].key) --frame;
  // From a key of H.264 pictures may only begin to come back, bit by bit; they are whole at the next one.
  if (frame > 0 && film_.video().codecpar->codec_id == AV_CODEC_ID_H264) {
    for (--frame; !index[frame].key;) --frame;
  }
  return frame;
}

void FrameReader::set_range(const FrameRange& range, int64_t reach) {
  const std::vector<IndexedFrame>& index = film_.index().frames;
  const auto time_at = [&](int64_t frame) {
    return frame < static_cast<int64_t>(index.size()) ? index[static_cast<size_t>(frame)].time
                                                      : std::numeric_limits<int64_t>::max();
  };
  counted_begin_ = time_at(range.begin);
  counted_end_ = time_at(range.end);
  begin_ = time_at(std::max<int64_t>(0, range.begin - reach));
  end_ = time_at(range.end + reach);
  // Before the first key nothing need be decodable: the film may be cut out of a longer one.
  expected_ = range.end - std::max(range.begin, std::min(range.end, film_.index().frames_before_key));
  came_ = lost_ = 0;
  damage_ = {};
  ended_ = false;
}

bool FrameReader::go_on(const FrameRange& range) {
  const size_t key = first_decoded(static_cast<size_t>(range.begin));
  if (!beyond_ || key != key_ || film_.index().frames[static_cast<size_t>(range.begin)].time < end_) return false;
  set_range(range, 0);
  return true;
}

FrameReader::FrameReader(const Film& film, const FrameRange& range, int64_t reach) : FrameReader(film) {
  set_range(range, reach);
  key_ = first_decoded(static_cast<size_t>(std::max<int64_t>(0, range.begin - reach)));
  packets_.seek(film.index().frames[key_]);
}

AvFrame FrameReader::decode() {
  AvFrame frame = new_frame();
  for (;;) {
    const int result = avcodec_receive_frame(decoder_.get(), frame.get());
    if (result >= 0) return frame;
    if (result == AVERROR_EOF) return nullptr;
    if (result != AVERROR(EAGAIN)) {
      ++damage_.packets;
      ++lost_;
      if (!packets_left_) return nullptr;
    }
    packets_left_ = packets_left_ && packets_.read(*packet_);
    const int sent = avcodec_send_packet(decoder_.get(), packets_left_ ? packet_.get() : nullptr);
    if (sent == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (sent < 0 && sent != AVERROR_EOF) {
      ++damage_.packets;
      ++lost_;
    }
  }
}

Damage FrameReader::take_damage() {
  if (ended_ || (last_ && *last_ >= counted_end_)) damage_.missing = std::max<int64_t>(0, expected_ - came_ - lost_);
  return std::exchange(damage_, {});
}

AvFrame FrameReader::next() {
  for (;;) {
    AvFrame frame = beyond_ ? std::move(beyond_) : decode();
    ended_ = !frame;
    if (!frame) return nullptr;
    const int64_t time = frame->best_effort_timestamp != AV_NOPTS_VALUE ? frame->best_effort_timestamp
                         : last_                                        ? *last_ + 1
                                                                        : std::max<int64_t>(begin_, 0);
    if (time < begin_) continue;
    if (time >= end_) {
      beyond_ = std::move(frame);
      ended_ = true;
      return nullptr;
    }
    if (last_ && time <= *last_) {
      ++damage_.out_of_order;
      ++lost_;
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
    last_ = time;
    if (time >= counted_begin_ && time < counted_end_) {
      if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0) ++damage_.frames;
      if (is_interlaced(*frame)) ++damage_.interlaced;
      ++came_;
    }
    frame->pts = time;
    set_duration(*frame, film_.is_pipe() ? 0 : duration_at(film_.index().frames, time));
    film_.complete(*frame);
    return frame;
  }
}

}  // namespace fsrcnn
