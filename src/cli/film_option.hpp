#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/engine.hpp"
#include "video/film_job.hpp"

namespace fsrcnn::cli {

/// The options of films: --codec, --crf, --preset, --encoder-option, --frames and --progress.
struct FilmOption {
  EncoderOptions encoder;
  std::optional<FrameRange> frames;
  int64_t segment_frames = kSegmentFrames;
  bool progress_json = false;

  void add_to(CLI::App& command);
};

/// Adds --segment-frames, which `plan` has too.
void add_segment_frames(CLI::App& command, int64_t& frames);

/// Upscales a film with a bar or lines of progress, and says what was done. Throws as upscale_film does.
void upscale_film_with_progress(Engine& engine, const std::string& input, const std::string& output,
                                const FilmOption& option, bool quiet);

/// Warnings, and what was damaged, on stderr. True if anything of the film is missing or wrong.
bool report(const FilmResult& result);

}  // namespace fsrcnn::cli
