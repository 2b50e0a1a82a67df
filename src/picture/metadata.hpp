#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// The metadata of a picture (ICC profile, EXIF, XMP, IPTC, text fields, resolution, delays and loops of an animation),
/// without storage details, orientation (which is applied), thumbnail and samples.
std::shared_ptr<VipsImage> describe(VipsImage* image);

/// Attaches the metadata kept by describe() to a picture of this size, with sizes and orientation in EXIF and XMP
/// corrected. (libvips corrects EXIF's sizes when it writes the file.)
void apply_description(VipsImage* description, int64_t width, int64_t height, VipsImage* to);

/// Adds an EXIF block (a TIFF, without "Exif" and two zeros) to a description, with its fields as libvips names them.
/// A block that libvips does not understand is dropped.
void add_exif(VipsImage* description, Bytes block);

/// IPTC is stored in Photoshop's block: in a JPEG the whole block, in a TIFF without the block's name, in its own
/// field. A TIFF may also store it without Photoshop's block. Moves it to where TIFF, or another format, stores it.
void place_iptc(VipsImage* image, bool tiff);

/// Size of a metadata field in bytes; 0 if missing.
size_t size_of_field(VipsImage* description, const char* field);

/// A text field of a PNG.
struct PngText {
  std::string keyword, text;
};
std::vector<PngText> png_texts(VipsImage* description);

/// XMP with its fields for size and orientation, as far as it has them, set to these and to upright.
std::string correct_xmp(std::string xmp, int64_t width, int64_t height);

}  // namespace fsrcnn
