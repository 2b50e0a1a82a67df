#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "engine/engine.hpp"

namespace fsrcnn::cli {

/// The options that say how a network is run: --cpu NAME, --threads N and --precision fast|exact.
struct EngineOption {
  UpscalerOptions options;

  void add_to(CLI::App& command);
};

}  // namespace fsrcnn::cli
