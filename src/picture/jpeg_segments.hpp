#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "picture/embedded_metadata.hpp"

namespace fsrcnn {

// Exiv2 reads only a part of a JPEG's metadata (no extended XMP, one comment, of Photoshop's resources IPTC, no
// segments of camera makers), and where it writes EXIF into another file, it moves makers' notes, which not all
// survive. So the segments are taken and written as they are.

/// Calls visit(marker, content, where it begins) for the segments before the first scan (ITU-T T.81, annex B). Whether
/// that was reached: the marker is its own, and has no content.
bool walk_jpeg(std::istream& file, const std::function<void(int marker, std::string content, size_t begin)>& visit);

/// What the segments before the first scan say.
struct JpegSegments {
  EmbeddedMetadata metadata;
  bool states_resolution = false;  ///< JFIF has pixels per inch or centimetre, and not a shape alone
  int further_pictures = 0;        ///< behind this one (CIPA DC-007, MPO), but for previews
  bool has_gain_map = false;       ///< one of these, for brighter displays
  bool has_film = false;           ///< behind the picture
};

/// Reads them; of a damaged file those before the damage.
JpegSegments jpeg_segments(std::istream& file);

/// The same for the beginning of a JPEG that is to have this metadata instead of its own; nothing if the first scan has
/// not begun yet. EXIF of more than most_exif_in_jpeg bytes is left out. density: pixels per inch across and down,
/// which JFIF (version 1.02, APP0) states.
std::optional<std::string> jpeg_with_metadata(const std::string& begun, const EmbeddedMetadata& metadata,
                                              const std::optional<std::pair<int, int>>& density = std::nullopt);

inline constexpr size_t kMostExifInJpeg = 65527, kMostXmpInJpeg = 65504;

}  // namespace fsrcnn
