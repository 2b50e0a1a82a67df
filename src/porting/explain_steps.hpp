#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "porting/explain.hpp"

namespace fsrcnn {

/// For a terminal: the layer by the recipe and by its phases, then `last_step`, then that both agree with the
/// definition. Throws Error(input) as explain_text does.
std::string steps_text(const ExplainedLayer& layer, const std::string& last_step = "");

/// The same for the page, which begins with the output pixel `at`.
nlohmann::json steps_json(const ExplainedLayer& layer, const Pair& at);

}  // namespace fsrcnn
