#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "network/network.hpp"

namespace fsrcnn {

/// A built-in model, from models/.
struct BuiltinModel {
  std::string_view name;
  std::string_view purpose;  ///< what it was trained for, as text
  int64_t scale;
  bool general;  ///< the default model for its scale
};

/// All built-in models; the first one is the default.
std::span<const BuiltinModel> builtin_models();

/// Their names: "fsrcnn-x2, fsrcnn-x3, ...".
std::string builtin_names();

/// The built-in model of this name; empty if there is none.
std::optional<Network> builtin_network(std::string_view name);

/// The name of the general model of this scale; empty if there is none.
std::string_view builtin_model_for(int64_t scale);

}  // namespace fsrcnn
