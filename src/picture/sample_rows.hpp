#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/bounded_queue.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// The next rows of a picture, (1, C, rows, W); empty after the last.
using RowSource = std::function<Tensor<float>()>;

/// Samples of some rows of a picture, as they lie in a file: pixel after pixel, in the machine's byte order.
struct RowBlock {
  int64_t first_row = 0, rows = 0;
  std::vector<std::byte> samples;
};

/// Runs a source on a thread of its own, and turns what it gives into samples of so many bits (8, 16, or 32 for
/// floats), rounded to nearest.
class SampleRows {
 public:
  /// Picture and source must outlive it.
  SampleRows(const PictureHeader& picture, int bits, const RowSource& source)
      : thread_([this, &picture, bits, &source] { run(picture, bits, source); }) {}
  ~SampleRows() {
    queue_.close();
    thread_.join();
  }
  SampleRows(const SampleRows&) = delete;
  SampleRows& operator=(const SampleRows&) = delete;

  /// The next rows, at most so many. Throws what the source throws, and Error(io) after the last.
  RowBlock next(int64_t most = INT64_MAX);
  /// Seconds that next() has waited.
  double waited_s() const { return waited_s_; }

 private:
  void run(const PictureHeader& picture, int bits, const RowSource& source);

  BoundedQueue<RowBlock> queue_{2};
  double waited_s_ = 0;
  RowBlock rest_;  // of what came last
  std::thread thread_;
};

}  // namespace fsrcnn
