#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cli/model_option.hpp"
#include "engine/engine.hpp"

namespace fsrcnn::cli {

/// Selects the engine for a picture or film: that of the requested model or, by default, of the general built-in model
/// whose scale (or a power of it) is nearest to the enlargement.
class EngineChoice {
 public:
  /// Loads the default model. Throws Error(model).
  EngineChoice(const ModelOption& model, const UpscalerOptions& options);

  /// factor: times the width or height; empty: as the default model does. is_compressed: whether compression has left
  /// traces, which the model for compressed films does not sharpen. Several threads may call it.
  Engine& engine_for(std::optional<double> factor, bool is_compressed = false);

  /// The name of an engine returned by engine_for.
  std::string name_of(const Engine& engine) const;
  const Engine& first() const { return *engines_.at(first_); }  // before other threads call

 private:
  UpscalerOptions options_;
  bool free_;          // no model was requested
  std::string first_;  // the default one
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Engine>> engines_;
};

}  // namespace fsrcnn::cli
