#pragma once

#include <istream>
#include <optional>

namespace fsrcnn {

/// The quality, 1 to 100, with which the Independent JPEG Group's encoder would quantise luma as a JPEG's file does; of
/// tables by others, the nearest. Reads the segments before the pixels (ITU-T T.81, annex B). Empty for other files.
std::optional<int> jpeg_quality(std::istream& file);

}  // namespace fsrcnn
