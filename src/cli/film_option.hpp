#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/progress_bar.hpp"
#include "cli/run_summary.hpp"
#include "engine/engine.hpp"
#include "video/film_job.hpp"

namespace fsrcnn::cli {

/// The options of films: --codec, --crf, --preset, --encoder-option, --frames, --progress, and those of streams.
struct FilmOption {
  EncoderOptions encoder;
  FilterOptions filters;
  std::optional<int64_t> start_us, end_us, at_us;
  std::string preview;
  std::optional<FrameRange> frames;
  StreamChoice streams;
  int64_t segment_frames = kSegmentFrames;
  bool progress_json = false;

  void add_to(CLI::App& command);
  /// The names of the given options of encoders and streams.
  std::vector<std::string> given() const;
};

/// Adds --segment-frames, which `plan` has too.
void add_segment_frames(CLI::App& command, int64_t& frames);

/// Upscales a film with a bar or lines of progress, and fills the summary. Throws as upscale_film does.
void upscale_film_file(const EngineFor& engine_for, const std::string& input, const std::string& output,
                       const FilmOption& option, const TargetSize& target, ProgressBar& bar, InputSummary& summary);

/// Sets sizes, frames, warnings (dropped and damaged parts) and the status.
void fill(InputSummary& summary, const FilmResult& result);

}  // namespace fsrcnn::cli
