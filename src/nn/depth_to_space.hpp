#pragma once

#include "base/tensor.hpp"

namespace fsrcnn {

/// torch.nn.functional.pixel_shuffle: (N, C*r*r, H, W) -> (N, C, H*r, W*r), where channel c*r*r + py*r + px becomes
/// the sub-pixels (py, px) of channel c. (ONNX calls it DepthToSpace in CRD mode; with C = 1, DCR is the same.)
/// Throws Error(input) if r < 1 or r*r does not divide the channels.
template <class T>
Tensor<T> depth_to_space(const Tensor<T>& input, int64_t r);

}  // namespace fsrcnn
