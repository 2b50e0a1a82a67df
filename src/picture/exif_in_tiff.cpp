#include "picture/exif_in_tiff.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kHeadBytes = 8, kFieldBytes = 12, kLinkBytes = 4;

using Field = std::array<unsigned char, kFieldBytes>;

uint16_t tag_of(const Field& field) { return get<uint16_t>(field.data()); }

std::vector<Field> fields_of(const unsigned char* bytes, size_t count) {
  std::vector<Field> fields(count);
  std::memcpy(fields.data(), bytes, count * kFieldBytes);
  return fields;
}

/// Those of a block's first folder; none if it is damaged.
std::vector<Field> fields_of_block(std::string_view exif) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(exif.data());
  if (exif.size() < kHeadBytes + 2) return {};
  const auto first = get<uint32_t>(bytes + 4);
  if (first > exif.size() - 2) return {};
  const auto count = get<uint16_t>(bytes + first);
  if (count * kFieldBytes > exif.size() - first - 2) return {};
  return fields_of(bytes + first + 2, count);
}

}  // namespace

bool is_tag_of_samples(uint16_t tag) {
  constexpr std::array<uint16_t, 19> kOthers = {273, 274, 277, 278, 279, 280,   281,   284,   296,  297,
                                                301, 317, 330, 347, 700, 33723, 34377, 34675, 37724};
  const auto within = [&](uint16_t first, uint16_t last) { return tag >= first && tag <= last; };
  return within(254, 266) || within(282, 283) || within(288, 293) || within(318, 325) || within(332, 346) ||
         within(512, 532) || within(32781, 33421) || std::find(kOthers.begin(), kOthers.end(), tag) != kOthers.end();
}

void list_exif_in_tiff(const std::filesystem::path& tiff, std::string_view exif) {
  std::fstream file(tiff, std::ios::binary | std::ios::in | std::ios::out);
  const auto read = [&](size_t at, size_t count) {
    std::vector<unsigned char> bytes(count);
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count))) {
      fail(ErrorCode::io, "reading '{}' again to add EXIF failed", tiff.string());
    }
    return bytes;
  };
  const uint32_t first = get<uint32_t>(read(4, 4).data());
  const size_t count = get<uint16_t>(read(first, 2).data());
  const std::vector<unsigned char> folder = read(first + 2, kFieldBytes * count + kLinkBytes);
  std::vector<Field> fields = fields_of(folder.data(), count);
  for (const Field& field : fields_of_block(exif)) {
    const auto is_same = [&](const Field& other) { return tag_of(other) == tag_of(field); };
    if (!is_tag_of_samples(tag_of(field)) && std::none_of(fields.begin(), fields.end(), is_same)) {
      fields.push_back(field);
    }
  }
  std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return tag_of(a) < tag_of(b); });

  file.seekg(0, std::ios::end);
  const auto end = static_cast<size_t>(file.tellg());
  std::vector<unsigned char> added(end % 2);  // folders begin at even offsets
  const auto place = static_cast<uint32_t>(end + added.size());
  put(added, static_cast<uint16_t>(fields.size()));
  for (const Field& field : fields) added.insert(added.end(), field.begin(), field.end());
  added.insert(added.end(), folder.end() - kLinkBytes, folder.end());  // to the next page

  file.seekp(static_cast<std::streamoff>(end));
  file.write(reinterpret_cast<const char*>(added.data()), static_cast<std::streamsize>(added.size()));
  file.seekp(4);
  file.write(reinterpret_cast<const char*>(&place), sizeof(place));
  file.close();
  if (!file) fail(ErrorCode::io, "writing EXIF to '{}' failed", tiff.string());
}

}  // namespace fsrcnn
