#pragma once

// FSRCNN_KERNELS(table) initializes an array of pointers with what every instruction set that this file is compiled for
// defines as `table` in its namespace, the fastest first. To be used in the part under HWY_ONCE.

#include <hwy/detect_targets.h>

#if HWY_TARGETS & HWY_AVX3
#define FSRCNN_KERNELS_AVX3(table) &N_AVX3::table
#else
#define FSRCNN_KERNELS_AVX3(table) nullptr
#endif

#if HWY_TARGETS & HWY_AVX2
#define FSRCNN_KERNELS_AVX2(table) &N_AVX2::table
#else
#define FSRCNN_KERNELS_AVX2(table) nullptr
#endif

#if HWY_TARGETS & HWY_SSE4
#define FSRCNN_KERNELS_SSE4(table) &N_SSE4::table
#else
#define FSRCNN_KERNELS_SSE4(table) nullptr
#endif

#if HWY_TARGETS & HWY_NEON
#define FSRCNN_KERNELS_NEON(table) &N_NEON::table
#else
#define FSRCNN_KERNELS_NEON(table) nullptr
#endif

#if HWY_TARGETS & HWY_SCALAR
#define FSRCNN_KERNELS_SCALAR(table) &N_SCALAR::table
#else
#define FSRCNN_KERNELS_SCALAR(table) nullptr
#endif

#define FSRCNN_KERNELS(table)                                                                                       \
  {                                                                                                                 \
    FSRCNN_KERNELS_AVX3(table), FSRCNN_KERNELS_AVX2(table), FSRCNN_KERNELS_SSE4(table), FSRCNN_KERNELS_NEON(table), \
        FSRCNN_KERNELS_SCALAR(table)                                                                                \
  }
