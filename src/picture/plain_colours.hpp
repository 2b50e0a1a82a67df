#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "picture/tiff_pages.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Makes gray or RGB of what is neither (CMYK and Lab, through its profile where it has one), and takes colours apart
/// that were multiplied by alpha. `loader` is libvips' name of what read the file. Kinds that it does not know stay as
/// they are. `warnings` gets what people should know. Throws Error(input) if the file is damaged.
void bring_to_plain_colours(std::shared_ptr<VipsImage>& image, const std::filesystem::path& path,
                            const std::string& loader, std::vector<std::string>& warnings);

/// Of floats libvips leaves those as they are whose white is 0; and before 8.15 it brought colours that had been
/// multiplied by alpha to 255.
void put_tiff_floats_right(std::shared_ptr<VipsImage>& image, const std::filesystem::path& path, const TiffPage& page);

/// What a profile of grays makes of a gray image in sRGB, for formats whose pictures are all RGB; of others, the same.
std::shared_ptr<VipsImage> gray_as_srgb(const std::shared_ptr<VipsImage>& image);

}  // namespace fsrcnn
