#include "picture/picture_format.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <system_error>
#include <vector>

#include <fmt/ranges.h>

#include "base/file.hpp"
#include "picture/camera_raw.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

/// The first bytes of a file; those beyond its end are 0.
class Start {
 public:
  explicit Start(std::string_view bytes) : bytes_(bytes) {}
  bool has(size_t at, std::string_view expected) const {
    return at + expected.size() <= bytes_.size() && bytes_.substr(at, expected.size()) == expected;
  }
  unsigned byte(size_t at) const { return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0; }
  uint32_t little(size_t at, size_t count) const {
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | byte(at + i);
    return value;
  }
  std::string_view text() const { return bytes_; }

 private:
  std::string_view bytes_;
};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// A name from P1 to P6, Pf or PF, then numbers, between which there are spaces and comments.
bool is_ppm(const Start& start) {
  const std::string_view text = start.text();
  if (text.size() < 3 || text[0] != 'P' || std::string_view("123456fF").find(text[1]) == std::string_view::npos) {
    return false;
  }
  size_t at = 2;
  for (int numbers = 0; numbers < 2; ++numbers) {
    const size_t before = at;
    while (at < text.size() && (is_space(text[at]) || text[at] == '#')) {
      at = text[at] == '#' ? std::min(text.find('\n', at), text.size()) : at + 1;
    }
    const size_t digits = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) ++at;
    if (digits == before || digits == at) return false;
  }
  return at < text.size() && (is_space(text[at]) || text[at] == '#');
}

/// Bits as digits, which libvips takes for one number if there are no blanks between them.
bool is_bitmap_text(const Start& start) { return start.has(0, "P1") && is_ppm(start); }

/// A program in C: "#define NAME_width 64".
bool is_xbm(const Start& start) {
  const std::string_view text = start.text();
  const size_t define = text.find("#define "), width = text.find("_width ", define);
  return define != std::string_view::npos && text.find('\n', define) > width && width != std::string_view::npos;
}

bool is_pam(const Start& start) {
  return start.has(0, "P7\n") && start.text().find("\nENDHDR\n") != std::string_view::npos;
}

/// Windows' bitmap, whose second header says its size: those of OS/2, of Windows 3, 95 and later.
bool is_bmp(const Start& start) {
  constexpr std::array<uint32_t, 8> kHeaderBytes = {12, 16, 40, 52, 56, 64, 108, 124};
  return start.has(0, "BM") &&
         std::find(kHeaderBytes.begin(), kHeaderBytes.end(), start.little(14, 4)) != kHeaderBytes.end();
}

bool is_ico(const Start& start) {
  constexpr std::string_view kIcons("\0\0\1\0", 4);
  const uint32_t count = start.little(4, 2);
  return start.has(0, kIcons) && count > 0 && start.byte(9) == 0 && start.little(14, 4) > 0 &&
         start.little(18, 4) >= 6 + 16 * count;
}

bool is_tga(const Start& start) {
  constexpr std::string_view kTypes("\1\2\3\x09\x0A\x0B"), kBits("\x08\x0F\x10\x18\x20");
  const auto is_in = [&](size_t at, std::string_view list) {
    return list.find(static_cast<char>(start.byte(at))) != std::string_view::npos;
  };
  return start.byte(1) <= 1 && is_in(2, kTypes) && is_in(16, kBits) && start.little(12, 2) > 0 &&
         start.little(14, 2) > 0;
}

bool is_pcx(const Start& start) {
  return start.byte(0) == 10 && start.byte(1) <= 5 && start.byte(2) <= 1 && start.byte(3) > 0 && start.byte(3) <= 8;
}

bool is_sgi(const Start& start) {
  return start.has(0, "\x01\xDA") && start.byte(2) <= 1 && (start.byte(3) == 1 || start.byte(3) == 2);
}

/// The brands of a file like MP4 (ISO/IEC 14496-12), the major one first.
std::vector<std::string_view> brands_of(const Start& start) {
  if (!start.has(4, "ftyp")) return {};
  const std::string_view text = start.text();
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) size = size << 8 | start.byte(i);
  std::vector<std::string_view> brands;
  for (size_t at = 8; at + 4 <= std::min(size, text.size()); at += at == 8 ? 8 : 4)
    brands.push_back(text.substr(at, 4));
  return brands;
}

/// Still pictures of MIAF, HEIC and AVIF (ISO/IEC 23008-12). Those that say so in second place are still ones, too.
bool is_heif(const Start& start) {
  constexpr std::array<std::string_view, 8> kStill = {"mif1", "mif2", "heic", "heix", "heim", "heis", "avif", "msf1"};
  const std::vector<std::string_view> brands = brands_of(start);
  return std::find_first_of(brands.begin(), brands.end(), kStill.begin(), kStill.end()) != brands.end();
}

/// Those that begin with a still picture have the animation, too.
bool is_animated_avif(const Start& start) {
  const std::vector<std::string_view> brands = brands_of(start);
  return std::find(brands.begin(), brands.end(), "avis") != brands.end();
}

