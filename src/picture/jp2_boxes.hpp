#pragma once

#include <istream>

namespace fsrcnn {

/// Properties of a JPEG 2000 picture that libvips' decoder goes wrong with, and does not report.
struct Jp2Boxes {
  bool has_palette = false;
  bool is_shifted = false;  ///< the picture or its tiles do not begin at 0, 0 of their grid
};

/// Reads them from the boxes of a JP2 file or from a bare codestream (ISO/IEC 15444-1, annexes A and I). Both are false
/// for other files.
Jp2Boxes jp2_boxes(std::istream& file);

}  // namespace fsrcnn
