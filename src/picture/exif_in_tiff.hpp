#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace fsrcnn {

// Exiv2 changes a TIFF only by writing all of it anew, in memory, and without the pages after the fourth. So its EXIF
// block becomes the beginning of the file, where all that it refers to is at the same place as in the block; libtiff
// writes behind it, and what remains is to list the block's fields in the folder of the file's first page.

/// What belongs to a TIFF's samples and their storage, or is written by libvips, rather than being EXIF.
bool is_tag_of_samples(uint16_t tag);

/// Lists the fields of the first folder of an EXIF block, at which the file begins but for its first eight bytes, in
/// the file's first folder, unless that has such fields. Block and file have the machine's byte order, and offsets of
/// 32 bits. Throws Error(io).
void list_exif_in_tiff(const std::filesystem::path& tiff, std::string_view exif);

}  // namespace fsrcnn
