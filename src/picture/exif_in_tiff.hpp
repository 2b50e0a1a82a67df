#pragma once

#include <cstdint>
#include <filesystem>

#include "base/file.hpp"

namespace fsrcnn {

/// Adds EXIF data to a TIFF file, which libvips writes without: the folders for EXIF and GPS, and the texts (camera,
/// artist, date, ...) that TIFF's own folder does not have. Sizes become these. `exif` is a TIFF, after
/// "Exif" and two zeros (as JPEG has it) or without them. Only for files with offsets of 32 bits. Throws Error(io).
void add_exif_to_tiff(const std::filesystem::path& tiff, Bytes exif, int64_t width, int64_t height);

}  // namespace fsrcnn
