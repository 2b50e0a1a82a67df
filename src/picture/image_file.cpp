#include "picture/image_file.hpp"

#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/parallel.hpp"

namespace fsrcnn {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using VipsPtr = std::unique_ptr<T, Unref>;

/// libvips' own account of the last failure, on one line.
std::string vips_message() {
  std::string message = vips_error_buffer();
  vips_error_clear();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ';');
  return message.empty() ? "no reason given" : message;
}

void start_vips() {
  static const bool started = [] {
    if (VIPS_INIT("fsrcnn") != 0) fail(ErrorCode::io, "libvips does not start: {}", vips_message());
    // Its warnings would go to stderr between our own lines; errors reach us anyway.
    g_log_set_handler(
        "VIPS", G_LOG_LEVEL_WARNING, [](const char*, GLogLevelFlags, const char*, void*) {}, nullptr);
    return true;
  }();
  (void)started;
}

struct OutputFormat {
  std::string_view suffix;
  int bits;
  bool alpha;
  const char* saver;  ///< libvips' suffix with options
};

constexpr std::array<OutputFormat, 6> kOutputFormats = {{
    {".png", 16, true, ".png"},
    {".jpg", 8, false, ".jpg[Q=95]"},
    {".jpeg", 8, false, ".jpg[Q=95]"},
    {".tif", 16, true, ".tif[compression=deflate,predictor=horizontal]"},
    {".tiff", 16, true, ".tif[compression=deflate,predictor=horizontal]"},
    {".webp", 8, true, ".webp[Q=95]"},
}};

const OutputFormat& output_format(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto* found = std::find_if(kOutputFormats.begin(), kOutputFormats.end(),
                                   [&](const OutputFormat& format) { return format.suffix == suffix; });
  if (found == kOutputFormats.end()) {
    fail(ErrorCode::usage, "'{}': pictures cannot be written as '{}'; use .png, .jpg, .tif or .webp", path.string(),
         suffix);
  }
  return *found;
}

/// Throws unless the picture is of a kind that can be upscaled.
void check_kind(VipsImage* image, const std::string& name) {
  const int pages = vips_image_get_n_pages(image);
  if (pages > 1) {
    fail(ErrorCode::input,
         "'{}' has {} pages or frames, but only single pictures are supported; extract the one you want", name, pages);
  }
  const VipsInterpretation kind = image->Type;
  const bool gray_or_rgb = kind == VIPS_INTERPRETATION_sRGB || kind == VIPS_INTERPRETATION_RGB ||
                           kind == VIPS_INTERPRETATION_RGB16 || kind == VIPS_INTERPRETATION_B_W ||
                           kind == VIPS_INTERPRETATION_GREY16;
  const bool whole_samples = image->BandFmt == VIPS_FORMAT_UCHAR || image->BandFmt == VIPS_FORMAT_USHORT;
  if (!gray_or_rgb || !whole_samples || image->Bands > 4 || image->Coding != VIPS_CODING_NONE) {
    fail(ErrorCode::input,
         "'{}' has {} channels of {} in {}, but gray or RGB of 8 or 16 bits is expected; convert it first", name,
         image->Bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, image->BandFmt),
         vips_enum_nick(VIPS_TYPE_INTERPRETATION, kind));
  }
}

template <class Sample>
void deinterleave(const Sample* samples, Tensor<float>& planes) {
  const auto [n, c, h, w] = planes.shape();
  constexpr double kMax = std::numeric_limits<Sample>::max();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    for (int64_t k = 0; k < c; ++k) {
      float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) row[x] = static_cast<float>(samples[(y * w + x) * c + k] / kMax);
    }
  });
}

template <class Sample>
void interleave(const Tensor<float>& planes, Sample* samples) {
  const auto [n, c, h, w] = planes.shape();
  constexpr double kMax = std::numeric_limits<Sample>::max();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    for (int64_t k = 0; k < c; ++k) {
      const float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) {
        samples[(y * w + x) * c + k] = static_cast<Sample>(std::clamp(std::floor(row[x] * kMax + 0.5), 0.0, kMax));
      }
    }
  });
}

/// ImageMagick, which reads BMP for libvips, makes RGB of the gray BMPs, whose 8 bits index a palette of grays.
bool is_gray_bmp(const std::filesystem::path& path, const Tensor<float>& planes) {
  std::array<unsigned char, 30> header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(header.data()), header.size());
  constexpr size_t kBitsPerPixel = 28;  // in BITMAPINFOHEADER, after the 14 bytes of BITMAPFILEHEADER
  if (!file || header[0] != 'B' || header[1] != 'M' || header[kBitsPerPixel] > 8) return false;
  const int64_t count = planes.shape().h * planes.shape().w;
  return planes.shape().c == 3 && std::equal(planes.plane(0, 0), planes.plane(0, 0) + count, planes.plane(0, 1)) &&
         std::equal(planes.plane(0, 0), planes.plane(0, 0) + count, planes.plane(0, 2));
}

/// Copies what describes the picture but not how it was stored.
void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  const std::string_view field = name;
  constexpr std::array<std::string_view, 5> kKept = {VIPS_META_ICC_NAME, VIPS_META_XMP_NAME, VIPS_META_IPTC_NAME,
                                                     VIPS_META_PHOTOSHOP_NAME, VIPS_META_RESOLUTION_UNIT};
  const bool kept = (field.starts_with("exif-") && field != "exif-ifd0-Orientation") ||
                    field.starts_with("png-comment-") || std::find(kKept.begin(), kKept.end(), field) != kKept.end();
  if (kept) vips_image_set(static_cast<VipsImage*>(to), name, value);
  return nullptr;
}

}  // namespace

