#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fsrcnn {

/// What a PNG says before its pixels, and libvips does not tell.
struct PngChunks {
  bool animated = false;             ///< it has more frames than the one that every reader shows
  bool interlaced = false;           ///< its rows are not in their order
  std::vector<std::string> colours;  ///< chunks (gAMA, cHRM, cICP) by which its colours are not sRGB's
};

/// Reads the chunks before the pixels (PNG specification, third edition). Of what is no PNG: nothing.
PngChunks png_chunks(std::istream& file);

}  // namespace fsrcnn
