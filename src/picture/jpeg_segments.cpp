#include "picture/jpeg_segments.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <sstream>
#include <utility>

#include "picture/boxes.hpp"
#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

constexpr int kSoi = 0xD8, kSos = 0xDA, kEoi = 0xD9, kApp0 = 0xE0, kApp1 = 0xE1, kApp2 = 0xE2, kApp3 = 0xE3,
              kApp5 = 0xE5, kApp6 = 0xE6, kApp12 = 0xEC, kApp13 = 0xED, kCom = 0xFE;
constexpr std::string_view kExif("Exif\0\0", 6), kXmp("http://ns.adobe.com/xap/1.0/\0", 29),
    kXmpExtension("http://ns.adobe.com/xmp/extension/\0", 35), kPhotoshop("Photoshop 3.0\0", 14), kJfif("JFIF\0", 5),
    kPictures("MPF\0", 4), kGainMap("urn:iso:std:iso:ts:21496:-1\0", 28);
constexpr size_t kMostContent = 65533, kGuidBytes = 32, kExtensionHead = kXmpExtension.size() + kGuidBytes + 8;

/// What camera makers keep beside EXIF: Canon's CIFF, Casio's QVCI, Kodak's "Meta", Ricoh's and GoPro's, texts of Agfa,
/// Olympus and others. Not what describes samples that are not there any more, such as a thermal camera's.
bool is_makers(int marker, std::string_view content) {
  switch (marker) {
    case kApp0: return content.substr(0, 14).find("HEAPJPGM") != std::string_view::npos;
    case kApp1: return content.starts_with("QVCI");
    case kApp5: return content.starts_with("RMETA");
    case kApp6: return content.starts_with("GoPro");
    case kApp3: return content.starts_with("Meta") || content.starts_with("META");
    case kApp12: return !content.starts_with("Ducky");  // that is the quality of the encoder before
    default: return false;
  }
}

/// Parts of extended XMP, by the name that the main packet has for it (XMP specification, part 3, 1.1.3.1).
class Extensions {
 public:
  void add(std::string_view content) {
    constexpr uint64_t kMostBytes = 64 << 20;
    if (content.size() < kExtensionHead) return;
    std::istringstream head(std::string(content.substr(kXmpExtension.size() + kGuidBytes, 8)));
    const uint64_t all = read_big_endian(head, 4), at = read_big_endian(head, 4);
    const std::string_view part = content.substr(kExtensionHead);
    if (all > kMostBytes || at > all || part.size() > all - at) return;
    Extension& extension = extensions_[std::string(content.substr(kXmpExtension.size(), kGuidBytes))];
    if (extension.bytes.empty()) extension.bytes.resize(all);
    if (extension.bytes.size() != all || extensions_.size() > 4) return;
    extension.bytes.replace(at, part.size(), part);
    extension.present += part.size();
  }
  /// The one that the packet names, if it is whole.
  void move_to(EmbeddedMetadata& metadata) {
    for (auto& [guid, extension] : extensions_) {
      if (extension.present != extension.bytes.size() || metadata.xmp.find(guid) == std::string::npos) continue;
      metadata.xmp_guid = guid;
      metadata.xmp_extension = std::move(extension.bytes);
      return;
    }
  }

 private:
  struct Extension {
    std::string bytes;
    size_t present = 0;
  };
  std::map<std::string, Extension> extensions_;
};

/// The pictures of an index (CIPA DC-007, 5.2.3) after the first, but for previews of it.
int further_pictures(const std::string& index) {
  constexpr uint16_t kEntries = 0xB002;
  constexpr size_t kMostBytes = 4096, kEntryBytes = 16;
  std::istringstream stream(index);
  TiffFolders folders(stream);
  if (folders.first() == 0) return 0;
  int count = 0;
  const auto is_list = [](const TiffField& field) { return field.tag == kEntries; };
  for (const TiffField& list : folders.read(folders.first(), kMostBytes, is_list)) {
    // Of bytes, so that their order is the index's.
    const bool little = index.starts_with("II");
    for (size_t at = kEntryBytes; at + kEntryBytes <= list.value.size(); at += kEntryBytes) {
      constexpr unsigned kPreview = 1;
      if ((list.value[at + (little ? 2 : 1)] & 0x0F) != kPreview) ++count;
    }
  }
  return count;
}

