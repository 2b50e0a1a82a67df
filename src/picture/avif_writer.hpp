#pragma once

#include <optional>

#include "picture/file_target.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// Writes a picture as AVIF, by libavif: libheif 1.15, by which libvips does it, aborts where samples have 10 bits.
/// `image` is in memory, RGB with or without alpha, of 8 or 16 bits, with its profile; the file has the picture's
/// precision of up to 12 bits, its EXIF and XMP, and 4:2:0 if halves_chroma. quality: 1 to 100; compression: effort, 0
/// to 9. Throws Error(io).
void write_avif(const PictureHeader& picture, VipsImage* image, FileTarget& file, int quality,
                std::optional<int> compression);

/// Whether libavif has an encoder.
bool can_write_avif();

}  // namespace fsrcnn
