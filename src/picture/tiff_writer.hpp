#pragma once

#include <optional>

#include "picture/file_target.hpp"
#include "picture/picture.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Whether its offsets have 64 bits, because 32 do not reach the end of a picture of so many bits a sample.
bool needs_big_tiff(const PictureHeader& picture, int bits);

/// Writes a picture of 8 or 16 bits or floats as TIFF, a page for each frame, in strips that all threads deflate; the
/// bytes do not depend on how many there are. `description` has the profile, XMP, IPTC, the text and the resolution.
/// compression: 0 (none) to 9 (small); without it the fast way that suits the picture. Throws Error(io), and what
/// `rows` throws.
void write_tiff(const PictureHeader& picture, int bits, SampleRows& rows, VipsImage* description, FileTarget& file,
                std::optional<int> compression);

}  // namespace fsrcnn
