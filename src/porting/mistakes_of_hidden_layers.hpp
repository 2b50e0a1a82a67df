#pragma once

#include <cstddef>
#include <vector>

#include "porting/mistakes.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// Mistakes that mistakes_at() has not, as elsewhere they are fitted to a layer's output: here that is not known, as
/// other layers follow. Rules for kernels, other activations, tiles.
std::vector<Mistake> mistakes_of_hidden_layer(const MistakeContext& context, const Segment& segment, size_t port);

}  // namespace fsrcnn
