// Code shared by the kernels of every instruction set. foreach_target.h includes it once for each, at file scope, after
// targets.hpp.
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
constexpr const char* kCpuName = target_of(HWY_TARGET).name;
static_assert(target_of(HWY_TARGET).fused == (HWY_NATIVE_FMA != 0), "targets.hpp says what bits this target makes");

// Keeps GCC from reloading a value for each use. An instruction can have one memory operand, and it should be a weight,
// which AVX-512 broadcasts as it loads.
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
