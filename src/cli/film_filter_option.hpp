#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "video/frame_plan.hpp"

namespace fsrcnn::cli {

/// Adds --deinterlace, --crop, --filter-before, --filter-after and --pixel-format. They fill `filters`, which must
/// outlive the command.
void add_filter_options(CLI::App& command, FilterOptions& filters);

/// An option for a time, as FFmpeg reads it: seconds, or [HH:]MM:SS[.m...], in microseconds.
CLI::Option* add_time(CLI::App& command, const std::string& name, const std::string& help,
                      std::optional<int64_t>& time_us);

}  // namespace fsrcnn::cli
