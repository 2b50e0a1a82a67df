#pragma once

#include <filesystem>

#include "picture/picture.hpp"

namespace fsrcnn {

/// Whether a file's content is that of a picture that libvips knows. False if there is no such file.
bool is_picture_file(const std::filesystem::path& path);

/// Reads a picture of any format that libvips knows: gray or RGB, with or without alpha, 8 or 16 bits. The EXIF
/// orientation is applied (and forgotten), so that every viewer shows the result upright.
/// Throws Error(io) if the file cannot be read, and Error(input) if it is no picture, is damaged or cut short, has
/// several pages or frames, or has samples of another kind.
Picture read_picture(const std::filesystem::path& path);

/// Checks that a picture of this kind, `scale` times its size, can be written under this name, before any work is done
/// for it. Throws Error(usage) for an unknown suffix, Error(input) for an alpha channel or a size that the format
/// cannot hold, Error(io) if the folder is missing or cannot be written.
void check_writable(const Picture& picture, int64_t scale, const std::filesystem::path& path);

/// True if the picture has EXIF data, and the format is the one (TIFF) that libvips writes without them.
bool loses_exif(const Picture& picture, const std::filesystem::path& path);

/// Writes PNG, JPEG (quality 95), TIFF or WebP (quality 95), told by the name's suffix, with the picture's metadata.
/// Samples are rounded to nearest; 16 bits stay 16 bits where the format has them. The file appears whole or not at
/// all. Throws like check_writable, and Error(io).
void write_picture(const Picture& picture, const std::filesystem::path& path);

}  // namespace fsrcnn
