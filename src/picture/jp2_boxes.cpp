#include "picture/jp2_boxes.hpp"

#include <cstdint>
#include <string_view>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

constexpr std::string_view kCodestream = "\xFF\x4F\xFF\x51";  // SOC, and SIZ as the first segment

/// From the start of a codestream on.
bool is_shifted(std::istream& file) {
  if (read_text(file, kCodestream.size()) != kCodestream) return false;
  read_big_endian(file, 2 + 2 + 4 + 4);  // length, capabilities, width and height of the grid
  const uint64_t picture = read_big_endian(file, 8);
  read_big_endian(file, 8);  // width and height of a tile
  const uint64_t tiles = read_big_endian(file, 8);
  return picture != 0 || tiles != 0;
}

}  // namespace

Jp2Boxes jp2_boxes(std::istream& file) {
  constexpr std::string_view kSignature("\0\0\0\x0cjP  \r\n\x87\n", 12);
  Jp2Boxes boxes;
  const uint64_t file_bytes = size_of_stream(file);
  if (read_text(file, kSignature.size()) != kSignature) {
    file.clear();
    file.seekg(0);
    boxes.is_shifted = is_shifted(file);
    return boxes;
  }
  walk_boxes(file, kSignature.size(), file_bytes, [&](std::string_view name, uint64_t begin, uint64_t end) {
    if (name == "jp2h") {
      walk_boxes(file, begin, end, [&](std::string_view inner, uint64_t, uint64_t) {
        boxes.has_palette = boxes.has_palette || inner == "pclr";
        return true;
      });
    }
    if (name == "jp2c") boxes.is_shifted = is_shifted(file);
    return name != "jp2c";
  });
  return boxes;
}

}  // namespace fsrcnn
