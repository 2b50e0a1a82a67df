#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "picture/tiff_folders.hpp"

// TIFFs that libvips does not write, made field by field.

namespace fsrcnn::test {

inline constexpr uint16_t kSubfileType = 254, kWidth = 256, kHeight = 257, kBits = 258, kPhotometric = 262,
                          kStrips = 273, kOrientation = 274, kSamples = 277, kRows = 278, kStripBytes = 279,
                          kExtraSamples = 338, kSampleFormat = 339;

/// A field of one number of 32 bits.
inline TiffField number_field(uint16_t tag, uint32_t value) {
  constexpr uint16_t kLong = 4;
  TiffField field{tag, kLong, 1, {}};
  put(field.value, value);
  return field;
}

/// Appends a folder and its values to what will lie at `offset` of a file; returns where in the file it begins.
/// `next` is where the next folder begins, or 0.
inline uint32_t append_folder(std::vector<unsigned char>& bytes, size_t offset, std::vector<TiffField> fields,
                              uint32_t next) {
  constexpr size_t kFieldBytes = 12, kInlineBytes = 4;
  std::sort(fields.begin(), fields.end(), [](const TiffField& a, const TiffField& b) { return a.tag < b.tag; });
  const size_t begin = bytes.size();
  const size_t values = offset + begin + 2 + kFieldBytes * fields.size() + 4;
  put(bytes, static_cast<uint16_t>(fields.size()));
  std::vector<unsigned char> tail;
  for (TiffField& field : fields) {
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

/// A page of a TIFF, whose fields are these and those that every page needs.
struct TiffPageText {
  uint32_t width = 1, height = 1;
  std::vector<std::pair<uint16_t, uint32_t>> fields;
  std::vector<TiffField> others = {};    ///< of any type
  std::vector<TiffField> replaced = {};  ///< in place of those that it would have
};

/// Samples for pages of up to 8x8 pixels.
inline const std::vector<unsigned char> kBlackSamples(64);

/// All pages have the same samples: bytes, or floats of so many channels.
template <class Sample>
std::string tiff_of(const std::vector<TiffPageText>& pages, const std::vector<Sample>& samples, uint32_t channels = 1) {
  std::vector<unsigned char> bytes;
  put<uint16_t>(bytes, std::endian::native == std::endian::little ? 0x4949 : 0x4D4D);
  put<uint16_t>(bytes, 42);
  put<uint32_t>(bytes, 0);
  const auto strip = static_cast<uint32_t>(bytes.size());
  for (const Sample sample : samples) put(bytes, sample);
  if (bytes.size() % 2 == 1) bytes.push_back(0);
  uint32_t first = 0;
  for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
    const auto strip_bytes = static_cast<uint32_t>(page->width * page->height * channels * sizeof(Sample));
    std::vector<TiffField> fields = {number_field(kWidth, page->width), number_field(kHeight, page->height),
                                     number_field(kStrips, strip),      number_field(kSamples, channels),
                                     number_field(kRows, page->height), number_field(kStripBytes, strip_bytes)};
    TiffField bits{kBits, 3, channels, {}}, format{kSampleFormat, 3, channels, {}};
    for (uint32_t i = 0; i < channels; ++i) {
      put<uint16_t>(bits.value, 8 * sizeof(Sample));
      put<uint16_t>(format.value, std::is_same_v<Sample, float> ? 3 : 1);
    }
    fields.push_back(bits);
    fields.push_back(format);
    fields.insert(fields.end(), page->others.begin(), page->others.end());
    bool has_photometric = false;
    for (const auto& [tag, value] : page->fields) {
      fields.push_back(number_field(tag, value));
      has_photometric = has_photometric || tag == kPhotometric;
    }
    if (!has_photometric) fields.push_back(number_field(kPhotometric, channels >= 3 ? 2 : 1));
    for (TiffField& field : fields) {
      for (const TiffField& other : page->replaced) {
        if (field.tag == other.tag) field = other;
      }
    }
    first = append_folder(bytes, 0, std::move(fields), first);
  }
  std::memcpy(bytes.data() + 4, &first, sizeof(first));
  return {bytes.begin(), bytes.end()};
}

}  // namespace fsrcnn::test
