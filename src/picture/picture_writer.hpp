#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "picture/picture.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Whether pictures can be written in the format of a name's suffix, in upper or lower case.
bool is_writable(const std::filesystem::path& path);

/// Whether the format of a name that is_writable() stores alpha.
bool stores_alpha(const std::filesystem::path& path);

/// And how it stores metadata.
MetadataForm metadata_form(const std::filesystem::path& path);

/// Checks that a picture like this can be written under this name, before any work is done for it. Throws Error(usage)
/// for an unknown suffix; Error(input) for an alpha channel, frames or a size that the format cannot hold; Error(io) if
/// the folder is missing or cannot be written.
void check_writable(const PictureHeader& picture, const std::filesystem::path& path);

/// How samples become bytes.
struct Encoding {
  std::optional<int> quality = {};  ///< 1 to 100, for formats that have one; by default 95, 90 for AVIF and HEIC; 100
                                    ///< is lossless in WebP and JPEG XL
  std::optional<int> compression = {};  ///< effort: 0 (none of PNG and TIFF, else least) to 9; by default what is fast
};

/// Messages about properties and options that the format cannot store. They are not errors.
std::vector<std::string> what_is_lost(const PictureHeader& picture, const std::filesystem::path& path,
                                      const Encoding& encoding = {});

/// What is known of a picture's samples when all have been read.
struct SampleRange {
  bool partly_transparent = false;
  float least = 0, most = 1;  ///< of colours, if they are floats; 0 and 1 if none lies beyond
};

/// Messages about samples that the format could not store.
std::vector<std::string> what_was_lost(const PictureHeader& picture, const SampleRange& samples,
                                       const std::filesystem::path& path);

/// Writes a picture whose rows come from `source`, frame after frame and from top to bottom, in the format of the
/// name's suffix and with the picture's metadata. While rows are encoded, the source computes the next on another
/// thread, and `before_commit` is called after the last; what it throws keeps an old file. Samples are rounded to
/// nearest, to the smaller bit depth of picture and format. The file appears whole or not at all. Returns the seconds
/// of encoding, without waiting for rows. Throws like check_writable, Error(io), and what the source throws.
double write_picture(const PictureHeader& picture, const std::filesystem::path& path, const RowSource& source,
                     const Encoding& encoding = {}, const std::function<void()>& before_commit = nullptr);

/// The same for a picture in memory.
void write_picture(const Picture& picture, const std::filesystem::path& path);

}  // namespace fsrcnn
