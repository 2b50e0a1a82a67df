#pragma once

#include "picture/file_target.hpp"
#include "picture/picture.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Writes a picture of 8 bits as Truevision TGA (2.0), from the top and uncompressed. (ImageMagick 6 writes it from the
/// top and says that it is from the bottom.) Throws Error(io), and what `rows` throws.
void write_tga(const PictureHeader& picture, SampleRows& rows, FileTarget& file);

}  // namespace fsrcnn
