#pragma once

#include <string>

#include "network/network.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// Builds a network from tensors with unknown names: a chain of convolutions, in an order that their channels allow,
/// with their biases and PReLU slopes. Network::notes say what was assumed. The scale of a transposed convolution at
/// the end stays unknown. Throws Error(model) naming `source` and the tensor that does not fit.
Network chain_layers(const StateDict& state_dict, const std::string& source);

}  // namespace fsrcnn
