#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "model/model.hpp"

namespace fsrcnn::cli {

/// "fsrcnn-x2, fsrcnn-x3, ...": what is compiled in.
std::string builtin_list();

/// The options that choose a network: --model NAME|FILE and --model-scale N.
struct ModelOption {
  std::string model;             ///< empty: the general one of the scale, or the default one
  std::optional<int64_t> scale;  ///< empty: the model's

  void add_model_to(CLI::App& command);
  void add_scale_to(CLI::App& command);

  /// The model's, or that of the one taken instead.
  std::string name() const;
  /// Loads the compiled-in model or the file. Throws Error(model).
  Model load() const;
  /// The same, and the scale must be known.
  Model load_with_scale() const;
};

}  // namespace fsrcnn::cli
