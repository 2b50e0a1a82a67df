#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "picture/picture.hpp"

namespace fsrcnn {

/// Suffixes that pictures can be written as, with this libvips: ".png", ".jpg", ...
std::vector<std::string> writable_suffixes();

/// Whether the name ends with one of them, in upper or lower case.
bool is_writable(const std::filesystem::path& path);

/// Checks that a picture like this can be written under this name, before any work is done for it. Throws Error(usage)
/// for an unknown suffix; Error(input) for an alpha channel, frames or a size that the format cannot hold; Error(io) if
/// the folder is missing or cannot be written.
void check_writable(const PictureHeader& picture, const std::filesystem::path& path);

/// Messages about properties and options that the format cannot store. They are not errors.
std::vector<std::string> what_is_lost(const PictureHeader& picture, const std::filesystem::path& path,
                                      std::optional<int> quality = std::nullopt);

/// The next rows of a picture, (1, C, rows, W); empty after the last.
using RowSource = std::function<Tensor<float>()>;

/// Writes a picture whose rows come from `source`, frame after frame and from top to bottom, in the format of the
/// name's suffix and with the picture's metadata. While a block of rows is encoded, the source computes the next on
/// another thread. quality: 1 to 100, for formats that have one; by default 95, 90 for AVIF and HEIC; 100 is lossless
/// in WebP and JPEG XL. Samples are rounded to nearest, to the smaller bit depth of picture and format. The file
/// appears whole or not at all. Returns the seconds of encoding, without waiting for rows. Throws like
/// check_writable, Error(io), and what the source throws.
double write_picture(const PictureHeader& picture, const std::filesystem::path& path, const RowSource& source,
                     std::optional<int> quality = std::nullopt);

/// The same for a picture in memory.
void write_picture(const Picture& picture, const std::filesystem::path& path);

}  // namespace fsrcnn
