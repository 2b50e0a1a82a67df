#pragma once

#include <optional>

#include "picture/file_target.hpp"
#include "picture/picture.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Writes a still picture of 8 or 16 bits as PNG (third edition), its rows filtered and deflated in bands by all
/// threads; the bytes do not depend on how many there are. `description` has the profile and the resolution.
/// compression: 0 (stored) to 9 (small). Without it each band is deflated in the fast way that suits it,
/// which gives smaller files than zlib's own default of 6 without filters. Throws Error(io), and what `rows` throws.
void write_png(const PictureHeader& picture, int bits, SampleRows& rows, VipsImage* description, FileTarget& file,
               std::optional<int> compression);

}  // namespace fsrcnn
