#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "picture/cicp.hpp"

namespace fsrcnn {

/// What libvips does not say about a PNG.
struct PngChunks {
  uint32_t width = 0, height = 0;
  bool animated = false;
  bool has_resolution = false;                          ///< pHYs, in pixels per metre
  std::pair<uint32_t, uint32_t> pixel_aspect = {1, 1};  ///< width and height, from pHYs without a unit
  bool interlaced = false;                              ///< such a picture is decoded as a whole
  std::optional<Cicp> numbers;                          ///< cICP's, which hold before all other chunks about colours
  std::string profile;               ///< iCCP's, deflated; libpng drops those that it finds something wrong with
  std::vector<std::string> colours;  ///< chunks that specify colours other than sRGB, which libvips does not apply
  std::string exif;                  ///< also from behind the samples, where ImageMagick writes it
  std::vector<std::string> texts;    ///< type and content of tEXt, zTXt and iTXt, from anywhere
  bool has_packed_metadata = false;  ///< among the texts are some that hold XMP, or EXIF or IPTC as hexadecimal digits
};

/// Reads the chunks; all empty if it is no PNG.
PngChunks png_chunks(std::istream& file);

/// A chunk as it lies in a file: its size, type, content and checksum.
std::string png_chunk(std::string_view type, Bytes content);

/// The keyword of a text chunk.
std::string_view keyword_of(std::string_view text_chunk);

/// A text of the user's, as against metadata in the form of a text.
bool is_plain_text(std::string_view text_chunk);

/// The beginning of a PNG with an EXIF block and text chunks instead of its own; nothing if the samples have not begun
/// yet.
std::optional<std::string> png_with_metadata(std::string_view begun, std::string_view exif,
                                             const std::vector<std::string>& texts);

}  // namespace fsrcnn
