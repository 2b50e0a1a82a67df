#include "picture/exif_in_tiff.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr uint16_t kExifFolder = 0x8769, kGpsFolder = 0x8825, kInteroperabilityFolder = 0xA005;
constexpr uint16_t kPixelXDimension = 0xA002, kPixelYDimension = 0xA003;
constexpr uint16_t kAscii = 2, kDouble = 12;  // the first is text, what comes after the last is not EXIF's
constexpr size_t kFieldBytes = 12;
constexpr std::string_view kStart("Exif\0\0", 6);
constexpr size_t kMostBytes = 64000;  // a little less than JPEG's blocks

bool is_pointer(const TiffField& field) {
  return field.tag == kExifFolder || field.tag == kGpsFolder || field.tag == kInteroperabilityFolder;
}

struct ExifFields {
  std::vector<TiffField> texts;  ///< of the first folder
  std::vector<TiffField> details, gps, interoperability;

  bool empty() const { return texts.empty() && details.empty() && gps.empty() && interoperability.empty(); }
};

ExifFields read_exif(std::istream& tiff) {
  constexpr auto kAnything = [](const TiffField& field) { return field.type <= kDouble || is_pointer(field); };
  TiffFolders folders(tiff);
  ExifFields exif;
  if (folders.first() == 0) return exif;
  // Where the other folder begins that a field of one points to; 0 without such a field.
  const auto take_pointer = [](std::vector<TiffField>& fields, uint16_t tag) -> uint64_t {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const TiffField& f) { return f.tag == tag; });
    if (field == fields.end() || field->count != 1) return 0;
    const unsigned char* const value = field->value.data();
    return field->value.size() == 8 ? get<uint64_t>(value) : field->value.size() == 4 ? get<uint32_t>(value) : 0;
  };
  size_t left = kMostBytes;
  const auto read = [&](uint64_t offset, bool (*wanted)(const TiffField&)) {
    std::vector<TiffField> fields = offset == 0 ? std::vector<TiffField>() : folders.read(offset, left, wanted);
    for (const TiffField& field : fields) left -= std::min(left, field.value.size() + kFieldBytes);
    return fields;
  };
  exif.texts = read(folders.first(), [](const TiffField& f) { return f.type == kAscii || is_pointer(f); });
  const uint64_t details = take_pointer(exif.texts, kExifFolder), gps = take_pointer(exif.texts, kGpsFolder);
  exif.gps = read(gps, kAnything);
  exif.details = read(details, kAnything);
  exif.interoperability = read(take_pointer(exif.details, kInteroperabilityFolder), kAnything);
  for (auto* fields : {&exif.texts, &exif.details, &exif.gps, &exif.interoperability})
    std::erase_if(*fields, is_pointer);
  return exif;
}

/// Appends all but the texts to what will lie at `offset` of a file; returns the fields that point to them.
std::vector<TiffField> append_exif(std::vector<unsigned char>& bytes, size_t offset, ExifFields exif) {
  std::vector<TiffField> pointers;
  const auto append = [&](std::vector<TiffField>& fields, uint16_t tag, std::vector<TiffField>& to) {
    if (!fields.empty()) to.push_back(number_field(tag, append_folder(bytes, offset, std::move(fields), 0)));
  };
  append(exif.interoperability, kInteroperabilityFolder, exif.details);
  append(exif.details, kExifFolder, pointers);
  append(exif.gps, kGpsFolder, pointers);
  return pointers;
}

}  // namespace

std::vector<std::byte> exif_of_tiff(std::istream& tiff) {
  ExifFields exif = read_exif(tiff);
  if (exif.empty()) return {};
  constexpr bool kLittle = std::endian::native == std::endian::little;
  std::vector<unsigned char> block;
  put<uint16_t>(block, kLittle ? 0x4949 : 0x4D4D);
  put<uint16_t>(block, 42);
  put<uint32_t>(block, 0);
  std::vector<TiffField> fields = std::move(exif.texts);
  for (TiffField& pointer : append_exif(block, 0, std::move(exif))) fields.push_back(std::move(pointer));
  const uint32_t first = append_folder(block, 0, std::move(fields), 0);
  std::memcpy(block.data() + 4, &first, sizeof(first));
  const Bytes bytes = std::as_bytes(std::span(block));
  return {bytes.begin(), bytes.end()};
}

std::string without_thumbnail(std::string exif) {
  const size_t start = exif.starts_with(kStart) ? kStart.size() : 0;
  std::istringstream stream(exif.substr(start));
  TiffFolders folders(stream);
  const uint64_t link = folders.first() == 0 ? 0 : folders.link_of(folders.first());
  constexpr size_t kLinkBytes = 4;
  if (link != 0 && link + kLinkBytes <= exif.size() - start) exif.replace(start + link, kLinkBytes, kLinkBytes, '\0');
  return exif;
}

void add_exif_to_tiff(const std::filesystem::path& tiff, Bytes exif, int64_t width, int64_t height) {
  std::string block(reinterpret_cast<const char*>(exif.data()), exif.size());
  if (block.starts_with(kStart)) block.erase(0, kStart.size());
  std::istringstream stream(block);
  ExifFields found = read_exif(stream);

  std::fstream file(tiff, std::ios::binary | std::ios::in | std::ios::out);
  const auto read = [&](size_t at, size_t count) {
    std::vector<unsigned char> bytes(count);
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count))) {
      fail(ErrorCode::io, "reading '{}' again to add EXIF failed", tiff.string());
    }
    return bytes;
  };
  // The file's own folder in the machine's byte order, as libtiff writes it; its values stay where they are.
  const uint32_t main_folder = get<uint32_t>(read(4, 4).data());
  const size_t count = get<uint16_t>(read(main_folder, 2).data());
  const std::vector<unsigned char> folder = read(main_folder + 2, kFieldBytes * count + 4);
  std::vector<TiffField> fields;
  for (size_t at = 0; at < kFieldBytes * count; at += kFieldBytes) {
    const unsigned char* const field = folder.data() + at;
    fields.push_back(
        {get<uint16_t>(field), get<uint16_t>(field + 2), get<uint32_t>(field + 4), {field + 8, field + 12}});
  }
  for (TiffField& text : found.texts) {
    const bool known =
        std::any_of(fields.begin(), fields.end(), [&](const TiffField& field) { return field.tag == text.tag; });
    if (!known) fields.push_back(std::move(text));
  }
  for (TiffField& field : found.details) {
    if (field.tag == kPixelXDimension) field = number_field(field.tag, static_cast<uint32_t>(width));
    if (field.tag == kPixelYDimension) field = number_field(field.tag, static_cast<uint32_t>(height));
  }

  file.seekg(0, std::ios::end);
  const auto end = static_cast<size_t>(file.tellg());
  std::vector<unsigned char> added(end % 2);  // folders begin at even offsets
  for (TiffField& pointer : append_exif(added, end, std::move(found))) fields.push_back(std::move(pointer));
  const auto next_page = get<uint32_t>(folder.data() + kFieldBytes * count);
  const uint32_t first = append_folder(added, end, std::move(fields), next_page);

  file.seekp(static_cast<std::streamoff>(end));
  file.write(reinterpret_cast<const char*>(added.data()), static_cast<std::streamsize>(added.size()));
  file.seekp(4);
  file.write(reinterpret_cast<const char*>(&first), sizeof(first));
  file.close();
  if (!file) fail(ErrorCode::io, "writing EXIF to '{}' failed", tiff.string());
}

}  // namespace fsrcnn
