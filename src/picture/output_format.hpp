#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "picture/embedded_metadata.hpp"

namespace fsrcnn {

/// What writes a picture.
enum class Encoder : uint8_t { png, jpeg, tiff, webp, gif, avif, heic, jxl, tga, pam, pfm, magick, ppm };

/// What colours a file can have.
enum class StoredColours : uint8_t { any, rgb, gray };

/// A format that pictures are written in, and what it can store.
struct OutputFormat {
  std::string_view suffix;
  Encoder encoder;
  MetadataForm form;  ///< of metadata
  int bits;           ///< the most of a sample
  StoredColours colours;
  bool alpha, frames;       ///< whether it has them
  bool profile, numbers;    ///< whether it says colours by an ICC profile, by H.273's numbers
  int64_t largest_side;     ///< pixels
  int default_quality = 0;  ///< 0: it has none
};

/// That of a name's suffix, in upper or lower case; null if pictures cannot be written as it, with this libvips.
const OutputFormat* find_output_format(const std::filesystem::path& path);

/// The same; throws Error(usage) if there is none.
const OutputFormat& output_format(const std::filesystem::path& path);

/// Suffixes that pictures can be written as, with this libvips: ".png", ".jpg", ...
std::vector<std::string> writable_suffixes();

}  // namespace fsrcnn
