#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Whether libvips recognises the content of a file as a picture. The name only matters for formats that only
/// ImageMagick detects, and not reliably: BMP, TGA, ...
bool is_picture(const std::filesystem::path& path);

/// Opens a picture for reading from top to bottom; null, with libvips' message, if it is not a picture. The name is
/// taken literally: brackets are not options, unlike in vips_image_new_from_file. Throws Error(io).
std::shared_ptr<VipsImage> open_image(const std::filesystem::path& path, const char* options = "");

/// The name of libvips' loader of the image: "pngload_source", ...
std::string loader_of(VipsImage* image);

/// The pages or frames of the image's file, at least 1.
int64_t page_count(VipsImage* image);

}  // namespace fsrcnn
