#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fsrcnn {

/// What a picture's file says about it beside colour: ready-made blocks, which no writer needs to look into.
struct EmbeddedMetadata {
  std::string exif;                        ///< a TIFF of its own, without "Exif" and two zeros before it
  std::string xmp;                         ///< a packet
  std::string xmp_extension;               ///< a second one, which a JPEG stores apart because a segment holds 64 KB
  std::string xmp_guid;                    ///< the name of the second in the first: 32 digits
  std::string photoshop;                   ///< image resources, with IPTC among them
  std::string description;                 ///< a TIFF's ImageDescription
  bool has_place = false;                  ///< a GeoTIFF's tags, in the EXIF block
  std::vector<std::string> comments;       ///< a JPEG's
  std::vector<std::string> jpeg_segments;  ///< camera makers' own: the second byte of the marker, then the content
  std::vector<std::string> png_chunks;     ///< texts: type and content
};

/// How a file stores metadata: `boxes` are AVIF's, HEIC's and JPEG XL's, whole blocks as in WebP.
enum class MetadataForm : uint8_t { none, jpeg, png, tiff, webp, boxes };

/// The file that metadata is for.
struct MetadataTarget {
  int64_t width = 0, height = 0;  ///< pixels
  MetadataForm form = MetadataForm::none;
};

}  // namespace fsrcnn
