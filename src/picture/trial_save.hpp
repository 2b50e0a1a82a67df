#pragma once

#include <string_view>

namespace fsrcnn {

// Finds out what libvips and its libraries can write on this machine, which depends on versions and installed packages.
// Each format is tried once, with a picture of a few pixels.

/// Whether libvips writes EXIF and XMP into a JPEG XL, as newer versions do.
bool jxl_keeps_description();

/// Throws Error(usage) if there is no encoder for a suffix with libvips' options for it: those of AVIF and HEIC may be
/// separate packages.
void check_encoder(std::string_view suffix, std::string_view options);

}  // namespace fsrcnn
