#pragma once

#include <optional>
#include <string>
#include <vector>

#include "network/quantisation.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// How a layer of an integer port made its integers of its sums: q = floor(sum * multiplier + rounding) + zero point.
struct Requantisation {
  bool is_right = false;              ///< by the scales, with any rounding and a multiplier of 8 bits or more
  std::string how = {};               ///< "truncated, not rounded; multiplier 110 / 2^17"; empty: to the nearest
  std::vector<std::string> ids = {};  ///< of what is wrong: "multiplier", "shift", "zero_point"
  std::string sentence = {};          ///< what is wrong, and the number that would be right
  std::string same_result = {};       ///< another cause of it
};

/// `values` are what the layer wrote, (1, C, H, W), as its scale and zero point give them; `input` is what it read.
/// `multiplier` is scale of the input x scale of the weights / scale of the output, if these are known. Empty: no
/// multiplier and zero point explain every value to a step.
std::optional<Requantisation> requantisation_of(const LayerPort& port, const Tensor<float>& input,
                                                const Tensor<float>& values, const Quantisation& stated,
                                                std::optional<double> multiplier);

}  // namespace fsrcnn
