#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace fsrcnn {

// In a TIFF, EXIF has its own folders (IFDs), which libvips neither reads nor writes.

/// Adds EXIF data to a TIFF file: the folders for EXIF and GPS, and the texts (camera, artist, date, ...) that TIFF's
/// own folder does not have. Sizes become these. `exif` is a TIFF, after "Exif" and two zeros (as JPEG has it) or
/// without them. Only for files with offsets of 32 bits. Throws Error(io).
void add_exif_to_tiff(const std::filesystem::path& tiff, Bytes exif, int64_t width, int64_t height);

/// The EXIF data of a TIFF or BigTIFF (its texts among them) as such a block, without "Exif" and two zeros; empty if it
/// has none. Damaged fields are dropped, and a maker's note that would exceed the size limit of a JPEG.
std::vector<std::byte> exif_of_tiff(std::istream& tiff);

/// An EXIF block (with or without "Exif" and two zeros) without the link to its second folder, which has the thumbnail.
std::string without_thumbnail(std::string exif);

}  // namespace fsrcnn
