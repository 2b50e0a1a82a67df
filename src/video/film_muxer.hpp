#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "video/film.hpp"
#include "video/segment_stream.hpp"

namespace fsrcnn {

/// What becomes of a film's streams in a container, found before any work.
struct StreamPlan {
  std::vector<int> output_of;         ///< for each stream of the film its number in the output, or -1
  std::vector<std::string> warnings;  ///< of what stays behind because no container of this kind can hold it
};

/// FFmpeg's name of the muxer for a file of this name. Throws Error(usage) for an unknown suffix.
std::string container_of(const std::filesystem::path& output);

/// Throws Error(usage) if sound, subtitles or attachments, or pictures of this codec, cannot be stored under this name,
/// and Error(input) for streams of which nothing is known at the file's beginning.
StreamPlan plan_streams(Film& film, const std::filesystem::path& output, AVCodecID pictures);

/// Puts the pictures and all other streams of the film, its chapters, tags and side data together. Times are the
/// film's. The file is written to `temporary`. Throws Error(io), and Error(cancelled) if `stop` becomes true.
void mux_film(Film& film, SegmentStream& pictures, const StreamPlan& plan, const std::filesystem::path& output,
              const std::filesystem::path& temporary, const std::atomic<bool>& stop);

}  // namespace fsrcnn
