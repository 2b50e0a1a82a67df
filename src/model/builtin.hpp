#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/model.hpp"

namespace fsrcnn {

/// Names of the models that are compiled in, the default one first.
std::span<const std::string_view> builtin_model_names();

/// The compiled-in model of this name; empty if there is none.
std::optional<Model> builtin_model(std::string_view name);

}  // namespace fsrcnn
