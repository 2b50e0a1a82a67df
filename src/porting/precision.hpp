#pragma once

#include <optional>
#include <vector>

#include "porting/layer_port.hpp"

namespace fsrcnn {

/// The step that values come in, which no port can be blamed for: of 8 bits, a text with few decimals, fixed point, or
/// a floating point shorter than float32 (there of the largest value). 0: none that is coarser than float32.
double step_of_values(const Tensor<float>& t);

/// Decimal places (2 to 6) that all numbers of a layer have at most; empty: more, as those of float32.
std::optional<int> decimals_of(const LayerPort& layer);

/// How far the output of these layers can be off, because the input comes in steps of `step` (0: it does not), and
/// because the layers' numbers have few decimals: twice what noise of that size makes.
double error_of_coarse_numbers(const std::vector<LayerPort>& layers, const Tensor<float>& input, double step);

}  // namespace fsrcnn
