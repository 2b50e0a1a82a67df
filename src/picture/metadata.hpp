#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// What describes a picture (ICC profile, EXIF, XMP, IPTC, texts, resolution, delays and loops of an animation), but
/// not how it was stored, nor its orientation, which is applied, nor a thumbnail. No samples.
std::shared_ptr<VipsImage> describe(VipsImage* image);

/// Gives a picture of this size what describe() kept, with the sizes and the orientation that EXIF and XMP tell put
/// right. (EXIF's sizes are put right by libvips when the file is written.)
void apply_description(VipsImage* description, int64_t width, int64_t height, VipsImage* to);

/// Adds an EXIF block (a TIFF, without "Exif" and two zeros) to a description, with its fields as libvips names them.
/// One that libvips does not understand is left out.
void add_exif(VipsImage* description, Bytes block);

/// IPTC lies in Photoshop's block: of a JPEG as a whole, of a TIFF without the block's name and in a field of its own.
/// A TIFF may have it without Photoshop's block, too. Moves it to where a TIFF, or another form, has it.
void place_iptc(VipsImage* image, bool tiff);

/// Bytes of what a field of a description has; 0 if it has no such field.
size_t size_of_field(VipsImage* description, const char* field);

/// The keywords of a PNG's texts.
std::vector<std::string> png_texts(VipsImage* description);

/// Those whose texts are not in ASCII alone. libvips writes them in UTF-8 where readers of PNG expect Latin-1.
std::vector<std::string> png_texts_beyond_ascii(VipsImage* description);

/// XMP with its fields for size and orientation, as far as it has them, set to these and to upright.
std::string correct_xmp(std::string xmp, int64_t width, int64_t height);

}  // namespace fsrcnn
