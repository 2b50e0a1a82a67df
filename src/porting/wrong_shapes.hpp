#pragma once

#include <string>

#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// The verdict on a dump of a shape that no mistake on record gives: its file, the shape that it has and those that
/// were expected, and what would fit instead: another scale, other layers, a part of a picture.
std::string words_of_wrong_shape(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump,
                                 const Shape& expected);

}  // namespace fsrcnn
