#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <utility>

#include "picture/cicp.hpp"

namespace fsrcnn {

/// What libvips does not say about the primary picture of an AVIF or HEIC.
struct HeifBoxes {
  std::optional<Cicp> colours;                          ///< by numbers
  bool has_profile = false;                             ///< an ICC profile, which then says the colours
  bool halves_chroma = false;                           ///< 4:2:0
  std::pair<uint32_t, uint32_t> pixel_aspect = {1, 1};  ///< width and height, as it is shown
  bool has_gain_map = false;                            ///< beside it, for brighter displays
};

/// Walks over the boxes of the file (ISO/IEC 14496-12 and 23008-12; AVIF 1.1). Empty for other files.
HeifBoxes heif_boxes(std::istream& file);

}  // namespace fsrcnn
