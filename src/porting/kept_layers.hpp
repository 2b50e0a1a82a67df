#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// conv2d() without bias, for trials that compute the same few layers thousands of times: packed weights of the layers
/// that a thread used last are kept, and small maps are computed on the caller's thread.
Tensor<float> kept_conv2d(const Tensor<float>& input, const Tensor<float>& weight, const Conv2dParams& params);

/// conv_transpose2d() without bias, likewise.
Tensor<float> kept_conv_transpose2d(const Tensor<float>& input, const Tensor<float>& weight,
                                    const ConvTranspose2dParams& params);

/// The pool for so many multiplications and additions: to wake threads takes longer than a few of them.
ThreadPool& pool_for(int64_t operations);

}  // namespace fsrcnn
