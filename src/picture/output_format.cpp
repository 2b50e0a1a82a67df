#include "picture/output_format.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kAnySide = 10000000;  // libvips' own limit
constexpr int64_t kJpegSide = 65500;    // libjpeg's own limit; the form's is 65535

using Form = MetadataForm;

constexpr std::array<OutputFormat, 18> kFormats = {{
    {".png", Encoder::png, Form::png, 16, StoredColours::any, true, false, true, true, kAnySide},
    {".jpg", Encoder::jpeg, Form::jpeg, 8, StoredColours::any, false, false, true, false, kJpegSide, 95},
    {".jpeg", Encoder::jpeg, Form::jpeg, 8, StoredColours::any, false, false, true, false, kJpegSide, 95},
    {".tif", Encoder::tiff, Form::tiff, 32, StoredColours::any, true, true, true, false, kAnySide},
    {".tiff", Encoder::tiff, Form::tiff, 32, StoredColours::any, true, true, true, false, kAnySide},
    {".webp", Encoder::webp, Form::webp, 8, StoredColours::rgb, true, true, true, false, 16383, 95},
    {".gif", Encoder::gif, Form::none, 8, StoredColours::any, true, true, false, false, 65535},
    {".avif", Encoder::avif, Form::boxes, 12, StoredColours::rgb, true, false, true, true, 65535, 90},
    {".heic", Encoder::heic, Form::boxes, 12, StoredColours::rgb, true, false, true, true, 16384, 90},
    {".heif", Encoder::heic, Form::boxes, 12, StoredColours::rgb, true, false, true, true, 16384, 90},
    {".jxl", Encoder::jxl, Form::boxes, 16, StoredColours::any, true, false, true, true, kAnySide, 95},
    {".bmp", Encoder::magick, Form::none, 8, StoredColours::any, true, false, false, false, 65535},
    {".tga", Encoder::tga, Form::none, 8, StoredColours::any, true, false, false, false, 65535},
    {".pam", Encoder::pam, Form::none, 16, StoredColours::any, true, false, false, false, kAnySide},
    {".ppm", Encoder::ppm, Form::none, 16, StoredColours::rgb, false, false, false, false, kAnySide},
    {".pnm", Encoder::ppm, Form::none, 16, StoredColours::any, false, false, false, false, kAnySide},
    {".pgm", Encoder::ppm, Form::none, 16, StoredColours::gray, false, false, false, false, kAnySide},
    {".pfm", Encoder::pfm, Form::none, 32, StoredColours::any, false, false, false, false, kAnySide},
}};

bool can_encode(const OutputFormat& format) {
  switch (format.encoder) {
    case Encoder::png:
    case Encoder::tiff:
    case Encoder::avif:
    case Encoder::heic:
    case Encoder::tga:
    case Encoder::pam:
    case Encoder::pfm:
    case Encoder::jxl: return true;  // not by libvips
    case Encoder::magick: return has_operation("magicksave_buffer");
    default: break;
  }
  const bool found = vips_foreign_find_save_target(std::string(format.suffix).c_str()) != nullptr;
  vips_error_clear();
  return found;
}

}  // namespace

const OutputFormat* find_output_format(const fs::path& path) {
  start_vips();
  const std::string suffix = lower_suffix(path);
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&](const OutputFormat& format) { return format.suffix == suffix; });
  return found != kFormats.end() && can_encode(*found) ? found : nullptr;
}

const OutputFormat& output_format(const fs::path& path) {
  const OutputFormat* const found = find_output_format(path);
  if (found != nullptr) return *found;
  std::string list;
  for (const std::string& suffix : writable_suffixes()) list += (list.empty() ? "" : ", ") + suffix;
  fail(ErrorCode::usage, "'{}': unsupported picture format '{}'; supported: {}", path.string(),
       path.extension().string(), list);
}

std::vector<std::string> writable_suffixes() {
  start_vips();
  std::vector<std::string> suffixes;
  for (const OutputFormat& format : kFormats) {
    if (can_encode(format)) suffixes.emplace_back(format.suffix);
  }
  return suffixes;
}

}  // namespace fsrcnn
