#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace fsrcnn::cli {

// Other forms of --help, from the same table of subcommands and options.

/// A page for man(1), in troff's man macros.
std::string man_page(const CLI::App& app, const std::string& version);

/// The completion script for a shell: "bash", "zsh" or "fish".
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace fsrcnn::cli
