#pragma once

#include <memory>

#include "video/av.hpp"

struct AVBufferPool;

namespace fsrcnn {

/// Copies frames to memory whose every byte is known: rows and planes begin at multiples of 64 bytes, the picture goes
/// on to multiples of 64 pixels with the samples of its edge, and what is beyond is 0. Some encoders read beyond the
/// picture, and what they write would else depend on what the memory was used for before.
class FramePadder {
 public:
  /// Throws std::bad_alloc.
  AvFrame operator()(const AVFrame& frame);

 private:
  struct FreePool {
    void operator()(AVBufferPool* pool) const;
  };
  std::unique_ptr<AVBufferPool, FreePool> pool_;
  size_t pooled_bytes_ = 0;
};

}  // namespace fsrcnn
