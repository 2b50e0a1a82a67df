#pragma once

// Tests that make threads are left out where there are none.
#if defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__)
#define FSRCNN_TESTS_THREADS 0
#else
#define FSRCNN_TESTS_THREADS 1
#endif
