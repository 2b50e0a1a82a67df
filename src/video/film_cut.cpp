#include "video/film_cut.hpp"

#include <algorithm>

#include "video/packet_reader.hpp"

namespace fsrcnn {

bool FilmCut::keep(AVPacket& packet, AVRational time_base, AVMediaType type) const {
  const int64_t time = time_of(packet);
  if (is_whole || time == AV_NOPTS_VALUE) return is_whole;
  const int64_t begin = earlier(time_base);
  const int64_t end =
      end_us == std::numeric_limits<int64_t>::max() ? end_us : av_rescale_q(end_us, kMicroseconds, time_base);
  if (type == AVMEDIA_TYPE_SUBTITLE && packet.duration > 0) {
    const int64_t from = std::max(time, begin), to = std::min(time + packet.duration, end);
    if (from >= to) return false;
    packet.pts = packet.dts = from;
    packet.duration = to - from;
    return true;
  }
  return time >= begin && time < end;
}

FrameRange frames_between(const Film& film, std::optional<int64_t> start_us, std::optional<int64_t> end_us) {
  const std::vector<IndexedFrame>& index = film.index().frames;
  const AVRational unit = film.video().time_base;
  const auto first_from = [&](int64_t us) {
    const auto found = std::find_if(index.begin(), index.end(), [&](const IndexedFrame& frame) {
      return av_compare_ts(frame.time - index.front().time, unit, us, kMicroseconds) >= 0;
    });
    return static_cast<int64_t>(found - index.begin());
  };
  const auto count = static_cast<int64_t>(index.size());
  const FrameRange range{start_us ? first_from(*start_us) : 0, end_us ? first_from(*end_us) : count};
  if (range.begin < range.end) return range;
  const auto seconds = [](int64_t us) { return static_cast<double>(us) / AV_TIME_BASE; };
  const int64_t last = av_rescale_q(index.back().time - index.front().time, unit, kMicroseconds);
  fail(ErrorCode::usage, "no frame begins from {:.3f} s until {}; the film's frames begin from 0 to {:.3f} s",
       seconds(start_us.value_or(0)), end_us ? fmt::format("{:.3f} s", seconds(*end_us)) : "its end", seconds(last));
}

FilmCut cut_at(const Film& film, const FrameRange& range) {
  const std::vector<IndexedFrame>& index = film.index().frames;
  const auto count = static_cast<int64_t>(index.size());
  const auto time_us = [&](int64_t frame) {
    return av_rescale_q(index[static_cast<size_t>(frame)].time, film.video().time_base, kMicroseconds);
  };
  FilmCut cut;
  // A recording may begin at any time.
  cut.begin_us = std::max<int64_t>(0, film.index().start_us);
  if (range.begin == 0 && range.end == count) return cut;
  cut.is_whole = false;
  cut.begin_us = time_us(range.begin);
  if (range.end < count) cut.end_us = time_us(range.end);
  return cut;
}

}  // namespace fsrcnn
