#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "picture/embedded_metadata.hpp"
#include "picture/exiv2_metadata.hpp"
#include "picture/picture_file.hpp"
#include "picture/png_chunks.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// The metadata of a picture that a loader of libvips has opened; `png` has a PNG's chunks. Adds messages about what
/// cannot be read.
EmbeddedMetadata read_metadata(const PictureFile& file, std::string_view loader, VipsImage* image, const PngChunks& png,
                               std::vector<std::string>& warnings);

/// What of it belongs to the changed picture, as its file wants it. `name` is the picture's, for messages.
EmbeddedMetadata change_metadata(EmbeddedMetadata metadata, const PictureChange& change, const std::string& name,
                                 std::vector<std::string>& warnings);

}  // namespace fsrcnn
