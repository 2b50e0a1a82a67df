#pragma once

#include <optional>
#include <string>

#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// Files that hold the output of another place than their names say.
struct Exchanged {
  std::string layer;     ///< the first place that another file is for
  std::string sentence;  ///< "a.npy holds the output of mapping 2, and b.npy that of mapping 1: they are exchanged."
};

/// Puts dumps that hold, to the tolerance, what a place before theirs should, where that place's own does not, at the
/// places that their values tell. Empty: none does.
std::optional<Exchanged> exchange_misnamed(const Network& network, DumpedNetwork& dumped, double tolerance);

}  // namespace fsrcnn
