#pragma once

#include <vector>

#include "porting/kernel_equations.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {

/// Rows, columns or taps of all kernels, or input channels, that stand in the place of others, are added or left out:
/// as few as explain.
std::vector<Mistake> kernel_moves(const KernelEquations& equations);

}  // namespace fsrcnn
