#pragma once

#include <filesystem>

#include "picture/embedded_metadata.hpp"

namespace fsrcnn {

/// Gives a WebP file this EXIF and XMP instead of its own. Throws Error(io).
void put_metadata_into_webp(const std::filesystem::path& webp, const EmbeddedMetadata& metadata);

}  // namespace fsrcnn
