#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fsrcnn {

/// For one instruction set.
struct InterleaveKernels {
  const char* cpu;  ///< its name
  /// out[i * rows + r] = in[r * stride + i] for i < count. No alignment needed.
  void (*interleave)(int rows, const float* in, ptrdiff_t stride, int64_t count, float* out);
};

/// Null if there are none for this name of cpu_names().
const InterleaveKernels* interleave_kernels(std::string_view cpu);

}  // namespace fsrcnn
