#include "picture/jxl_boxes.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

/// EXIF begins with the place of its TIFF after this number.
std::string without_offset(std::string box) {
  constexpr size_t kOffsetBytes = 4;
  if (box.size() < kOffsetBytes) return "";
  size_t offset = 0;
  for (size_t i = 0; i < kOffsetBytes; ++i) offset = offset << 8 | static_cast<unsigned char>(box[i]);
  return box.erase(0, std::min(box.size(), kOffsetBytes + offset));
}

}  // namespace

JxlBoxes jxl_boxes(std::istream& file) {
  constexpr std::string_view kSignature("\0\0\0\x0cJXL \r\n\x87\n", 12);
  constexpr uint64_t kMostBytes = 16 << 20, kNameBytes = 4;
  JxlBoxes boxes;
  const uint64_t file_bytes = size_of_stream(file);
  if (read_text(file, kSignature.size()) != kSignature) return boxes;
  walk_boxes(file, kSignature.size(), file_bytes, [&](std::string_view name, uint64_t begin, uint64_t end) {
    const uint64_t bytes = end - begin;
    if (name == "Exif" && bytes <= kMostBytes) boxes.exif = without_offset(read_text(file, bytes));
    if (name == "xml " && bytes <= kMostBytes) boxes.xmp = read_text(file, bytes);
    if (name == "brob" && bytes >= kNameBytes) {
      const std::string inner = read_text(file, kNameBytes);
      if (inner == "Exif") boxes.compressed.emplace_back("EXIF");
      if (inner == "xml ") boxes.compressed.emplace_back("XMP");
    }
    return true;
  });
  return boxes;
}

}  // namespace fsrcnn
