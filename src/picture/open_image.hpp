#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Whether libvips knows the content of a file as a picture. The name counts only for forms of which ImageMagick alone
/// knows the content, and not well: BMP, TGA, ...
bool is_picture(const std::filesystem::path& path);

/// A picture whose samples can be asked for from top to bottom; null, and libvips' message, if it is none. The name is
/// taken as it is: brackets in it are no options, as they are for vips_image_new_from_file. Throws Error(io).
std::shared_ptr<VipsImage> open_image(const std::filesystem::path& path, const char* options = "");

/// What libvips calls that which reads the image's file: "pngload_source", ...
std::string loader_of(VipsImage* image);

/// The pages or frames of the image's file, at least 1.
int64_t page_count(VipsImage* image);

}  // namespace fsrcnn
