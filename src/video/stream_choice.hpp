#pragma once

#include <optional>
#include <vector>

namespace fsrcnn {

enum class SubtitleChoice {
  convert,  ///< text that the container does not store is converted to what it stores
  copy,     ///< nothing is converted
  drop
};

/// Which of a film's streams go along with its pictures.
struct StreamChoice {
  bool has_audio = true;
  SubtitleChoice subtitles = SubtitleChoice::convert;
  std::optional<std::vector<int>> streams;  ///< the film's numbers; none: all
  bool drops_unknown = false;               ///< what the container does not store is left out, not a reason to refuse
};

}  // namespace fsrcnn
