#include "picture/exr_header.hpp"

#include <bit>
#include <cmath>
#include <string>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kNumberBytes = 4;

uint32_t little_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = kNumberBytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// A text that ends at a zero.
std::string read_name(std::istream& file) {
  constexpr size_t kMost = 255;
  std::string name;
  for (int c = file.get(); file && c != 0 && name.size() <= kMost; c = file.get()) name += static_cast<char>(c);
  return name;
}

template <class Number, size_t kCount>
std::optional<std::array<Number, kCount>> numbers_of(const std::string& value) {
  if (value.size() != kCount * kNumberBytes) return std::nullopt;
  std::array<Number, kCount> numbers{};
  for (size_t i = 0; i < kCount; ++i) numbers[i] = std::bit_cast<Number>(little_endian(value, kNumberBytes * i));
  return numbers;
}

}  // namespace

bool ExrHeader::is_bt709() const {
  constexpr std::array<float, 8> kBt709 = {0.64F, 0.33F, 0.30F, 0.60F, 0.15F, 0.06F, 0.3127F, 0.3290F};
  for (size_t i = 0; chromaticities && i < kBt709.size(); ++i) {
    if (!(std::abs((*chromaticities)[i] - kBt709[i]) < 0.001F)) return false;
  }
  return true;
}

ExrHeader exr_header(std::istream& file) {
  constexpr std::string_view kSignature = "\x76\x2F\x31\x01";
  constexpr int kMostAttributes = 10000;
  constexpr uint32_t kMostBytes = 64;  // of those that are wanted
  ExrHeader header;
  if (read_text(file, kSignature.size()) != kSignature) return header;
  const std::string version = read_text(file, kNumberBytes);
  if (version.size() != kNumberBytes) return header;
  header.has_parts = (little_endian(version, 0) & 0x1000) != 0;
  for (int i = 0; i < kMostAttributes; ++i) {
    const std::string name = read_name(file), type = read_name(file), size = read_text(file, kNumberBytes);
    if (name.empty() || size.size() != kNumberBytes) break;
    const uint32_t bytes = little_endian(size, 0);
    if (bytes > kMostBytes) {
      file.seekg(bytes, std::ios::cur);
      continue;
    }
    const std::string value = read_text(file, bytes);
    if (name == "dataWindow" && type == "box2i") header.data = numbers_of<int32_t, 4>(value);
    if (name == "displayWindow" && type == "box2i") header.display = numbers_of<int32_t, 4>(value);
    if (name == "chromaticities" && type == "chromaticities") header.chromaticities = numbers_of<float, 8>(value);
  }
  return header;
}

}  // namespace fsrcnn
