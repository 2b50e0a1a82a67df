#pragma once

#include <CLI/CLI.hpp>

#include "video/stream_choice.hpp"

namespace fsrcnn::cli {

/// Adds --no-audio, --no-subtitles, --subtitles, --streams and --drop-unknown, of `upscale` and `join`. `choice` must
/// live as long as the command.
void add_streams(CLI::App& command, StreamChoice& choice);

}  // namespace fsrcnn::cli
