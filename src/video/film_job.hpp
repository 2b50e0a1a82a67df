#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "video/film_encoder.hpp"
#include "video/film_pipeline.hpp"
#include "video/frame_plan.hpp"
#include "video/stream_choice.hpp"

namespace fsrcnn {

/// Default number of frames in a segment: some ten seconds, the most that is lost in a crash.
inline constexpr int64_t kSegmentFrames = 240;

/// A film to upscale.
struct FilmJob {
  std::string input;   ///< a file, or "-": standard input; what is not YUV4MPEG2 is written to a file first
  std::string output;  ///< a file, or "-": YUV4MPEG2 on standard output
  std::optional<FrameRange> frames;         ///< only these, as a segment for join_film
  std::optional<int64_t> start_us, end_us;  ///< only what is shown between, from its first frame's time on
  EncoderOptions encoder;
  FilterOptions filters;
  StreamChoice streams;
  int64_t segment_frames = kSegmentFrames;
};

/// Progress of the work.
struct FilmProgress {
  int64_t frames_done = 0, frames = 0;  ///< frames: 0 if unknown
  int64_t frames_before = 0;            ///< done by earlier calls, of frames_done
};
using FilmProgressCallback = std::function<void(const FilmProgress&)>;

struct FilmResult {
  FilmStatistics statistics;  ///< of this call
  Damage damage;              ///< of the whole film
  int width = 0, height = 0;  ///< of the film
  int output_width = 0, output_height = 0;
  int64_t frames = 0, frames_before = 0;
  int64_t segments = 0, segments_before = 0;  ///< before: found done by an earlier call
  std::string encoder;
  double mux_s = 0;
  std::string cut_short;    ///< of the film, FilmIndex::cut_short; of standard input, where it broke off
  bool incomplete = false;  ///< segments lack frames, or the file lacks streams when read back; warnings name them
  std::vector<std::string> warnings;
};

/// Upscales a film into a file that appears when it is complete. Until then, segments are kept in the folder
/// OUTPUT.parts; the same call resumes where an earlier one ended, for whatever reason. Throws Error(usage) if the
/// folder belongs to another job or is in use, Error(cancelled) if `stop` becomes true, and the exceptions of its
/// parts.
FilmResult upscale_film(const EngineFor& engine_for, const FilmJob& job, const std::atomic<bool>& stop,
                        const FilmProgressCallback& progress = nullptr);

/// Joins segments made with FilmJob::frames, in any order, and the film's other streams. Throws Error(input) if they
/// are not the whole film, each frame once, or if one is damaged.
FilmResult join_film(const std::string& film, const std::vector<std::filesystem::path>& segments,
                     const std::string& output, const StreamChoice& streams, const std::atomic<bool>& stop);

/// The folder with the finished segments of an output.
std::filesystem::path parts_folder(const std::filesystem::path& output);

}  // namespace fsrcnn
