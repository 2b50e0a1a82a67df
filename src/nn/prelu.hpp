#pragma once

#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"

namespace fsrcnn {

/// torch.nn.functional.prelu in place: x if x > 0, else slope * x. slope has one value per channel, or one for all.
/// Throws Error(input) for any other number of slopes.
template <class T>
void prelu(Tensor<T>& x, const std::vector<T>& slope, ThreadPool& pool = default_thread_pool());

}  // namespace fsrcnn
