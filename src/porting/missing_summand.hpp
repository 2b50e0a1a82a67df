#pragma once

#include "porting/dumped_network.hpp"
#include "porting/explanation.hpp"

namespace fsrcnn {

/// Of a dump that should be a sum: whether one of the two is missing.
Explanation explain_sum(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump, double tolerance);

}  // namespace fsrcnn
