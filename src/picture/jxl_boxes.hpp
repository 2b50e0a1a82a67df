#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fsrcnn {

/// What describes a JPEG XL picture, and libvips does not read.
struct JxlBoxes {
  std::string exif;                     ///< a TIFF, without "Exif" and two zeros; empty if there is none
  std::string xmp;                      ///< empty if there is none
  std::vector<std::string> compressed;  ///< "EXIF" or "XMP", where only Brotli could tell
};

/// Walks over the boxes of the file (ISO/IEC 18181-2). Of what is no JPEG XL, or only its codestream: nothing.
JxlBoxes jxl_boxes(std::istream& file);

}  // namespace fsrcnn
