#pragma once

#include <optional>

#include "porting/dumped_network.hpp"
#include "porting/explanation.hpp"
#include "porting/requantisation.hpp"

namespace fsrcnn {

/// A dump of integers whose scale is stated, against what its layer makes of the dump before it, (1, C, H, W). Empty:
/// no scale is stated, more than a layer lies between them, or the integers are not explained.
std::optional<Requantisation> judge_integers(const Network& network, const PlacedDump& from, const PlacedDump& dump,
                                             const std::vector<LayerPort>& ports, const Tensor<float>& input);

/// What is said of it if it is wrong.
Explanation explanation_of(const Requantisation& found, const PlacedDump& dump, const std::string& layer);

}  // namespace fsrcnn
