#pragma once

#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// A rule that makes other kernels of a layer's, with no number to fit. `sentence`, `numbers`: as Mistake's.
struct KernelMap {
  std::string id, sentence;
  double numbers = 0;
  TensorOp op;
};

/// Rules for each value, and for each kernel by its own values. `transposed`: the weight's first axis is that of the
/// input channels.
std::vector<KernelMap> kernel_maps(const Tensor<float>& weight, bool transposed);
/// Rules for the places of values in memory: in blocks, at another pitch, rotated, left out, read again.
std::vector<KernelMap> kernel_layouts(const Tensor<float>& weight, bool transposed);

}  // namespace fsrcnn
