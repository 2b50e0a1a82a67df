#pragma once

#include <functional>

#include "porting/dump_interpreter.hpp"
#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// Puts the only dump of a layer, whatever its name says, before or after the activation if its values are those: after
/// it if they agree with the network, before it if what the next dump tells does, too (else the activation is missing).
/// `read`: what the layers behind a dump read.
void place_by_values(const DumpedNetwork& dumped, const DumpInterpreter& interpreter, PlacedDump& dump,
                     const std::function<Tensor<float>(const PlacedDump&)>& read);

}  // namespace fsrcnn
