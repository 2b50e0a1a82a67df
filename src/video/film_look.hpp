#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "video/film.hpp"

namespace fsrcnn {

/// What some frames in a row look like.
struct PlaceLook {
  int64_t frames = 0;
  int64_t top_first = 0, bottom_first = 0;  ///< frames whose fields differ in time, by FFmpeg's idet
  int64_t progressive = 0;                  ///< frames whose fields do not; of the rest nothing can be said
  int64_t repeats = 0;                      ///< frames with a field of the frame before (3:2 pulldown)
  int64_t flagged = 0, flagged_bottom = 0;  ///< frames that are coded as interlaced; with the bottom field first
  int64_t soft_repeats = 0;                 ///< progressive frames with a flag to show a field twice
};

/// Of a film what can only be seen in its pictures, from frames of several places.
struct FilmLook {
  std::vector<PlaceLook> places;
  /// The part inside black bars, as crop's W:H:X:Y; empty if all pictures are black, or the whole is inside.
  std::string crop;
};

/// Decodes some dozen frames each of several places. turns: filters that make the pictures ones as they are shown, of
/// which the borders are; or empty. Throws what reading frames throws.
FilmLook look_at(const Film& film, bool at_borders, const std::string& turns);

/// The filter that takes a part of pictures, W:H:X:Y or W:H of the middle, which a note tells. Throws Error(usage) if
/// it does not lie in them, or not on whole samples of chroma.
std::string crop_graph(const std::string& crop, const AVFrame& like, std::vector<std::string>& notes);

/// What is to be done about a film's fields.
struct Scan {
  enum class Kind {
    progressive,   ///< nothing
    interlaced,    ///< each field is a moment of its own
    telecine,      ///< 3:2: of five frames two are put together from fields of different ones
    soft_telecine  ///< progressive frames whose times follow a 3:2 pattern of flags
  };
  Kind kind = Kind::progressive;
  bool only_flagged = false;        ///< of an interlaced film other frames are progressive
  std::optional<bool> top_first{};  ///< where the flags are wrong about it
  std::string why;                  ///< for people; empty if there is nothing to say
};

/// The judgment that --deinterlace auto makes. rate: frames a second, or 0/1 if unknown.
Scan judge_scan(const std::vector<PlaceLook>& places, AVRational rate);

}  // namespace fsrcnn
