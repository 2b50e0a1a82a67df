#include "video/clock_joiner.hpp"

#include <cstdlib>

namespace fsrcnn {
namespace {

// FFmpeg's: gaps of up to ten seconds may be of a signal that was lost, and reordering and rounding go back a bit.
constexpr int64_t kLongestGap_us = 10 * int64_t{AV_TIME_BASE}, kLongestBack_us = AV_TIME_BASE / 10;

}  // namespace

void ClockJoiner::choose_offset(StreamClock& clock, int64_t time_us) {
  if (clock.expected_us == AV_NOPTS_VALUE) {
    if (start_us_ == AV_NOPTS_VALUE) start_us_ = time_us;
    clock.offset_us = offset_us_;
    clock.is_old = false;
    return;
  }
  const auto gap = [&](int64_t offset_us) { return time_us + offset_us - clock.expected_us; };
  // Streams jump one after another, and all by as much.
  if (clock.is_old && std::abs(gap(offset_us_)) < std::abs(gap(clock.offset_us))) {
    clock.offset_us = offset_us_;
    clock.is_old = false;
  }
  const int64_t back_us = clock.last_us - (time_us + clock.offset_us);
  if (gap(clock.offset_us) <= kLongestGap_us && back_us <= kLongestBack_us) return;
  clock.offset_us = offset_us_ = clock.expected_us - time_us;
  for (StreamClock& other : clocks_) other.is_old = true;
  clock.is_old = false;
  if (jumps_++ == 0) first_jump_us_ = clock.expected_us - start_us_;
}

void ClockJoiner::join(AVPacket& packet, const AVStream& stream) {
  const auto number = static_cast<size_t>(packet.stream_index);
  if (clocks_.size() <= number) clocks_.resize(number + 1);
  StreamClock& clock = clocks_[number];
  const AVMediaType type = stream.codecpar->codec_type;
  const bool flows = (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) &&
                     (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
  if (!flows) {
    // Subtitles and data come when they like, by the newest clock.
    const int64_t offset = av_rescale_q(offset_us_, kMicroseconds, stream.time_base);
    if (packet.pts != AV_NOPTS_VALUE) packet.pts += offset;
    if (packet.dts != AV_NOPTS_VALUE) packet.dts += offset;
    return;
  }
  int64_t time = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (time == AV_NOPTS_VALUE) {
    if (clock.expected_us == AV_NOPTS_VALUE) return;
    time = packet.dts = av_rescale_q(clock.expected_us, kMicroseconds, stream.time_base);
    if (type == AVMEDIA_TYPE_AUDIO || stream.codecpar->video_delay == 0) packet.pts = packet.dts;
  } else {
    const int64_t time_us = av_rescale_q(time, stream.time_base, kMicroseconds);
    if (is_discontinuous_) choose_offset(clock, time_us);
    const int64_t offset = av_rescale_q(clock.offset_us, kMicroseconds, stream.time_base);
    time += offset;
    if (packet.pts != AV_NOPTS_VALUE) packet.pts += offset;
    if (packet.dts != AV_NOPTS_VALUE) packet.dts += offset;
  }
  clock.last_us = av_rescale_q(time, stream.time_base, kMicroseconds);
  int64_t duration_us = av_rescale_q(packet.duration, stream.time_base, kMicroseconds);
  if (duration_us <= 0 && type == AVMEDIA_TYPE_VIDEO && stream.avg_frame_rate.num > 0) {
    duration_us = av_rescale_q(1, av_inv_q(stream.avg_frame_rate), kMicroseconds);
  }
  clock.expected_us = clock.last_us + duration_us;
}

std::string ClockJoiner::told() const {
  if (jumps_ == 0) return "";
  return fmt::format("the film's clock jumps {}, {}at {:.2f} s; the parts are joined there",
                     jumps_ == 1 ? "once" : fmt::format("{} times", jumps_), jumps_ == 1 ? "" : "first ",
                     static_cast<double>(first_jump_us_) / AV_TIME_BASE);
}

}  // namespace fsrcnn
