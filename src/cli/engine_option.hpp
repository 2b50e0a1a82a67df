#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "engine/engine.hpp"

namespace fsrcnn::cli {

/// The options for running a network: --cpu NAME, --threads N and --precision fast|exact.
struct EngineOption {
  UpscalerOptions options;

  void add_to(CLI::App& command);
};

/// --threads N: of the whole process.
void add_threads_option(CLI::App& command);

}  // namespace fsrcnn::cli