Picture read_picture(const std::filesystem::path& path) {
  start_vips();
  const std::string name = path.string();
  if (std::filesystem::is_directory(path)) fail(ErrorCode::io, "'{}' is a folder, but a picture is expected", name);
  // A source, unlike vips_image_new_from_file, takes the name as it is: brackets in it are no options.
  vips_error_clear();
  const VipsPtr<VipsSource> source(vips_source_new_from_file(name.c_str()));
  if (source == nullptr) fail(ErrorCode::io, "'{}' cannot be read: {}", name, vips_message());
  const VipsPtr<VipsImage> file(
      vips_image_new_from_source(source.get(), "", "fail_on", VIPS_FAIL_ON_ERROR, static_cast<void*>(nullptr)));
  if (file == nullptr) fail(ErrorCode::input, "'{}' is no picture that can be read: {}", name, vips_message());
  check_kind(file.get(), name);

  VipsImage* upright_raw = nullptr;
  if (vips_autorot(file.get(), &upright_raw, nullptr) != 0) {
    fail(ErrorCode::input, "'{}' cannot be turned upright: {}", name, vips_message());
  }
  const VipsPtr<VipsImage> upright(upright_raw);
  Picture picture;
  picture.colour_planes = upright->Bands >= 3 ? 3 : 1;
  picture.has_alpha = upright->Bands % 2 == 0;
  picture.bits = upright->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
  picture.planes = Tensor<float>({1, upright->Bands, upright->Ysize, upright->Xsize});

  size_t bytes = 0;
  const std::unique_ptr<void, void (*)(void*)> samples(vips_image_write_to_memory(upright.get(), &bytes), g_free);
  // Of two threads that want a damaged part, libvips tells only one and gives the other a black one; but it keeps the
  // account of the failure.
  if (samples == nullptr || *vips_error_buffer() != '\0') {
    fail(ErrorCode::input, "'{}' is damaged: {}", name, vips_message());
  }
  if (picture.bits == 8) {
    deinterleave(static_cast<const uint8_t*>(samples.get()), picture.planes);
  } else {
    deinterleave(static_cast<const uint16_t*>(samples.get()), picture.planes);
  }
  if (is_gray_bmp(path, picture.planes)) {
    const auto [n, c, h, w] = picture.planes.shape();
    picture.planes = Tensor<float>({1, 1, h, w}, {picture.planes.plane(0, 0), picture.planes.plane(0, 1)});
    picture.colour_planes = 1;
  }
  g_object_ref(upright.get());
  picture.metadata = std::shared_ptr<VipsImage>(upright.get(), Unref());
  return picture;
}

void check_writable(const Picture& picture, const std::filesystem::path& path) {
  const OutputFormat& format = output_format(path);
  if (picture.has_alpha && !format.alpha) {
    fail(ErrorCode::input, "the picture has an alpha channel, which '{}' cannot hold; write .png, .tif or .webp",
         path.string());
  }
  const AtomicOutput trial(path, AtomicOutput::Kind::file);  // throws if nothing can be written there
}

void write_picture(const Picture& picture, const std::filesystem::path& path) {
  start_vips();
  check_writable(picture, path);
  const OutputFormat& format = output_format(path);
  const bool wide = std::min(picture.bits, format.bits) == 16;
  const auto [n, c, h, w] = picture.planes.shape();
  std::vector<std::byte> samples(picture.planes.count() * (wide ? sizeof(uint16_t) : sizeof(uint8_t)));
  if (wide) {
    interleave(picture.planes, reinterpret_cast<uint16_t*>(samples.data()));
  } else {
    interleave(picture.planes, reinterpret_cast<uint8_t*>(samples.data()));
  }
  const bool gray = picture.colour_planes == 1;
  const VipsInterpretation kind = wide   ? gray ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16
                                  : gray ? VIPS_INTERPRETATION_B_W
                                         : VIPS_INTERPRETATION_sRGB;
  const VipsPtr<VipsImage> memory(vips_image_new_from_memory(samples.data(), samples.size(), static_cast<int>(w),
                                                             static_cast<int>(h), static_cast<int>(c),
                                                             wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR));
  VipsImage* described_raw = nullptr;
  const bool copied =
      memory != nullptr && vips_copy(memory.get(), &described_raw, "interpretation", kind, nullptr) == 0;
  if (!copied) fail(ErrorCode::io, "writing '{}' failed: {}", path.string(), vips_message());
  const VipsPtr<VipsImage> described(described_raw);
  if (picture.metadata != nullptr) {
    described->Xres = picture.metadata->Xres;
    described->Yres = picture.metadata->Yres;
    vips_image_map(picture.metadata.get(), copy_field, described.get());
    // The samples are upright; an EXIF block that came along must not say otherwise.
    if (vips_image_get_typeof(described.get(), VIPS_META_EXIF_NAME) != 0) {
      vips_image_set_int(described.get(), VIPS_META_ORIENTATION, 1);
    }
  }

  AtomicOutput output(path, AtomicOutput::Kind::file);
  {
    const VipsPtr<VipsTarget> target(vips_target_new_to_file(output.temporary().c_str()));
    if (target == nullptr || vips_image_write_to_target(described.get(), format.saver, target.get(), nullptr) != 0) {
      fail(ErrorCode::io, "writing '{}' failed: {}", path.string(), vips_message());
    }
  }
  output.commit();
}

}  // namespace fsrcnn
