#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fsrcnn {

/// Messages about what a Matroska file states and FFmpeg's libraries do not pass on, which the output therefore lacks:
/// how pictures are cropped, languages with regions, nested and ordered chapters, chapters' names in several languages.
/// Of what is no Matroska, or damaged, none.
std::vector<std::string> matroska_extras(std::istream& file);

}  // namespace fsrcnn
