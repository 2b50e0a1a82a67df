#pragma once

#include <memory>
#include <string>

#include "base/file.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// The metadata that libvips keeps itself: ICC profile, resolution, a TIFF's description, delays and loops of an
/// animation; no samples.
std::shared_ptr<VipsImage> describe(VipsImage* image);

/// Attaches what describe() kept to a picture.
void apply_description(VipsImage* description, VipsImage* to);

/// A block of metadata; empty if missing.
std::string blob_of(VipsImage* image, const char* field);

/// Whether its resolution is known: libvips says one pixel in a millimetre where a file says nothing.
bool knows_resolution(VipsImage* description);

/// Whether a description has a field.
bool describes(VipsImage* description, const char* field);

}  // namespace fsrcnn
