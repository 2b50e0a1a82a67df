#pragma once

#include <functional>
#include <optional>
#include <string>

#include "porting/explanation.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// Several layers lie between the dumps, and no mistake on record explains the difference. Takes each in turn to be the
/// only wrong one and solves for its parameters through the layers behind it, that are taken to be right: few first,
/// then more. Names a layer where it explains all values and no other does as simply; where several do, all of them.
/// Empty: none does, or gradients do not pass through the layers.
std::optional<Explanation> explain_one_layer(const Segment& segment, const ExplainContext& context,
                                             const std::function<void(const std::string&)>& tell);

}  // namespace fsrcnn
