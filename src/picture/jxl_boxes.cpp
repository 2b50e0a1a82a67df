#include "picture/jxl_boxes.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace fsrcnn {
namespace {

/// A number of so many bytes; 0 at the end of the file.
uint64_t read_big_endian(std::istream& file, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint64_t>(file.get() & 0xFF);
  return file ? value : 0;
}

std::string read_text(std::istream& file, uint64_t size) {
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

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
  constexpr int kMostBoxes = 10000;
  constexpr uint64_t kMostBytes = 16 << 20, kNameBytes = 4;
  JxlBoxes boxes;
  file.seekg(0, std::ios::end);
  const auto end = static_cast<uint64_t>(std::max<std::streamoff>(0, file.tellg()));
  file.seekg(0);
  if (read_text(file, kSignature.size()) != kSignature) return boxes;
  uint64_t at = kSignature.size();
  for (int i = 0; i < kMostBoxes && at < end; ++i) {
    file.seekg(static_cast<std::streamoff>(at));
    uint64_t size = read_big_endian(file, 4), head = 8;
    const std::string name = read_text(file, kNameBytes);
    if (size == 1) {
      size = read_big_endian(file, 8);
      head = 16;
    } else if (size == 0) {
      size = end - at;  // the last box
    }
    if (!file || size < head || size > end - at) break;
    const uint64_t bytes = size - head;
    if (name == "Exif" && bytes <= kMostBytes) boxes.exif = without_offset(read_text(file, bytes));
    if (name == "xml " && bytes <= kMostBytes) boxes.xmp = read_text(file, bytes);
    if (name == "brob" && bytes >= kNameBytes) {
      const std::string inner = read_text(file, kNameBytes);
      if (inner == "Exif") boxes.compressed.emplace_back("EXIF");
      if (inner == "xml ") boxes.compressed.emplace_back("XMP");
    }
    at += size;
  }
  return boxes;
}

}  // namespace fsrcnn
