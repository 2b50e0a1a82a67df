#pragma once

#include <cstddef>
#include <vector>

#include "porting/mistakes.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// A mistake that was tried, and what it leaves; of a local one on a part of the picture.
struct Tried {
  size_t layer;
  const Mistake* mistake;
  Residual residual;
};

/// The mistakes that come nearest to an explanation alone, by several measures: what another mistake does beside them
/// hides each of these. `whole`, `part`: what the right layers leave.
std::vector<Tried> nearest(const std::vector<Tried>& tried, const Residual& whole, const Residual& part);

}  // namespace fsrcnn
