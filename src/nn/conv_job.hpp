#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <hwy/aligned_allocator.h>

#include "base/thread_pool.hpp"

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

/// pool.run(), but a job that is alone need not wait for another thread to wake.
template <class Job>
void run_jobs(ThreadPool& pool, int64_t count, const Job& job) {
  count == 1 ? job(int64_t{0}) : pool.run(count, job);
}

inline int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A stride in floats that is an odd number of cache lines, so that neighbours lie in different sets.
inline ptrdiff_t spread(ptrdiff_t floats) { return ((floats + 15) / 16 | 1) * 16; }

}  // namespace fsrcnn
