#pragma once

#include <string>
#include <vector>

#include "network/network.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Another way to do what a layer without weights does.
struct FixedOperation {
  std::string id, sentence;  ///< "interpolation_align_corners", "it interpolates with align_corners=True"
  TensorOp make;
};

/// Of an interpolation: other modes, coefficients and grids of pixels. Of depth to space: other orders of channels.
/// Empty for any other layer.
std::vector<FixedOperation> other_operations(const Layer& layer);

}  // namespace fsrcnn
