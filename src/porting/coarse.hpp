#pragma once

#include <string>
#include <vector>

#include "porting/dump_reading.hpp"
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

/// The form in which a port has the model's numbers, where the layers make a dump with those in it; `first` is tried
/// first. Null: none. `difference`: the largest that it leaves, or 0.
const NumberForm* form_of_numbers(const std::vector<LayerPort>& ports, const Tensor<float>& input,
                                  const PlacedDump& dump, double tolerance, const NumberForm* first,
                                  double& difference);

/// A port in fixed point brings its input and its numbers to the steps that it writes, rounded or truncated: adds such
/// inputs and layers to those that may have made the dump.
void add_fixed_point(double step, std::vector<Tensor<float>>& inputs, std::vector<std::vector<LayerPort>>& layers);

}  // namespace fsrcnn
