#pragma once

#include <optional>

#include "picture/file_target.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// Writes a picture as JPEG XL, by libjxl with all threads. `image` is in memory, gray or RGB, with or without alpha,
/// of 8 or 16 bits, with its profile; the file has the picture's EXIF and XMP. quality: 1 to 100; 100 is without loss.
/// compression: effort, 0 to 9. Throws Error(io).
void write_jxl(const PictureHeader& picture, VipsImage* image, FileTarget& file, int quality,
               std::optional<int> compression);

/// Whether a JPEG XL can say these colours.
bool jxl_stores(const Cicp& colours);

}  // namespace fsrcnn
