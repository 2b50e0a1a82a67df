#pragma once

#include "porting/dumped_network.hpp"
#include "porting/explanation.hpp"

namespace fsrcnn {

/// Of a dump that should be a sum of two: whether one is missing, is added with another factor or sign, only in some
/// channels, moved, or as another value of the network or another interpolation; or whether the activation comes
/// before the sum. What is told explains all values.
Explanation explain_sum(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump, double tolerance);

}  // namespace fsrcnn
