#pragma once

#include "porting/layer_fit.hpp"
#include "porting/operations.hpp"

namespace fsrcnn {

/// A port that does an operation beside what it should.
LayerPort with(LayerPort port, const Operation& operation);

/// What is left with it. `operation` must outlive the fit.
LayerFit fit_of(const PortChain& right, const Window& window, const Operation& operation);

/// An operation of a family with the number that explains most.
Operation solved(const PortChain& right, const Window& window, const Operation& operation);

}  // namespace fsrcnn
