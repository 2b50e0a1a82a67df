#include "picture/boxes.hpp"

#include <algorithm>

namespace fsrcnn {

uint64_t read_big_endian(std::istream& file, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint64_t>(file.get() & 0xFF);
  return file ? value : 0;
}

std::string big_endian(uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

std::string read_text(std::istream& file, uint64_t size) {
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

void walk_boxes(std::istream& file, uint64_t begin, uint64_t end,
                const std::function<bool(std::string_view, uint64_t, uint64_t)>& visit) {
  constexpr int kMostBoxes = 10000;
  for (int i = 0; i < kMostBoxes && begin < end; ++i) {
    file.clear();
    file.seekg(static_cast<std::streamoff>(begin));
    uint64_t size = read_big_endian(file, 4), head = 8;
    const std::string name = read_text(file, 4);
    if (size == 1) {
      size = read_big_endian(file, 8);
      head = 16;
    } else if (size == 0) {
      size = end - begin;  // the last box
    }
    if (!file || size < head || size > end - begin || !visit(name, begin + head, begin + size)) break;
    begin += size;
  }
}

uint64_t size_of_stream(std::istream& file) {
  file.seekg(0, std::ios::end);
  const auto size = static_cast<uint64_t>(std::max<std::streamoff>(0, file.tellg()));
  file.seekg(0);
  return size;
}

}  // namespace fsrcnn
