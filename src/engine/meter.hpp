#pragma once

#include <cstdint>
#include <mutex>

#include "base/error.hpp"

namespace fsrcnn {

/// Counts the finished pixels of a frame, reports progress in order, and checks for cancellation.
class Meter {
 public:
  Meter(const FrameOptions& options, int64_t total) : options_(options), total_(total) {}

  void add(int64_t pixels) {
    const std::lock_guard lock(mutex_);
    done_ += pixels;
    if (options_.progress) options_.progress(static_cast<double>(done_) / static_cast<double>(total_));
  }
  bool stopped() const { return options_.stop.stop_requested(); }
  void throw_if_stopped() const {
    if (stopped()) fail(ErrorCode::cancelled, "upscaling was cancelled");
  }

 private:
  const FrameOptions& options_;
  int64_t total_, done_ = 0;
  std::mutex mutex_;
};

}  // namespace fsrcnn
