#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/model_option.hpp"
#include "engine/engine.hpp"

namespace fsrcnn::cli {

/// The engine for a picture or film: of the model that was asked for or, if none was, of the general compiled-in model
/// whose scale, repeated where need be, comes nearest to how far the picture is to be enlarged.
class EngineChoice {
 public:
  /// Loads the default model. Throws Error(model).
  EngineChoice(const ModelOption& model, const UpscalerOptions& options);

  /// factor: times the width or height; empty: as the default model does.
  Engine& engine_for(std::optional<double> factor);

  /// Of an engine that came from here.
  std::string name_of(const Engine& engine) const;
  const Engine& first() const { return *engines_.at(first_); }

 private:
  UpscalerOptions options_;
  bool free_;          // no model was asked for
  std::string first_;  // the default one
  std::map<std::string, std::unique_ptr<Engine>> engines_;
};

}  // namespace fsrcnn::cli
