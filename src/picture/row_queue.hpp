#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace fsrcnn {

/// Samples of some rows of a picture, as they lie in a file.
struct RowBlock {
  int64_t first_row = 0, rows = 0;
  std::vector<std::byte> samples;
};

/// Hands blocks of rows from the thread that makes them to the one that writes them, and keeps the first from running
/// ahead.
class RowQueue {
 public:
  /// Waits for room. False if nobody wants any more.
  bool push(RowBlock block) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || blocks_.size() < kMostBlocks; });
    if (closed_) return false;
    blocks_.push_back(std::move(block));
    changed_.notify_all();
    return true;
  }
  /// No more will come; with a failure, pop throws it.
  void finish(std::exception_ptr failure = nullptr) {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    failure_ = std::move(failure);
    changed_.notify_all();
  }
  /// Waits for the next block; none after the last.
  std::optional<RowBlock> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_ || !blocks_.empty(); });
    if (failure_) std::rethrow_exception(failure_);
    if (blocks_.empty()) return std::nullopt;
    RowBlock block = std::move(blocks_.front());
    blocks_.pop_front();
    changed_.notify_all();
    return block;
  }
  /// Nobody will pop any more.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  static constexpr size_t kMostBlocks = 2;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RowBlock> blocks_;
  bool finished_ = false, closed_ = false;
  std::exception_ptr failure_;
};

}  // namespace fsrcnn
