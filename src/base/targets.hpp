#pragma once

// The only list of the instruction sets that kernels are compiled for (Highway calls them targets). Include it before
// Highway's headers.

#include <cstdint>

// X(Highway's name, ours, whether MulAdd is fused, ...), the fastest first. All that fuse give the same bits, and so do
// all that do not. The list omits targets without benefit for floats: SSSE3, and newer forms of AVX-512 and NEON, whose
// machines run the older form; and SVE and RISC-V's vectors, whose length is unknown at compile time.
#define FSRCNN_TARGETS(X, ...)                   \
  X(AVX3, "avx512", true, __VA_ARGS__)           \
  X(AVX2, "avx2", true, __VA_ARGS__)             \
  X(SSE4, "sse4", false, __VA_ARGS__)            \
  X(SSE2, "sse2", false, __VA_ARGS__)            \
  X(NEON, "neon", true, __VA_ARGS__)             \
  X(NEON_WITHOUT_AES, "neon", true, __VA_ARGS__) \
  X(WASM, "wasm", false, __VA_ARGS__)            \
  X(EMU128, "scalar", false, __VA_ARGS__)        \
  X(SCALAR, "scalar", false, __VA_ARGS__)

// Before 1.0.4, Highway's only NEON target required AES, and SSE2 was missing. NEON without AES runs on both kinds of
// machines.
#define FSRCNN_OR_BIT(target, ...) | HWY_##target
#define HWY_DISABLED_TARGETS (~(0 FSRCNN_TARGETS(FSRCNN_OR_BIT)) | HWY_NEON * (HWY_NEON_WITHOUT_AES != 0))
#include <hwy/detect_targets.h>
#ifndef HWY_SSE2
#define HWY_SSE2 0
#endif
#ifndef HWY_NEON_WITHOUT_AES
#define HWY_NEON_WITHOUT_AES 0
#endif
#include <hwy/targets.h>

// Of `table`, of type Kernels, which a file with kernels defines in the namespace of every target that it is compiled
// for: FSRCNN_DECLARE_KERNELS declares it, and FSRCNN_KERNELS is a list of pointers to it, null for other targets. To
// be used under HWY_ONCE.
#define FSRCNN_DECLARE_KERNELS(Kernels, table) FSRCNN_TARGETS(FSRCNN_DECLARE_KERNELS_OF, Kernels, table)
#define FSRCNN_DECLARE_KERNELS_OF(target, name, fused, Kernels, table) \
  namespace N_##target {                                               \
    extern const Kernels table;                                        \
  }
#define FSRCNN_KERNELS(Kernels, table) \
  { FSRCNN_TARGETS(FSRCNN_KERNELS_OF, Kernels, table) }
#define FSRCNN_KERNELS_OF(target, name, fused, Kernels, table) \
  []() -> const Kernels* {                                     \
    if constexpr ((kCompiledTargets & HWY_##target) != 0) {    \
      return &N_##target::table;                               \
    } else {                                                   \
      return nullptr;                                          \
    }                                                          \
  }(),

namespace fsrcnn {

/// Highway's bits of those that this is compiled for.
inline constexpr int64_t kCompiledTargets = HWY_TARGETS;

struct Target {
  int64_t bit;  ///< Highway's; 0: the installed Highway does not know it
  const char* name;
  bool fused;
};

#define FSRCNN_TARGET(target, name, fused, ...) {HWY_##target, name, fused},
inline constexpr Target kTargets[] = {FSRCNN_TARGETS(FSRCNN_TARGET)};

/// Does not compile for a bit that is not in the list.
consteval Target target_of(int64_t bit) {
  const Target* target = kTargets;
  while (target->bit != bit) ++target;
  return *target;
}

}  // namespace fsrcnn
