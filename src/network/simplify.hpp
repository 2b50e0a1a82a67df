#pragma once

#include <vector>

#include "network/network.hpp"

namespace fsrcnn {

/// Folds 1x1 convolutions that graph readers inserted between layers into their neighbours, if the network stays the
/// same. Each of their outputs is one input times a factor plus an offset; made[i] is true for them. Drops layers that
/// the output does not depend on.
void simplify(Network& network, std::vector<bool> made);

}  // namespace fsrcnn
