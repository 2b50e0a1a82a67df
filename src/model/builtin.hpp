#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/model.hpp"

namespace fsrcnn {

/// A model that is compiled in, from models/.
struct BuiltinModel {
  std::string_view name;
  std::string_view purpose;  ///< what it was trained for, for people
  int64_t scale;
  bool general;  ///< of its scale the one to take where none is asked for
};

/// All of them, the default one first.
std::span<const BuiltinModel> builtin_models();

/// The compiled-in model of this name; empty if there is none.
std::optional<Model> builtin_model(std::string_view name);

/// The name of the general model of this scale; empty if there is none.
std::string_view builtin_model_for(int64_t scale);

}  // namespace fsrcnn
