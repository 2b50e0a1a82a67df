#pragma once

#include <cstdint>
#include <memory>
#include <string>

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// What describes a picture (ICC profile, EXIF, XMP, IPTC, resolution, delays and loops of an animation), but not how
/// it was stored, nor its orientation, which is applied. No samples.
std::shared_ptr<VipsImage> describe(VipsImage* image);

/// Gives a picture of this size what describe() kept, with the sizes and the orientation that EXIF and XMP tell put
/// right. (EXIF's sizes are put right by libvips when the file is written.)
void apply_description(VipsImage* description, int64_t width, int64_t height, VipsImage* to);

/// XMP with its fields for size and orientation, as far as it has them, set to these and to upright.
std::string correct_xmp(std::string xmp, int64_t width, int64_t height);

}  // namespace fsrcnn
