#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>

namespace fsrcnn {

/// A kind of file, told by its content.
struct PictureFormat {
  std::string_view name;     ///< for messages: "JPEG 2000"
  std::string_view loader;   ///< libvips' operation; if it ends in "_source", it reads a VipsSource, else a file
  std::string_view instead;  ///< not empty: such files are refused, and this says what to do
};

/// The format of a file; null if it is none of those that are pictures. libvips itself also takes texts, matrices and
/// films for pictures. `suffix`, in lower case, only decides for the formats whose content begins like anything else:
/// TGA and PCX.
const PictureFormat* picture_format(std::istream& file, std::string_view suffix);

/// Whether a regular file has one of these formats; also if it would be refused.
bool is_picture(const std::filesystem::path& path);

/// The names of those that are read, for messages.
std::string picture_format_names();

}  // namespace fsrcnn
