#include "picture/big_tiff_exif.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "picture/exif_in_tiff.hpp"
#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMostFolderBytes = 16 << 20;                            // of a folder's values
constexpr std::array<uint16_t, 3> kPointers = {0x8769, 0x8825, 0xA005};  // to the folders of EXIF, GPS and Interop
constexpr uint16_t kLong = 4, kLastType = 12;                            // that TIFF has too

bool is_pointer(const TiffField& field) {
  return std::find(kPointers.begin(), kPointers.end(), field.tag) != kPointers.end();
}

bool describes_picture(const TiffField& field) {
  return !is_tag_of_samples(field.tag) && !is_pointer(field) && field.type <= kLastType;
}

/// Where the folder of a tag begins; 0 if there is none.
uint64_t place_of(TiffFolders& folders, uint64_t parent, uint16_t tag) {
  for (const TiffField& field : folders.read(parent, kMostFolderBytes, is_pointer)) {
    if (field.tag != tag) continue;
    return field.value.size() == 8   ? get<uint64_t>(field.value.data())
           : field.value.size() == 4 ? get<uint32_t>(field.value.data())
                                     : 0;
  }
  return 0;
}

/// Appends a folder with all that lies below it; returns where it begins, or 0 if it would be empty.
uint32_t append(std::vector<unsigned char>& block, TiffFolders& folders, uint64_t place, int depth) {
  constexpr int kDeepest = 2;
  constexpr size_t kInlineBytes = 4;
  std::vector<TiffField> fields = folders.read(place, kMostFolderBytes, describes_picture);
  for (const uint16_t tag : kPointers) {
    const uint64_t below = depth < kDeepest ? place_of(folders, place, tag) : 0;
    const uint32_t here = below != 0 ? append(block, folders, below, depth + 1) : 0;
    if (here == 0) continue;
    fields.push_back({tag, kLong, 1, {}});
    put(fields.back().value, here);
  }
  if (fields.empty()) return 0;
  std::sort(fields.begin(), fields.end(), [](const TiffField& a, const TiffField& b) { return a.tag < b.tag; });
  std::vector<unsigned char> folder;
  put(folder, static_cast<uint16_t>(fields.size()));
  for (TiffField& field : fields) {
    put(folder, field.tag);
    put(folder, field.type);
    put(folder, field.count);
    if (field.value.size() > kInlineBytes) {
      const auto at = static_cast<uint32_t>(block.size());
      block.insert(block.end(), field.value.begin(), field.value.end());
      if (block.size() % 2 == 1) block.push_back(0);  // values begin at even offsets
      field.value.clear();
      put(field.value, at);
    }
    field.value.resize(kInlineBytes);
    folder.insert(folder.end(), field.value.begin(), field.value.end());
  }
  put<uint32_t>(folder, 0);  // no other follows
  const auto begin = static_cast<uint32_t>(block.size());
  block.insert(block.end(), folder.begin(), folder.end());
  return begin;
}

}  // namespace

std::string exif_of_big_tiff(std::istream& file) {
  file.clear();
  file.seekg(0);
  TiffFolders folders(file);
  std::vector<unsigned char> block;
  put<uint16_t>(block, std::endian::native == std::endian::little ? 0x4949 : 0x4D4D);
  put<uint16_t>(block, 42);
  put<uint32_t>(block, 0);
  const uint32_t first = folders.first() != 0 ? append(block, folders, folders.first(), 0) : 0;
  if (first == 0) return "";
  const auto bytes = std::bit_cast<std::array<unsigned char, 4>>(first);
  std::copy(bytes.begin(), bytes.end(), block.begin() + 4);
  return {block.begin(), block.end()};
}

}  // namespace fsrcnn
