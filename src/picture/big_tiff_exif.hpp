#pragma once

#include <istream>
#include <string>

namespace fsrcnn {

/// A BigTIFF's description and EXIF, as the block that other files have of it: with offsets of 32 bits. Exiv2 does not
/// read BigTIFF. Empty if there is none.
std::string exif_of_big_tiff(std::istream& file);

}  // namespace fsrcnn
