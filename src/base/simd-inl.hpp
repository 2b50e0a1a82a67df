// What the kernels of every instruction set share. Included once for each by foreach_target.h, inside of nothing.
#if defined(FSRCNN_BASE_SIMD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FSRCNN_BASE_SIMD_INL
#undef FSRCNN_BASE_SIMD_INL
#else
#define FSRCNN_BASE_SIMD_INL
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr D d;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM;  // 32 of them, not 16
constexpr const char* kCpuName = HWY_TARGET == HWY_SSE4   ? "sse4"
                                 : HWY_TARGET == HWY_AVX2 ? "avx2"
                                 : HWY_TARGET == HWY_AVX3 ? "avx512"
                                 : HWY_TARGET == HWY_NEON ? "neon"
                                                          : "scalar";

// Keeps GCC from loading a value again for each use: the one operand from memory that an instruction can have shall be
// a weight, which AVX-512 broadcasts on the way.
HWY_INLINE void keep_in_register([[maybe_unused]] V& value) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_TARGET == HWY_AVX3
  asm("" : "+v"(value.raw));
#elif HWY_COMPILER_GCC_ACTUAL && HWY_TARGET == HWY_AVX2
  asm("" : "+x"(value.raw));
#endif
}

// PReLU for slopes up to 1.
HWY_INLINE V prelu_to_one(V x, V slope) { return hn::Max(x, hn::Mul(x, slope)); }

// Calls function.operator()<n>() for 1 <= n <= kMost.
template <int kMost, class Function>
HWY_INLINE void with_constant(int n, const Function& function) {
  if constexpr (kMost > 1) {
    if (n < kMost) return with_constant<kMost - 1>(n, function);
  }
  function.template operator()<kMost>();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#endif  // per target
