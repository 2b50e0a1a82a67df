#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "network/network.hpp"

namespace fsrcnn::cli {

/// "fsrcnn-x2, fsrcnn-x3, ...": the built-in models.
std::string builtin_list();

/// The options that choose a network: --model NAME|FILE and --model-scale N.
struct ModelOption {
  static constexpr const char* kAuto = "auto";

  std::string model;             ///< empty or kAuto: the general one of the scale, or the default one
  std::optional<int64_t> scale;  ///< empty: the model's
  std::string scales = {};       ///< file; empty: the model's

  void add_model_to(CLI::App& command);
  /// The same under another name, or as a positional; an empty name is refused.
  CLI::Option* add_model_to(CLI::App& command, const std::string& name, const std::string& description);
  void add_scale_to(CLI::App& command);
  /// --scales FILE: scales and zero points of an integer port, which load() applies.
  void add_scales_to(CLI::App& command);

  /// Whether neither a model nor its scale was requested.
  bool is_free() const { return (model.empty() || model == kAuto) && !scale; }
  /// The name of the model, or of the default one.
  std::string name() const;
  /// Loads the built-in model or the file. Throws Error(model).
  Network load() const;
  /// The same, and the scale must be known.
  Network load_with_scale() const;

 private:
  Network load_weights() const;
};

}  // namespace fsrcnn::cli
