#include "base/per_process.hpp"

#if defined(__unix__) && !defined(__EMSCRIPTEN__) || defined(__APPLE__)
#define FSRCNN_HAS_FORK 1
#include <pthread.h>
#else
#define FSRCNN_HAS_FORK 0
#endif

namespace fsrcnn {
namespace {

std::atomic<uint64_t> forks{0};

#if FSRCNN_HAS_FORK
// Before anything can fork that has used the library.
[[maybe_unused]] const int registered =
    pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
#endif

}  // namespace

uint64_t fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

}  // namespace fsrcnn
