#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "video/film_output.hpp"
#include "video/segment_stream.hpp"
#include "video/stream_choice.hpp"

namespace fsrcnn {

/// Decides what becomes of the film's streams. frames: of the output, which must outlive the plan. Throws Error(usage)
/// if sound, subtitles or attachments, or pictures like these, cannot be stored under this name, and Error(input) for
/// streams that cannot be identified at the file's beginning.
StreamPlan plan_streams(const Film& film, const std::filesystem::path& output, const AVCodecParameters& pictures,
                        const StreamChoice& choice, const FramePlan& frames, const FilmCut& cut);

/// Muxes the pictures and all other streams of the film, its chapters, tags and side data. Timestamps are the film's,
/// less those before its beginning. The file is written to `temporary`. Returns messages about what is missing when it
/// is read back. Throws Error(io), and Error(cancelled) if `stop` becomes true.
std::vector<std::string> mux_film(const Film& film, SegmentStream& pictures, const StreamPlan& plan,
                                  const std::filesystem::path& output, const std::filesystem::path& temporary,
                                  const std::atomic<bool>& stop);

}  // namespace fsrcnn