void put(std::string& to, int marker, std::string_view name, std::string_view content) {
  const size_t bytes = name.size() + content.size() + 2;
  if (bytes - 2 > kMostContent) return;
  to += {'\xFF', static_cast<char>(marker), static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
  to += name;
  to += content;
}

std::string segments_of(const EmbeddedMetadata& metadata) {
  std::string all;
  if (!metadata.exif.empty()) put(all, kApp1, kExif, metadata.exif);
  if (!metadata.xmp.empty()) put(all, kApp1, kXmp, metadata.xmp);
  constexpr size_t kPart = 65000;
  const std::string& extension = metadata.xmp_extension;
  for (size_t at = 0; metadata.xmp_guid.size() == kGuidBytes && at < extension.size(); at += kPart) {
    const std::string head = metadata.xmp_guid + big_endian(extension.size()) + big_endian(at);
    put(all, kApp1, kXmpExtension, head + extension.substr(at, kPart));
  }
  for (size_t at = 0; at < metadata.photoshop.size(); at += kPart) {
    put(all, kApp13, kPhotoshop, std::string_view(metadata.photoshop).substr(at, kPart));
  }
  for (const std::string& segment : metadata.jpeg_segments) {
    if (!segment.empty()) put(all, static_cast<unsigned char>(segment[0]), "", std::string_view(segment).substr(1));
  }
  for (const std::string& comment : metadata.comments) put(all, kCom, "", comment);
  return all;
}

}  // namespace

bool walk_jpeg(std::istream& file, const std::function<void(int marker, std::string content, size_t begin)>& visit) {
  if (file.get() != 0xFF || file.get() != kSoi) return false;
  for (;;) {
    const auto begin = static_cast<size_t>(file.tellg());
    if (file.get() != 0xFF) return false;
    int marker = 0xFF;
    while (marker == 0xFF) marker = file.get();  // any number of them may come first
    if (!file || marker == kEoi) return false;
    if (marker == kSos) {
      visit(marker, "", begin);
      return true;
    }
    const uint64_t bytes = read_big_endian(file, 2);
    if (!file || bytes < 2) return false;
    std::string content = read_text(file, bytes - 2);
    if (content.size() != bytes - 2) return false;
    visit(marker, std::move(content), begin);
  }
}

JpegSegments jpeg_segments(std::istream& file) {
  constexpr size_t kMostSegments = 100;
  JpegSegments segments;
  EmbeddedMetadata& metadata = segments.metadata;
  Extensions extensions;
  walk_jpeg(file, [&](int marker, std::string content, size_t) {
    const std::string_view view = content;
    if (marker == kApp0 && view.starts_with(kJfif)) {
      constexpr size_t kUnit = 7;
      if (content.size() > kUnit && content[kUnit] != 0) segments.states_resolution = true;
    } else if (marker == kApp1 && view.starts_with(kExif)) {
      if (metadata.exif.empty()) metadata.exif = view.substr(kExif.size());
    } else if (marker == kApp1 && view.starts_with(kXmp)) {
      if (metadata.xmp.empty()) metadata.xmp = view.substr(kXmp.size());
    } else if (marker == kApp1 && view.starts_with(kXmpExtension)) {
      extensions.add(view);
    } else if (marker == kApp2 && view.starts_with(kPictures)) {
      segments.further_pictures = further_pictures(content.substr(kPictures.size()));
    } else if (marker == kApp2 && view.starts_with(kGainMap)) {
      segments.has_gain_map = true;
    } else if (marker == kApp13 && view.starts_with(kPhotoshop)) {
      metadata.photoshop += view.substr(kPhotoshop.size());
    } else if (marker == kCom && metadata.comments.size() < kMostSegments) {
      metadata.comments.push_back(std::move(content));
    } else if (is_makers(marker, view) && metadata.jpeg_segments.size() < kMostSegments) {
      metadata.jpeg_segments.push_back(static_cast<char>(marker) + content);
    }
  });
  extensions.move_to(metadata);
  const auto says = [&](std::string_view text) { return metadata.xmp.find(text) != std::string::npos; };
  segments.has_gain_map = segments.has_gain_map || says("hdrgm:Version") || says("HDRGainMap");
  segments.has_film = says("GCamera:MotionPhoto=\"1\"") || says("GCamera:MicroVideo=\"1\"") ||
                      says("Camera:MotionPhoto>1<") || says("Camera:MicroVideo>1<");
  return segments;
}

std::optional<std::string> jpeg_with_metadata(const std::string& begun, const EmbeddedMetadata& metadata,
                                              const std::optional<std::pair<int, int>>& density) {
  std::istringstream stream(begun);
  std::string head = begun.substr(0, 2), rest;
  if (density) {
    const auto [x, y] = *density;
    std::string content{1, 1, 1};  // version 1.1, dots per inch
    for (const int dots : {x, y}) content += {static_cast<char>(dots >> 8), static_cast<char>(dots)};
    put(head, kApp0, kJfif, content + std::string(2, '\0'));  // no thumbnail
  }
  size_t scan = 0;
  const bool whole = walk_jpeg(stream, [&](int marker, const std::string& content, size_t begin) {
    if (marker == kSos) scan = begin;
    if (marker == kApp0 && !density) put(head, marker, "", content);
    // libvips makes EXIF up where there is none.
    if (marker != kSos && marker != kApp0 && marker != kApp1 && marker != kApp13) put(rest, marker, "", content);
  });
  if (!whole) return std::nullopt;
  return head + segments_of(metadata) + rest + begun.substr(scan);
}

}  // namespace fsrcnn
