#pragma once

#include "network/network.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// True if the names of the tensors determine the family, and so what is added where.
bool has_known_names(const StateDict& state_dict);

/// Completes a network that was chained from tensors (layer_chain.hpp) with what tensors do not show: activations
/// without parameters, and what is added where. Names in other families' implementations and kernel sizes determine it.
/// What was assumed is added to the network's notes.
void assume_untold(Network& network, const StateDict& state_dict);

}  // namespace fsrcnn
