#include "picture/camera_raw.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr uint16_t kSubfileType = 254, kWidth = 256, kHeight = 257, kCompression = 259, kPhotometric = 262,
                   kSubFolders = 330, kCfaPattern = 33422, kDngVersion = 50706;

struct Signature {
  size_t at;
  std::string_view bytes;
};

/// Those that are no TIFF, or a TIFF with a signature of its own: RAF, RW2, ORF (three), X3F, MRW, CRW, CR3, CR2, IIQ
/// (two).
constexpr std::array<Signature, 12> kSignatures = {{{0, "FUJIFILMCCD-RAW"},
                                                    {0, {"IIU\0", 4}},
                                                    {0, "IIRO"},
                                                    {0, "IIRS"},
                                                    {0, "MMOR"},
                                                    {0, "FOVb"},
                                                    {0, {"\0MRM", 4}},
                                                    {6, "HEAPCCDR"},
                                                    {4, "ftypcrx "},
                                                    {0, {"II*\0\x10\0\0\0CR\2", 11}},
                                                    {8, "IIIITwaR"},
                                                    {8, "MMMMRawT"}}};

/// Photometric interpretations of a sensor's samples: through a colour filter array (TIFF/EP), and "LinearRaw" (DNG).
constexpr std::array<uint64_t, 2> kSensorColours = {32803, 34892};

/// Compressions of cameras: Kodak's 262 and 65000, Sony's 32767, Epson's 32769, Samsung's 32770 and 32772, Nikon's
/// 34713, DNG's lossy JPEG 34892, Pentax' 65535.
constexpr std::array<uint64_t, 9> kCameraCompressions = {262, 32767, 32769, 32770, 32772, 34713, 34892, 65000, 65535};

bool is_wanted(const TiffField& field) {
  constexpr std::array kWanted = {kSubfileType, kWidth,      kHeight,     kCompression,
                                  kPhotometric, kSubFolders, kCfaPattern, kDngVersion};
  return std::find(kWanted.begin(), kWanted.end(), field.tag) != kWanted.end();
}

std::vector<uint64_t> numbers_of(const TiffField& field) {
  std::vector<uint64_t> numbers;
  const auto add = [&]<class T>(T) {
    for (size_t at = 0; at + sizeof(T) <= field.value.size(); at += sizeof(T)) {
      numbers.push_back(get<T>(field.value.data() + at));
    }
  };
  switch (field.type) {
    case 1: add(uint8_t()); break;
    case 3: add(uint16_t()); break;
    case 4:
    case 13: add(uint32_t()); break;
    case 16:
    case 18: add(uint64_t()); break;
    default: break;
  }
  return numbers;
}

/// What a folder of a TIFF says of its image.
struct Folder {
  bool is_reduced = false, is_raw = false;
  uint64_t width = 0, height = 0;
  std::vector<uint64_t> below;  ///< where its subfolders begin
};

template <size_t N>
bool is_in(const std::array<uint64_t, N>& list, uint64_t number) {
  return std::find(list.begin(), list.end(), number) != list.end();
}

Folder read_folder(TiffFolders& folders, uint64_t at) {
  constexpr size_t kMostBytes = 4096;
  Folder folder;
  for (const TiffField& field : folders.read(at, kMostBytes, is_wanted)) {
    const std::vector<uint64_t> numbers = numbers_of(field);
    const uint64_t number = numbers.empty() ? 0 : numbers.front();
    switch (field.tag) {
      case kSubfileType: folder.is_reduced = (number & 1) != 0; break;
      case kWidth: folder.width = number; break;
      case kHeight: folder.height = number; break;
      case kCompression: folder.is_raw = folder.is_raw || is_in(kCameraCompressions, number); break;
      case kPhotometric: folder.is_raw = folder.is_raw || is_in(kSensorColours, number); break;
      case kSubFolders: folder.below = numbers; break;
      default: folder.is_raw = true;  // the pattern of the filters, or DNG's version
    }
  }
  return folder;
}

bool is_raw_tiff(std::istream& file) {
  constexpr size_t kMostFolders = 64;
  TiffFolders folders(file);
  std::unordered_set<uint64_t> seen;
  for (uint64_t at = folders.first(); at != 0 && seen.size() < kMostFolders && seen.insert(at).second;
       at = folders.next(at)) {
    const Folder folder = read_folder(folders, at);
    if (folder.is_raw) return true;
    for (const uint64_t inner : folder.below) {
      if (seen.size() >= kMostFolders || !seen.insert(inner).second) continue;
      const Folder below = read_folder(folders, inner);
      // The picture is below its own thumbnail; an ordinary TIFF has it the other way round.
      const bool is_larger = below.width > folder.width && below.height > folder.height;
      if (below.is_raw || (at == folders.first() && folder.is_reduced && is_larger)) return true;
    }
  }
  return false;
}

}  // namespace

bool is_camera_raw(std::istream& file) {
  std::string start(16, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(file.gcount()));
  for (const auto& [at, bytes] : kSignatures) {
    if (start.size() >= at + bytes.size() && start.compare(at, bytes.size(), bytes) == 0) return true;
  }
  file.clear();
  file.seekg(0);
  return is_raw_tiff(file);
}

}  // namespace fsrcnn
