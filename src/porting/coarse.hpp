#pragma once

#include <string>
#include <vector>

#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// What coarse numbers may make of layers that are right, beyond half a step of the dump itself.
struct Allowance {
  double largest = 0, rms = 0;  ///< 0: nothing is coarse
  std::string words = {};       ///< "dumps in steps of 0.0039 may make a difference of up to 0.02"
};

/// Of the dump that the layers make of `input`, which is `from`'s.
Allowance allowance_for(const PlacedDump& from, const PlacedDump& dump, const std::vector<LayerPort>& ports,
                        const Tensor<float>& input);

/// A port in fixed point brings its input and its numbers to the steps that it writes, rounded or truncated: adds such
/// inputs and layers to those that may have made the dump.
void add_fixed_point(double step, std::vector<Tensor<float>>& inputs, std::vector<std::vector<LayerPort>>& layers);

}  // namespace fsrcnn
