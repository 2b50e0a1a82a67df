#pragma once

#include <cstdint>
#include <functional>

namespace fsrcnn {

/// Runs job(0) ... job(count - 1), in any order, on all cores; returns when all have ended.
/// An exception of a job (memory may run out in one) keeps those that have not begun from running, and is rethrown
/// here.
void parallel_for(int64_t count, const std::function<void(int64_t)>& job);

}  // namespace fsrcnn
