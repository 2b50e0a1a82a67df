#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "model/model.hpp"

namespace fsrcnn::cli {

/// The options that choose a network: --model NAME|FILE and --model-scale N.
struct ModelOption {
  std::string model;  ///< empty: the default one
  std::optional<int64_t> scale;

  void add_model_to(CLI::App& command);
  void add_scale_to(CLI::App& command);

  /// The model's, or the default one's.
  std::string name() const;
  /// Loads the compiled-in model or the file. Throws Error(model).
  Model load() const;
  /// The same, and the scale must be known.
  Model load_with_scale() const;
};

}  // namespace fsrcnn::cli