/// XML in which svg is the first element that we know: before it there may be comments and declarations.
bool is_svg(const Start& start) {
  const std::string_view text = start.text();
  const size_t first = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  return first != std::string_view::npos && text[first] == '<' && text.find("<svg") < text.find("<html");
}

struct Entry {
  PictureFormat format;
  std::array<std::string_view, 4> starts;  // any of them; none: what the function says
  bool (*is_it)(const Start&) = nullptr;
  std::string_view suffix = {};  // that it must have
};

constexpr std::string_view kMagick = "magickload";
constexpr PictureFormat kCameraRaw = {
    "camera raw",
    {},
    "is camera raw, of which only the preview could be read; develop it to a TIFF first, e.g. with darktable"};

// In this order.
constexpr std::array<Entry, 27> kEntries = {{
    {{"JPEG", "jpegload_source", {}}, {"\xFF\xD8\xFF"}},
    {{"PNG", "pngload_source", {}}, {"\x89PNG\r\n\x1a\n"}},
    {{"TIFF", "tiffload_source", {}},
     {std::string_view("II*\0", 4), std::string_view("MM\0*", 4), std::string_view("II+\0", 4),
      std::string_view("MM\0+", 4)}},
    {{"WebP", "webpload_source", {}}, {}, [](const Start& s) { return s.has(0, "RIFF") && s.has(8, "WEBP"); }},
    {{"GIF", "gifload_source", {}}, {"GIF87a", "GIF89a"}},
    {{"AVIF",
      {},
      "is an animated AVIF, which is not supported; convert it to an animated WebP first, e.g. with ffmpeg"},
     {},
     is_animated_avif},
    {{"AVIF", "heifload_source", {}}, {}, [](const Start& s) { return s.has(4, "ftypavif"); }},
    {{"HEIC", "heifload_source", {}}, {}, is_heif},
    {{"JPEG XL", "jxlload_source", {}}, {"\xFF\x0A", std::string_view("\0\0\0\x0cJXL \r\n\x87\n", 12)}},
    {{"JPEG 2000", "jp2kload_source", {}}, {"\xFF\x4F\xFF\x51", std::string_view("\0\0\0\x0cjP  \r\n\x87\n", 12)}},
    {{"BMP", kMagick, {}}, {}, is_bmp},
    {{"PPM", kMagick, {}}, {}, is_bitmap_text},
    {{"PPM", "ppmload_source", {}}, {}, is_ppm},
    {{"PAM", kMagick, {}}, {}, is_pam},
    {{"OpenEXR", "openexrload", {}}, {"\x76\x2F\x31\x01"}},
    {{"Radiance HDR", "radload_source", {}}, {"#?RADIANCE", "#?RGBE"}},
    {{"PSD", kMagick, {}}, {std::string_view("8BPS\0\1", 6), std::string_view("8BPS\0\2", 6)}},
    {{"DDS", kMagick, {}}, {"DDS \x7C"}},
    {{"ICO", kMagick, {}}, {}, is_ico},
    {{"SGI", kMagick, {}}, {}, is_sgi},
    {{"XPM", kMagick, {}}, {"/* XPM */"}},
    {{"XBM", {}, "is an X bitmap (XBM), which is not supported; convert it to a PNG first, e.g. with ffmpeg"},
     {},
     is_xbm},
    {{"FITS", "fitsload", {}}, {"SIMPLE  ="}},
    {{"TGA", kMagick, {}}, {}, is_tga, ".tga"},
    {{"PCX", kMagick, {}}, {}, is_pcx, ".pcx"},
    {{"SVG",
      {},
      "is a drawing (SVG), which has no pixels; render it at the size that you want, e.g. with rsvg-convert"},
     {},
     is_svg},
    {{"PDF", {}, "is a document (PDF); render its pages at the resolution that you want, e.g. with pdftoppm"},
     {"%PDF-"}},
}};

bool is_entry(const Entry& entry, const Start& start, std::string_view suffix) {
  if (!entry.suffix.empty() && entry.suffix != suffix) return false;
  if (entry.is_it != nullptr) return entry.is_it(start);
  return std::any_of(entry.starts.begin(), entry.starts.end(),
                     [&](std::string_view bytes) { return !bytes.empty() && start.has(0, bytes); });
}

}  // namespace

const PictureFormat* picture_format(std::istream& file, std::string_view suffix) {
  constexpr size_t kStartBytes = 4096;
  std::string bytes(kStartBytes, '\0');
  file.read(bytes.data(), kStartBytes);
  bytes.resize(static_cast<size_t>(file.gcount()));
  file.clear();
  file.seekg(0);
  if (is_camera_raw(file)) return &kCameraRaw;
  const Start start(bytes);
  const auto* const found = std::find_if(kEntries.begin(), kEntries.end(),
                                         [&](const Entry& entry) { return is_entry(entry, start, suffix); });
  return found == kEntries.end() ? nullptr : &found->format;
}

bool is_picture(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  return file && picture_format(file, lower_suffix(path)) != nullptr;
}

std::string picture_format_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kEntries) {
    const bool is_new = std::find(names.begin(), names.end(), entry.format.name) == names.end();
    if (entry.format.instead.empty() && is_new) names.push_back(entry.format.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace fsrcnn
