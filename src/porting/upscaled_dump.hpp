#pragma once

#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// Whether a picture is what `fsrcnn upscale` makes of the input, which is more than the network. `expected`: what the
/// network makes.
bool is_of_upscale(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump,
                   const Tensor<float>& expected, double tolerance);

}  // namespace fsrcnn
