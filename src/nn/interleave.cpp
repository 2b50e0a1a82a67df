#include "nn/interleave.hpp"

#include <cstring>

#include "base/cpu.hpp"
#include "base/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/interleave.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

template <int kRows>
HWY_INLINE void store(const float* in, ptrdiff_t stride, float* out) {
  const auto row = [&](int r) HWY_ATTR { return hn::LoadU(d, in + r * stride); };
  if constexpr (kRows == 2) hn::StoreInterleaved2(row(0), row(1), d, out);
  if constexpr (kRows == 3) hn::StoreInterleaved3(row(0), row(1), row(2), d, out);
  if constexpr (kRows == 4) hn::StoreInterleaved4(row(0), row(1), row(2), row(3), d, out);
}

template <int kRows>
HWY_INLINE int64_t whole_vectors(const float* in, ptrdiff_t stride, int64_t count, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store<kRows>(in + i, stride, out + i * kRows);
  return i;
}

void interleave(int rows, const float* in, ptrdiff_t stride, int64_t count, float* out) {
  int64_t done = 0;
  switch (rows) {
    case 1: std::memcpy(out, in, sizeof(float) * static_cast<size_t>(count)); return;
    case 2: done = whole_vectors<2>(in, stride, count, out); break;
    case 3: done = whole_vectors<3>(in, stride, count, out); break;
    case 4: done = whole_vectors<4>(in, stride, count, out); break;
    default: break;
  }
  for (int r = 0; r < rows; ++r) {
    for (int64_t i = done; i < count; ++i) out[i * rows + r] = in[r * stride + i];
  }
}

}  // namespace

extern const InterleaveKernels kInterleaveKernels;
const InterleaveKernels kInterleaveKernels = {.cpu = kCpuName, .interleave = interleave};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

FSRCNN_DECLARE_KERNELS(InterleaveKernels, kInterleaveKernels)

const InterleaveKernels* interleave_kernels(std::string_view cpu) {
  static constexpr const InterleaveKernels* kAll[] = FSRCNN_KERNELS(InterleaveKernels, kInterleaveKernels);
  return kernels_of(kAll, cpu);
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
