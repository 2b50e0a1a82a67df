#pragma once

#include <optional>

#include "porting/samples.hpp"

namespace fsrcnn {

/// The input by which a chain of right layers gives what was found: there is one value for several of the output, so
/// that it tells something if there is any. Empty: there is none, to `enough` for each value.
std::optional<Tensor<float>> solve_chain_input(const std::vector<LayerPort>& ports, const Window& window,
                                               double enough);

}  // namespace fsrcnn
