#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fsrcnn {

/// Metadata of a JPEG XL picture that libvips does not read.
struct JxlBoxes {
  std::string exif;                     ///< a TIFF, without "Exif" and two zeros; empty if there is none
  std::string xmp;                      ///< empty if there is none
  std::vector<std::string> compressed;  ///< "EXIF" or "XMP", if compressed with Brotli
};

/// Walks over the boxes of the file (ISO/IEC 18181-2). Empty for other files, and for a bare codestream.
JxlBoxes jxl_boxes(std::istream& file);

}  // namespace fsrcnn
