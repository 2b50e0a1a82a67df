#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fsrcnn {

/// Properties of a PNG that libvips does not report.
struct PngChunks {
  bool animated = false;             ///< it has more than one frame
  bool interlaced = false;           ///< its rows are not in order
  std::vector<std::string> colours;  ///< chunks (gAMA, cHRM, cICP) that specify colours other than sRGB
};

/// Reads the chunks before the pixels (PNG specification, third edition). Empty for other files.
PngChunks png_chunks(std::istream& file);

}  // namespace fsrcnn
