#pragma once

#include <cstddef>
#include <istream>
#include <vector>

namespace fsrcnn {

/// What a page of a TIFF says of itself and libvips does not tell, or not of all pages at once.
struct TiffPage {
  int orientation = 1;      ///< EXIF's, 1 to 8
  bool is_reduced = false;  ///< a smaller copy of another page, as of a pyramid
  bool white_is_zero = false;
  bool alpha_is_applied = false;  ///< colours have been multiplied by alpha ("associated")
};

/// The pages of a TIFF or BigTIFF ("TIFF Revision 6.0", section 8) in their order, at most `most`. A chain of pages
/// that is damaged or leads back ends there; of what is no TIFF: none.
std::vector<TiffPage> tiff_pages(std::istream& file, size_t most);

}  // namespace fsrcnn
