#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "video/container.hpp"
#include "video/film.hpp"
#include "video/film_cut.hpp"
#include "video/frame_plan.hpp"

namespace fsrcnn {

/// How a film's streams are mapped to a container, decided before any work.
struct StreamPlan {
  const FramePlan* frames = nullptr;  ///< must outlive it
  FilmCut cut;
  std::vector<int> output_of;         ///< for each stream of the film its number in the output, or -1
  std::vector<AVCodecID> converted;   ///< for each stream of the film to what it is converted, or AV_CODEC_ID_NONE
  std::vector<std::string> warnings;  ///< about streams that are dropped, converted or copied unchanged
};

struct AvFreeOutput {
  void operator()(AVFormatContext* context) const {
    avio_closep(&context->pb);
    avformat_free_context(context);
  }
};
/// A file being written; closed silently if something fails.
using AvOutput = std::unique_ptr<AVFormatContext, AvFreeOutput>;

/// The unit of a container with a rate instead of times, e.g. AVI; none if the film's frames are at no rate.
std::optional<AVRational> unit_of_rate(const Film& film, const FramePlan& plan);

/// Opens a file in the format of `output` with everything that the plan copies from the film: streams, chapters,
/// programs, tags and side data; `pictures` are the upscaled ones. It is written to `path`. Throws Error(io).
AvOutput open_output(const Film& film, const AVCodecParameters& pictures, const StreamPlan& plan,
                     const std::filesystem::path& output, const std::filesystem::path& path);

/// path: the file's name in the end. Returns FFmpeg's error code, if it is negative.
int write_head(AVFormatContext& output, const std::filesystem::path& path);

}  // namespace fsrcnn
