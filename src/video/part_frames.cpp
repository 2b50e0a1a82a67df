#include "video/part_frames.hpp"

#include <algorithm>
#include <utility>

#include "video/av_versions.hpp"

namespace fsrcnn {

PartFrames::PartFrames(const Film& film, const FramePlan& plan, const std::vector<FilmPart>& parts,
                       std::vector<PartResult>& results)
    : film_(film), plan_(plan), parts_(parts), results_(results) {}

void PartFrames::open() {
  const int64_t reach = plan_.before.empty() ? 0 : plan_.reach.value_or(0);
  if (film_.is_pipe()) {
    reader_.emplace(film_);
  } else if (sees_all()) {
    reader_.emplace(film_, FrameRange{0, static_cast<int64_t>(film_.index().frames.size())});
  } else if (reach > 0 || !reader_ || !reader_->go_on(parts_[part_].range)) {
    reader_.emplace(film_, parts_[part_].range, reach);
  }
  is_open_ = true;
  at_end_ = ends_filter_ = false;
  last_read_.reset();
  last_.reset();
  is_later_ = false;
}

void PartFrames::finish_part() {
  Damage damage = reader_->take_damage();
  if (plan_.is_progressive) damage.interlaced = 0;
  results_[part_].damage = damage;
  results_[part_].broken_off = reader_->broken_off();
  ++part_;
}

// The next frame as it is decoded, or null where the filter is to end: at the film's end, or where its times jump.
AvFrame PartFrames::read() {
  if (kept_) {
    last_read_ = kept_->pts;
    return std::exchange(kept_, nullptr);
  }
  AvFrame frame = reader_->next();
  if (!frame) {
    at_end_ = true;
    return nullptr;
  }
  if (plan_.restarts && last_read_) {
    const double frames =
        static_cast<double>(frame->pts - *last_read_) * av_q2d(film_.video().time_base) * av_q2d(plan_.decoded.rate);
    if (frames > 1.75 || frames < 0.25) {
      kept_ = std::move(frame);
      return nullptr;
    }
  }
  last_read_ = frame->pts;
  return frame;
}

AvFrame PartFrames::filtered() {
  if (plan_.before.empty()) return reader_->next();
  for (;;) {
    if (!filter_) {
      if (at_end_) return nullptr;
      filter_.emplace(plan_.before, plan_.decoded, "the filters before the network");
      ends_filter_ = false;
    }
    if (AvFrame frame = filter_->pull()) {
      // Of two at one time, which rounding can make, the second comes later.
      const bool stands = last_ && (frame->pts < given_ || (frame->pts == given_ && is_later_));
      if ((stands || frame->pts == AV_NOPTS_VALUE) && !plan_.asked_before.empty())
        fail_for_filter_before(plan_.asked_before);
      given_ = frame->pts;
      is_later_ = last_ && frame->pts <= *last_;
      if (is_later_) frame->pts = *last_ + 1;
      last_ = frame->pts;
      set_duration(*frame, 0);  // what filters leave may be in another unit
      return frame;
    }
    if (ends_filter_) {
      filter_.reset();
      continue;
    }
    AvFrame frame = read();
    ends_filter_ = !frame;
    if (frame) frame->sample_aspect_ratio = plan_.decoded.like->sample_aspect_ratio;
    filter_->push(std::move(frame));
  }
}

std::optional<PartFrames::Next> PartFrames::next() {
  const auto is_before = [&](const AVFrame& frame, int64_t index, AVRational time_base) {
    const std::vector<IndexedFrame>& frames = film_.index().frames;
    return index < static_cast<int64_t>(frames.size()) &&
           av_compare_ts(frame.pts, time_base, frames[static_cast<size_t>(index)].time, film_.video().time_base) < 0;
  };
  AvFrame frame;
  while (part_ < parts_.size()) {
    if (!is_open_) open();
    if (!frame) frame = filtered();
    if (!frame) {
      finish_part();
      is_open_ = sees_all();
      filter_.reset();
      continue;
    }
    if (plan_.is_turned) av_frame_remove_side_data(frame.get(), AV_FRAME_DATA_DISPLAYMATRIX);
    if (plan_.before.empty() || film_.is_pipe()) return Next{part_, std::move(frame)};
    const FrameRange& range = parts_[part_].range;
    const auto count = static_cast<int64_t>(film_.index().frames.size());
    if (range.begin > 0 && is_before(*frame, range.begin, plan_.input.time_base)) {
      frame.reset();
    } else if (range.end >= count || is_before(*frame, range.end, plan_.input.time_base)) {
      return Next{part_, std::move(frame)};
    } else {
      finish_part();
      if (!sees_all()) {
        frame.reset();
        is_open_ = false;
        filter_.reset();
      }
    }
  }
  return std::nullopt;
}

}  // namespace fsrcnn
