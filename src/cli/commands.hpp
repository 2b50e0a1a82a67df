#pragma once

// A subcommand parses its options, calls the library, and prints. Each of these adds one to the program; it runs while
// the command line is parsed, and throws fsrcnn::Error.

#include <CLI/CLI.hpp>

namespace fsrcnn::cli {

/// Exit code of commands that compare and find a difference.
constexpr int kDiffers = 1;

void add_bench(CLI::App& app);
void add_compare(CLI::App& app);
void add_conv_transpose2d(CLI::App& app);
void add_convert(CLI::App& app);
void add_diagnose(CLI::App& app);
void add_eval(CLI::App& app);
void add_explain(CLI::App& app);
void add_info(CLI::App& app);
void add_join(CLI::App& app);
void add_plan(CLI::App& app);
void add_trace(CLI::App& app);
void add_upscale(CLI::App& app);
void add_vectors(CLI::App& app);

}  // namespace fsrcnn::cli
