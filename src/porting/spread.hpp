#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Where a difference begins, told by how far it reaches.
struct Spread {
  std::vector<size_t> ports;  ///< one of their outputs is the first that is wrong; all of them reach equally far
  std::string where;          ///< "columns 30 to 48 of 96"
};

/// Errors spread by what the layers behind them look at. Where some rows or columns of the output are wrong and others
/// right, that tells the layer: the earliest whose outputs reach no further than the errors do. Empty: all is wrong, or
/// no layer's outputs reach so little.
std::optional<Spread> spread_of(const std::vector<LayerPort>& ports, const Tensor<float>& right,
                                const Tensor<float>& found, double tolerance);

}  // namespace fsrcnn
