#include "picture/tiff_pages.hpp"

#include <cstdint>
#include <unordered_set>

#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr uint16_t kNewSubfileType = 254, kSubfileType = 255, kBitsPerSample = 258, kCompression = 259,
                   kPhotometric = 262, kOrientation = 274, kExtraSamples = 338, kSampleFormat = 339;
constexpr uint32_t kJpeg = 7, kYcbcr = 6, kFloat = 3;

bool is_wanted(const TiffField& field) {
  return field.tag == kNewSubfileType || field.tag == kSubfileType || field.tag == kBitsPerSample ||
         field.tag == kSampleFormat || field.tag == kCompression || field.tag == kPhotometric ||
         field.tag == kOrientation || field.tag == kExtraSamples;
}

/// The first of a field's numbers, which may have 1, 2 or 4 bytes; else 0.
uint32_t number_of(const TiffField& field) {
  const unsigned char* const value = field.value.data();
  switch (field.type) {
    case 1: return get<uint8_t>(value);
    case 3: return get<uint16_t>(value);
    case 4: return get<uint32_t>(value);
    default: return 0;
  }
}

TiffPage page_of(const std::vector<TiffField>& fields) {
  TiffPage page;
  uint32_t bits = 1, format = 1;
  for (const TiffField& field : fields) {
    const uint32_t number = number_of(field);
    switch (field.tag) {
      case kNewSubfileType: page.is_reduced = (number & 1) != 0; break;
      case kSubfileType: page.is_reduced = page.is_reduced || number == 2; break;
      case kBitsPerSample: bits = number; break;
      case kSampleFormat: format = number; break;
      case kCompression: page.compression = static_cast<uint16_t>(number); break;
      case kPhotometric: page.white_is_zero = number == 0, page.is_ycbcr = number == kYcbcr; break;
      case kOrientation: page.orientation = number >= 1 && number <= 8 ? static_cast<int>(number) : 1; break;
      default: page.alpha_is_applied = number == 1, page.extra_is_data = number == 0;
    }
  }
  page.is_ycbcr = page.is_ycbcr && page.compression != kJpeg;
  page.is_half = bits == 16 && format == kFloat;
  return page;
}

}  // namespace

std::vector<TiffPage> tiff_pages(std::istream& file, size_t most) {
  constexpr size_t kMostBytes = 256;  // of all the wanted fields
  TiffFolders folders(file);
  std::vector<TiffPage> pages;
  std::unordered_set<uint64_t> seen;
  for (uint64_t at = folders.first(); at != 0 && pages.size() < most && seen.insert(at).second; at = folders.next(at)) {
    const std::vector<TiffField> fields = folders.read(at, kMostBytes, is_wanted);
    if (fields.empty()) break;
    pages.push_back(page_of(fields));
  }
  return pages;
}

}  // namespace fsrcnn
