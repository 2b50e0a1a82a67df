#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "picture/picture_file.hpp"
#include "picture/picture_format.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Opens a picture for reading from top to bottom, by the loader of its format: libvips would choose by itself, but
/// does not look at the content closely. With all_pages they stand below each other, for formats that libvips reads so.
/// Null, with libvips' message, if it is damaged. Throws Error(input) if libvips has no such loader here.
std::shared_ptr<VipsImage> open_image(const PictureFile& file, const PictureFormat& format, bool all_pages = false);

/// The name of libvips' loader of the image: "pngload_source", ...
std::string loader_of(VipsImage* image);

/// The pages or frames of the image's file, at least 1.
int64_t page_count(VipsImage* image);

}  // namespace fsrcnn
