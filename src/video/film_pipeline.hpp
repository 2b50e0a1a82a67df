#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "video/film_encoder.hpp"
#include "video/frame_plan.hpp"
#include "video/frame_reader.hpp"

namespace fsrcnn {

/// Statistics of a film, with the seconds of each thread: filters before the network are part of decoding, and sizes
/// and filters after it of chroma.
struct FilmStatistics {
  int64_t frames = 0, strips = 0, strips_copied = 0;
  double decode_s = 0, chroma_s = 0, luma_s = 0, encode_s = 0;
};

/// What became of a part.
struct PartResult {
  int64_t frames = 0;
  Damage damage;
  std::string broken_off;  ///< PacketReader::broken_off()
};

/// A part of a film and where its pictures go.
struct FilmPart {
  FrameRange range;                                          ///< of the film's index; not for pipes
  std::string url;                                           ///< of a file or pipe; not made if no frame can be decoded
  std::string format;                                        ///< FFmpeg's name of a muxer
  int64_t time_offset = 0;                                   ///< added to the frames' times, in the output's time base
  StreamTags tags = {};                                      ///< of the file
  std::function<void(const PartResult&)> publish = nullptr;  ///< called when the part is complete
};

/// Called with the number of finished frames.
using FramesDone = std::function<void(int64_t frames)>;

/// Decodes, upscales and encodes parts of a film in order, each with its own decoder and encoder, in a pipeline of five
/// threads. Throws Error(cancelled) if `stop` becomes true; published parts are kept.
FilmStatistics run_film_pipeline(const Film& film, Engine& engine, const FramePlan& plan, const EncoderOptions& options,
                                 const std::vector<FilmPart>& parts, const std::atomic<bool>& stop,
                                 const FramesDone& frames_done = nullptr);

}  // namespace fsrcnn
