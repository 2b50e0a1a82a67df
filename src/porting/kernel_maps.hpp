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

/// `transposed`: the weight's first axis is that of the input channels.
std::vector<KernelMap> kernel_maps(const Tensor<float>& weight, bool transposed);

}  // namespace fsrcnn
