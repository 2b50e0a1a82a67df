#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "picture/embedded_metadata.hpp"
#include "picture/picture_change.hpp"
#include "picture/picture_file.hpp"

namespace fsrcnn {

// Metadata is read and changed by Exiv2. All this is done on bytes of strangers, so it belongs into the process that
// decodes pictures.

/// What Exiv2 finds in a TIFF or PNG: EXIF of which the parts lie anywhere in the file, or are written as text.
/// Throws Error(input) if that is damaged.
EmbeddedMetadata metadata_by_exiv2(const PictureFile& file);

/// Whether an EXIF block has a GeoTIFF's tags.
bool has_place(const std::string& exif);

/// EXIF's orientation, 1 to 8; 1 if it has none.
int orientation_of(const std::string& exif);

/// Pixels per millimetre across and down that an EXIF block states, if it does.
std::optional<std::pair<double, double>> resolution_of(const std::string& exif);

/// An EXIF block for the changed picture: upright, of its size, with places in it where they are now, without
/// thumbnail. Fields are changed where they are, if that is possible, so that makers' notes, which may refer to places
/// in the block, stay whole. Nothing if it is damaged. For a TIFF it has the machine's byte order, and a GeoTIFF's
/// place scaled.
std::optional<std::string> change_exif(std::string exif, const PictureChange& change);

/// Changes XMP likewise: sizes, orientation, no thumbnails, and nothing about pictures and films that lie behind this
/// one in its file. Of a JPEG what does not fit into its segment becomes an extension; of others an extension becomes
/// part of the packet. False if it is damaged, and stays as it is.
bool change_xmp(EmbeddedMetadata& metadata, const PictureChange& change);

/// Whether there is IPTC among Photoshop's resources.
bool has_iptc(const std::string& resources);

/// Photoshop's resources without thumbnails.
std::string change_photoshop(std::string resources);

/// XMP and IPTC as the text chunks that a PNG stores them in.
std::vector<std::string> png_texts_of(const EmbeddedMetadata& metadata);

}  // namespace fsrcnn
