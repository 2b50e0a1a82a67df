#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <vector>

namespace fsrcnn {

/// Properties of a TIFF page that libvips does not report, or not for all pages at once.
struct TiffPage {
  int orientation = 1;  ///< EXIF's, 1 to 8
  uint16_t compression = 1;
  bool is_reduced = false;  ///< a smaller copy of another page, as of a pyramid
  bool white_is_zero = false;
  bool is_ycbcr = false;          ///< and not compressed as JPEG, which decoders turn into RGB themselves
  bool is_half = false;           ///< floats of 16 bits
  bool alpha_is_applied = false;  ///< colours have been multiplied by alpha ("associated")
  bool extra_is_data = false;     ///< the first channel beside the colours is no alpha ("unspecified")
};

/// The pages of a TIFF or BigTIFF ("TIFF Revision 6.0", section 8) in their order, at most `most`. A damaged or
/// circular chain of pages ends there; empty for other files.
std::vector<TiffPage> tiff_pages(std::istream& file, size_t most);

}  // namespace fsrcnn
