#include "picture/exif_in_tiff.hpp"

#include <libexif/exif-data.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr uint16_t kExifFolder = 0x8769, kGpsFolder = 0x8825, kInteroperabilityFolder = 0xA005;
constexpr uint16_t kPixelXDimension = 0xA002, kPixelYDimension = 0xA003;
constexpr uint16_t kLong = 4;
constexpr size_t kFieldBytes = 12, kInlineBytes = 4;

/// A field of a folder (IFD), in the machine's byte order, which libtiff writes too.
struct Field {
  uint16_t tag = 0, type = 0;
  uint32_t count = 0;
  std::vector<unsigned char> value;  ///< or, of those that are in the file already, the offset of the value
};

template <class T>
void put(std::vector<unsigned char>& to, T value) {
  const auto bytes = std::bit_cast<std::array<unsigned char, sizeof(T)>>(value);
  for (const unsigned char byte : bytes) to.push_back(byte);
}

template <class T>
T get(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

Field number(uint16_t tag, uint32_t value) {
  Field field{tag, kLong, 1, {}};
  put(field.value, value);
  return field;
}

std::vector<Field> fields_of(const ExifContent* content) {
  std::vector<Field> fields;
  for (const ExifEntry* entry : std::span(content->entries, content->count)) {
    const size_t bytes = size_t{exif_format_get_size(entry->format)} * entry->components;
    if (entry->data == nullptr || bytes == 0 || bytes > entry->size) continue;
    fields.push_back({static_cast<uint16_t>(entry->tag),
                      static_cast<uint16_t>(entry->format),
                      static_cast<uint32_t>(entry->components),
                      {entry->data, entry->data + bytes}});
  }
  return fields;
}

/// Appends a folder and its values to what will lie at `offset` of the file; returns where in the file it begins.
uint32_t append_folder(std::vector<unsigned char>& bytes, size_t offset, std::vector<Field> fields, uint32_t next) {
  std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.tag < b.tag; });
  const size_t begin = bytes.size();
  size_t values = offset + begin + 2 + kFieldBytes * fields.size() + 4;
  put(bytes, static_cast<uint16_t>(fields.size()));
  std::vector<unsigned char> tail;
  for (Field& field : fields) {
    put(bytes, field.tag);
    put(bytes, field.type);
    put(bytes, field.count);
    if (field.value.size() <= kInlineBytes) {
      field.value.resize(kInlineBytes);
      bytes.insert(bytes.end(), field.value.begin(), field.value.end());
    } else {
      put(bytes, static_cast<uint32_t>(values + tail.size()));
      tail.insert(tail.end(), field.value.begin(), field.value.end());
      if (tail.size() % 2 == 1) tail.push_back(0);  // values begin at even offsets
    }
  }
  put(bytes, next);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return static_cast<uint32_t>(offset + begin);
}

struct Unref {
  void operator()(ExifData* data) const { exif_data_unref(data); }
};

}  // namespace

void add_exif_to_tiff(const std::filesystem::path& tiff, Bytes exif, int64_t width, int64_t height) {
  // libexif wants the start that only JPEG has.
  constexpr std::string_view kStart("Exif\0\0", 6);
  std::string block(reinterpret_cast<const char*>(exif.data()), exif.size());
  if (!block.starts_with(kStart)) block.insert(0, kStart);
  const std::unique_ptr<ExifData, Unref> data(exif_data_new());
  exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data.get(), reinterpret_cast<const unsigned char*>(block.data()),
                      static_cast<unsigned int>(block.size()));
  constexpr bool kLittle = std::endian::native == std::endian::little;
  exif_data_set_byte_order(data.get(), kLittle ? EXIF_BYTE_ORDER_INTEL : EXIF_BYTE_ORDER_MOTOROLA);

  std::fstream file(tiff, std::ios::binary | std::ios::in | std::ios::out);
  const auto read = [&](size_t at, size_t count) {
    std::vector<unsigned char> bytes(count);
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count))) {
      fail(ErrorCode::io, "'{}' cannot be read again to add EXIF data", tiff.string());
    }
    return bytes;
  };
  const uint32_t main_folder = get<uint32_t>(read(4, 4).data());
  const size_t count = get<uint16_t>(read(main_folder, 2).data());
  const std::vector<unsigned char> folder = read(main_folder + 2, kFieldBytes * count + 4);
  std::vector<Field> fields;
  for (size_t at = 0; at < kFieldBytes * count; at += kFieldBytes) {
    const unsigned char* const field = folder.data() + at;
    fields.push_back(
        {get<uint16_t>(field), get<uint16_t>(field + 2), get<uint32_t>(field + 4), {field + 8, field + 12}});
  }
  for (Field& text : fields_of(data->ifd[EXIF_IFD_0])) {
    const bool known =
        std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.tag == text.tag; });
    if (!known && text.type == EXIF_FORMAT_ASCII) fields.push_back(std::move(text));
  }

  file.seekg(0, std::ios::end);
  const auto end = static_cast<size_t>(file.tellg());
  std::vector<unsigned char> added(end % 2);  // folders begin at even offsets
  std::vector<Field> details = fields_of(data->ifd[EXIF_IFD_EXIF]);
  for (Field& field : details) {
    if (field.tag == kPixelXDimension) field = number(field.tag, static_cast<uint32_t>(width));
    if (field.tag == kPixelYDimension) field = number(field.tag, static_cast<uint32_t>(height));
  }
  std::vector<Field> interoperability = fields_of(data->ifd[EXIF_IFD_INTEROPERABILITY]);
  std::vector<Field> gps = fields_of(data->ifd[EXIF_IFD_GPS]);
  if (!interoperability.empty()) {
    details.push_back(number(kInteroperabilityFolder, append_folder(added, end, std::move(interoperability), 0)));
  }
  if (!details.empty()) fields.push_back(number(kExifFolder, append_folder(added, end, std::move(details), 0)));
  if (!gps.empty()) fields.push_back(number(kGpsFolder, append_folder(added, end, std::move(gps), 0)));
  const auto next_page = get<uint32_t>(folder.data() + kFieldBytes * count);
  const uint32_t first = append_folder(added, end, std::move(fields), next_page);

  file.seekp(static_cast<std::streamoff>(end));
  file.write(reinterpret_cast<const char*>(added.data()), static_cast<std::streamsize>(added.size()));
  file.seekp(4);
  file.write(reinterpret_cast<const char*>(&first), sizeof(first));
  file.close();
  if (!file) fail(ErrorCode::io, "writing EXIF data to '{}' failed", tiff.string());
}

}  // namespace fsrcnn
