#include "picture/network_passes.hpp"

#include <algorithm>
#include <cstring>

#include "base/add_seconds.hpp"

namespace fsrcnn {
namespace {

void append(WaitingRows& to, const ConstPlane& rows) {
  const Plane room = to.room(rows.height);
  for (int64_t y = 0; y < rows.height; ++y) {
    std::memcpy(room.row(y), rows.row(y), static_cast<size_t>(rows.width) * sizeof(float));
  }
}

}  // namespace

Plane WaitingRows::room(int64_t rows) {
  const auto size = [&] { return static_cast<size_t>((end_ + rows) * width_); };
  if (size() > samples_.size()) {
    std::copy(samples_.begin() + begin_ * width_, samples_.begin() + end_ * width_, samples_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (size() > samples_.size()) samples_.resize(size());
  }
  const Plane room{reinterpret_cast<std::byte*>(samples_.data() + end_ * width_), width_, rows,
                   width_ * static_cast<ptrdiff_t>(sizeof(float))};
  end_ += rows;
  return room;
}

NetworkPasses::NetworkPasses(Engine& engine, int64_t width, int64_t height, const ScalePlan& plan,
                             std::span<WaitingRows> output, double& network_s, double& resampling_s)
    : output_(output), network_s_(network_s), resampling_s_(resampling_s) {
  RowStream::Sink sink;  // the last pass needs none if it writes the output
  if (plan.resampled()) {
    for (size_t c = 0; c < output.size(); ++c) {
      resamplers_.push_back(std::make_unique<RowResampler>(plan.network_width, plan.network_height, plan.width,
                                                           plan.height, ResampleKernel::lanczos3));
    }
    sink = [this](std::span<const ConstPlane> rows) {
      const AddSeconds timer(resampled_s_);
      for (size_t c = 0; c < rows.size(); ++c) {
        resamplers_[c]->push(rows[c], output_[c].room(resamplers_[c]->completed_by(rows[c].height)));
      }
    };
  }
  // From the last pass to the first.
  int64_t scale = 1;
  for (int i = 1; i < plan.passes; ++i) scale *= engine.scale();
  for (int i = 0; i < plan.passes; ++i, scale /= engine.scale()) {
    const bool writes = !sink;
    passes_.push_back(
        std::make_unique<RowStream>(engine, width * scale, height * scale, ConstPlane{}, Plane{}, std::move(sink)));
    RowStream& stream = *passes_.back();
    if (writes) {
      sink = [this, &stream](std::span<const ConstPlane> rows) {
        std::vector<Plane> rooms;
        for (WaitingRows& plane : output_) rooms.push_back(plane.room(stream.completed_by(rows.front().height)));
        stream.push(rows, rooms);
      };
    } else {
      sink = [&stream](std::span<const ConstPlane> rows) { stream.push(rows); };
    }
  }
  if (!sink) {
    sink = [this](std::span<const ConstPlane> rows) {
      for (size_t c = 0; c < rows.size(); ++c) append(output_[c], rows[c]);
    };
  }
  sink_ = std::move(sink);
}

void NetworkPasses::push(std::span<const ConstPlane> rows) {
  double seconds = 0;
  resampled_s_ = 0;
  {
    const AddSeconds timer(seconds);
    sink_(rows);
  }
  network_s_ += seconds - resampled_s_;
  resampling_s_ += resampled_s_;
}

}  // namespace fsrcnn
