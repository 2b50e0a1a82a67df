#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "picture/picture_file.hpp"
#include "picture/tiff_pages.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Converts other colours (CMYK and Lab, through the profile if there is one) to gray or RGB, and divides colours by
/// alpha that were multiplied by it. `loader` is the name of libvips' loader. Unknown kinds are unchanged. `warnings`
/// gets messages. Throws Error(input) if the file is damaged.
void bring_to_plain_colours(std::shared_ptr<VipsImage>& image, const PictureFile& file, const std::string& loader,
                            std::vector<std::string>& warnings);

/// Of floats libvips leaves those as they are whose white is 0; and before 8.15 it brought colours that had been
/// multiplied by alpha to 255.
void put_tiff_floats_right(std::shared_ptr<VipsImage>& image, const std::filesystem::path& path, const TiffPage& page);

/// Converts a gray image with a profile to sRGB, for formats whose pictures are all RGB; other images are unchanged.
std::shared_ptr<VipsImage> gray_as_srgb(const std::shared_ptr<VipsImage>& image);

}  // namespace fsrcnn
