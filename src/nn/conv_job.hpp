#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/aligned.hpp"

namespace fsrcnn {

/// Aligned memory that a thread keeps from one job to the next, because fresh memory costs more than a small job. It
/// holds arbitrary values of earlier jobs: a job must only read what it has written, except in lanes that it discards.
inline float* conv_scratch(size_t floats) {
  constexpr size_t kKept = size_t{4} << 20;
  thread_local AlignedFloats memory;
  thread_local size_t size = 0;
  if (floats > size || size > kKept) {
    memory.reset();
    size = 0;
    memory = allocate_aligned(floats);
    size = floats;
    std::fill_n(memory.get(), floats, 0.0F);
  }
  return memory.get();
}

inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace fsrcnn
