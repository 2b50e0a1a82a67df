#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace fsrcnn {

// EXIF lies in a TIFF as folders of its own, which libvips neither reads nor writes.

/// Adds EXIF data to a TIFF file: the folders for EXIF and GPS, and the texts (camera, artist, date, ...) that TIFF's
/// own folder does not have. Sizes become these. `exif` is a TIFF, after "Exif" and two zeros (as JPEG has it) or
/// without them. Only for files with offsets of 32 bits. Throws Error(io).
void add_exif_to_tiff(const std::filesystem::path& tiff, Bytes exif, int64_t width, int64_t height);

/// The EXIF data of a TIFF or BigTIFF (its texts among them) as such a block, without "Exif" and two zeros; empty if it
/// has none. What is damaged is left out, and a maker's note that would make it larger than a JPEG can have.
std::vector<std::byte> exif_of_tiff(std::istream& tiff);

/// An EXIF block (after "Exif" and two zeros, or without them) whose second folder, which has the thumbnail, is not
/// found any more.
std::string without_thumbnail(std::string exif);

}  // namespace fsrcnn
