#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <hwy/aligned_allocator.h>

namespace fsrcnn {

/// Aligned memory that a thread keeps from one job to the next, because fresh memory costs more than a small job.
/// Holds anything finite or not, but values that were computed with before: no job may read what it has not written,
/// but for lanes that it throws away.
inline float* conv_scratch(size_t floats) {
  constexpr size_t kKept = size_t{4} << 20;
  thread_local hwy::AlignedFreeUniquePtr<float[]> memory;
  thread_local size_t size = 0;
  if (floats > size || size > kKept) {
    memory.reset();
    size = 0;
    memory = hwy::AllocateAligned<float>(floats);
    if (!memory) throw std::bad_alloc();
    size = floats;
    std::fill_n(memory.get(), floats, 0.0F);
  }
  return memory.get();
}

inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace fsrcnn
