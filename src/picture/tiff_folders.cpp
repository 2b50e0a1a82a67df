#include "picture/tiff_folders.hpp"

#include <algorithm>
#include <span>

namespace fsrcnn {
namespace {

constexpr size_t kFieldBytes = 12, kInlineBytes = 4;

/// Bytes of each of a type's numbers, and how many of them a value of it has; 0 if it is unknown.
struct TypeSize {
  size_t bytes, numbers;
};

TypeSize size_of(uint16_t type) {
  constexpr std::array<TypeSize, 19> kSizes = {{{0, 0},
                                                {1, 1},
                                                {1, 1},
                                                {2, 1},
                                                {4, 1},
                                                {4, 2},
                                                {1, 1},
                                                {1, 1},
                                                {2, 1},
                                                {4, 1},
                                                {4, 2},
                                                {4, 1},
                                                {8, 1},
                                                {4, 1},
                                                {0, 0},
                                                {0, 0},
                                                {8, 1},
                                                {8, 1},
                                                {8, 1}}};
  return type < kSizes.size() ? kSizes[type] : TypeSize{0, 0};
}

}  // namespace

template <class T>
T TiffFolders::read_number() {
  std::array<unsigned char, sizeof(T)> bytes{};
  file_.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
  if (swapped_) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

TiffFolders::TiffFolders(std::istream& file) : file_(file) {
  constexpr uint16_t kLittle = 0x4949, kBig = 0x4D4D;  // "II" and "MM"
  const auto order = read_number<uint16_t>();
  swapped_ = (order == kBig) == (std::endian::native == std::endian::little);
  const auto version = read_number<uint16_t>();
  if (!file_ || (order != kLittle && order != kBig) || (version != 42 && version != 43)) return;
  big_ = version == 43;
  if (big_) read_number<uint32_t>();  // the size of offsets, always 8
  first_ = big_ ? read_number<uint64_t>() : read_number<uint32_t>();
  if (!file_) first_ = 0;
}

uint64_t TiffFolders::link_of(uint64_t offset) {
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  const uint64_t count = big_ ? read_number<uint64_t>() : read_number<uint16_t>();
  if (!file_ || count > UINT16_MAX) return 0;
  return offset + (big_ ? 8 + 20 * count : 2 + kFieldBytes * count);
}

uint64_t TiffFolders::next(uint64_t offset) {
  const uint64_t link = link_of(offset);
  file_.seekg(static_cast<std::streamoff>(link));
  const uint64_t next = big_ ? read_number<uint64_t>() : read_number<uint32_t>();
  return file_ && link != 0 ? next : 0;
}

std::vector<TiffField> TiffFolders::read(uint64_t offset, size_t most_bytes, bool (*wanted)(const TiffField&)) {
  constexpr uint64_t kMostFields = 4096;
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  const uint64_t count = big_ ? read_number<uint64_t>() : read_number<uint16_t>();
  std::vector<TiffField> fields;
  for (uint64_t i = 0; file_ && i < std::min(count, kMostFields); ++i) {
    TiffField field{read_number<uint16_t>(), read_number<uint16_t>(), 0, {}};
    const uint64_t values = big_ ? read_number<uint64_t>() : read_number<uint32_t>();
    const std::streamoff place = file_.tellg();
    const uint64_t value_offset = big_ ? read_number<uint64_t>() : read_number<uint32_t>();
    if (!file_) break;
    const std::streamoff next = file_.tellg();
    const auto [bytes, numbers] = size_of(field.type);
    if (!wanted(field) || bytes == 0 || values == 0 || values > most_bytes / (bytes * numbers)) continue;
    field.count = static_cast<uint32_t>(values);
    field.value.resize(values * bytes * numbers);
    const bool stands_here = field.value.size() <= (big_ ? 8 : kInlineBytes);
    file_.seekg(stands_here ? place : static_cast<std::streamoff>(value_offset));
    file_.read(reinterpret_cast<char*>(field.value.data()), static_cast<std::streamsize>(field.value.size()));
    const bool whole = static_cast<bool>(file_);
    file_.clear();
    file_.seekg(next);
    if (!whole) continue;
    for (size_t at = 0; swapped_ && at < field.value.size(); at += bytes) {
      std::reverse(field.value.begin() + static_cast<ptrdiff_t>(at),
                   field.value.begin() + static_cast<ptrdiff_t>(at + bytes));
    }
    most_bytes -= field.value.size();
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace fsrcnn
