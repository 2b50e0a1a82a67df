#include "video/frame_stages.hpp"

#include <utility>

#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

AVPixelFormat planar_of(const AVFrame& frame) { return planar_format(static_cast<AVPixelFormat>(frame.format)); }

FrameTarget deep_target(const FramePlan& plan) {
  const AVFrame& in = *plan.input.like;
  return {with_16_bits(planar_of(in)), in.width, in.height, in.width, in.height};
}

}  // namespace

FrameStages::FrameStages(Engine& engine, const FramePlan& plan)
    : plan_(plan), deepen_(deep_target(plan)), resize_(plan.target) {
  for (int i = 0; i < plan.passes; ++i) passes_.emplace_back(engine);
}

FrameUpscaler::Job FrameStages::begin(AvFrame frame) {
  if (plan_.is_deep) {
    const AVPixelFormat planar = planar_of(*frame);
    frame = deepen_(to_planar_(std::move(frame), planar));
  }
  if (passes_.empty()) return {nullptr, std::move(frame)};
  return passes_.front().begin(std::move(frame));
}

AvFrame FrameStages::enlarge(FrameUpscaler::Job job) {
  if (passes_.empty()) return std::move(job.output);
  AvFrame frame = passes_.front().finish(std::move(job));
  for (size_t i = 1; i < passes_.size(); ++i) frame = passes_[i].finish(passes_[i].begin(std::move(frame)));
  return frame;
}

void FrameStages::finish(size_t part, AvFrame frame, const Sink& sink) {
  if (plan_.is_deep) frame = resize_(std::move(frame));
  if (!plan_.keeps_times || plan_.is_deep) {
    frame->sample_aspect_ratio = plan_.output.like->sample_aspect_ratio;
  }
  if (plan_.after.empty()) return sink(part, std::move(frame));
  if (filter_ && part != part_) end(sink);
  part_ = part;
  if (!filter_) {
    FrameKind kind{without_samples(*frame), plan_.input.time_base, plan_.input.rate};
    filter_.emplace(plan_.after, kind, "--filter-after");
  }
  times_.push_back(frame->pts);
  filter_->push(std::move(frame));
  pull(sink);
}

void FrameStages::pull(const Sink& sink) {
  while (AvFrame frame = filter_->pull()) {
    frame->pts = av_rescale_q(frame->pts, filter_->time_base(), plan_.output.time_base);
    if (times_.empty() || frame->pts != times_.front()) fail_for_filter_after(plan_.after);
    times_.pop_front();
    sink(part_, std::move(frame));
  }
}

void FrameStages::end(const Sink& sink) {
  if (!filter_) return;
  filter_->push(nullptr);
  pull(sink);
  if (!times_.empty()) fail_for_filter_after(plan_.after);
  filter_.reset();
}

int64_t FrameStages::strips() const {
  int64_t sum = 0;
  for (const FrameUpscaler& pass : passes_) sum += pass.strips();
  return sum;
}

int64_t FrameStages::strips_copied() const {
  int64_t sum = 0;
  for (const FrameUpscaler& pass : passes_) sum += pass.strips_copied();
  return sum;
}

}  // namespace fsrcnn
