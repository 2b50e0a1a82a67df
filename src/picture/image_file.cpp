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
#include "base/thread_pool.hpp"

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
    // Of several threads that want a damaged part, it tells only one and gives the others a black one.
    vips_concurrency_set(1);
    // Nothing is read twice, and what its cache holds (unfinished temporary files among it) would stay behind.
    vips_cache_set_max(0);
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
  int64_t largest_side;  ///< pixels
  const char* saver;     ///< libvips' suffix with options
};

constexpr int64_t kAnySide = 10000000;  // libvips' own limit
constexpr const char* kTiff = ".tif[compression=deflate,predictor=horizontal]";
constexpr const char* kBigTiff = ".tif[compression=deflate,predictor=horizontal,bigtiff]";

constexpr std::array<OutputFormat, 6> kOutputFormats = {{
    {".png", 16, true, kAnySide, ".png"},
    {".jpg", 8, false, 65535, ".jpg[Q=95]"},
    {".jpeg", 8, false, 65535, ".jpg[Q=95]"},
    {".tif", 16, true, kAnySide, kTiff},
    {".tiff", 16, true, kAnySide, kTiff},
    {".webp", 8, true, 16383, ".webp[Q=95]"},
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
void deinterleave(const Sample* samples, double white, Tensor<float>& planes) {
  const auto [n, c, h, w] = planes.shape();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    for (int64_t k = 0; k < c; ++k) {
      float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) row[x] = static_cast<float>(samples[(y * w + x) * c + k] / white);
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
        const double level = std::floor(row[x] * kMax + 0.5);
        samples[(y * w + x) * c + k] = static_cast<Sample>(level > 0 ? std::min(level, kMax) : 0);  // 0 for NaN too
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

/// The sample that is white. PGM and PPM may have any, and libvips leaves their samples as they are.
int white_level(VipsImage* image, int bits) {
  int white = 0;
  const bool known = vips_image_get_typeof(image, "ppm-max-value") != 0 &&
                     vips_image_get_int(image, "ppm-max-value", &white) == 0 && white > 0;
  return known ? white : (1 << bits) - 1;
}

/// Copies what describes the picture, but not how it was stored, nor its orientation, which is applied.
void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  const std::string_view field = name;
  constexpr std::array<std::string_view, 5> kKept = {VIPS_META_ICC_NAME, VIPS_META_XMP_NAME, VIPS_META_IPTC_NAME,
                                                     VIPS_META_PHOTOSHOP_NAME, VIPS_META_RESOLUTION_UNIT};
  const bool kept = (field.starts_with("exif-") && field != "exif-ifd0-Orientation") ||
                    field.starts_with("png-comment-") || std::find(kKept.begin(), kKept.end(), field) != kKept.end();
  if (kept) vips_image_set(static_cast<VipsImage*>(to), name, value);
  return nullptr;
}

/// What describes the picture, without its samples.
std::shared_ptr<VipsImage> metadata_of(VipsImage* image) {
  std::shared_ptr<VipsImage> metadata(vips_image_new(), Unref());
  metadata->Xres = image->Xres;
  metadata->Yres = image->Yres;
  vips_image_map(image, copy_field, metadata.get());
  return metadata;
}

}  // namespace

bool is_picture_file(const std::filesystem::path& path) {
  start_vips();
  const VipsPtr<VipsSource> source(vips_source_new_from_file(path.c_str()));
  const bool known = source != nullptr && vips_foreign_find_load_source(source.get()) != nullptr;
  vips_error_clear();
  return known;
}

Picture read_picture(const std::filesystem::path& path) {
  start_vips();
  const std::string name = path.string();
  if (std::filesystem::is_directory(path)) fail(ErrorCode::io, "'{}' is a folder, but a picture is expected", name);
  // A source, unlike vips_image_new_from_file, takes the name as it is: brackets in it are no options.
  const VipsPtr<VipsSource> source(vips_source_new_from_file(name.c_str()));
  if (source == nullptr) fail(ErrorCode::io, "'{}' cannot be read: {}", name, vips_message());
  VipsPtr<VipsImage> image(vips_image_new_from_source(source.get(), "", "fail_on", VIPS_FAIL_ON_ERROR, "access",
                                                      VIPS_ACCESS_SEQUENTIAL, static_cast<void*>(nullptr)));
  if (image == nullptr) fail(ErrorCode::input, "'{}' is no picture that can be read: {}", name, vips_message());
  check_kind(image.get(), name);
  if (vips_image_get_orientation(image.get()) > 1) {
    // Turning needs the rows in another order than they come from the file.
    image.reset(vips_image_copy_memory(image.get()));
    VipsImage* upright = nullptr;
    if (image == nullptr || vips_autorot(image.get(), &upright, nullptr) != 0) {
      fail(ErrorCode::input, "'{}' is damaged: {}", name, vips_message());
    }
    image.reset(upright);
  }
  size_t bytes = 0;
  const std::unique_ptr<void, void (*)(void*)> samples(vips_image_write_to_memory(image.get(), &bytes), g_free);
  if (samples == nullptr) fail(ErrorCode::input, "'{}' is damaged: {}", name, vips_message());

  Picture picture;
  picture.colour_planes = image->Bands >= 3 ? 3 : 1;
  picture.has_alpha = image->Bands % 2 == 0;
  picture.bits = image->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
  picture.planes = Tensor<float>({1, image->Bands, image->Ysize, image->Xsize});
  const int white = white_level(image.get(), picture.bits);
  if (picture.bits == 8) {
    deinterleave(static_cast<const uint8_t*>(samples.get()), white, picture.planes);
  } else {
    deinterleave(static_cast<const uint16_t*>(samples.get()), white, picture.planes);
  }
  if (is_gray_bmp(path, picture.planes)) {
    const auto [n, c, h, w] = picture.planes.shape();
    picture.planes = Tensor<float>({1, 1, h, w}, {picture.planes.plane(0, 0), picture.planes.plane(0, 1)});
    picture.colour_planes = 1;
  }
  picture.metadata = metadata_of(image.get());
  return picture;
}

void check_writable(const Picture& picture, int64_t scale, const std::filesystem::path& path) {
  const OutputFormat& format = output_format(path);
  if (picture.has_alpha && !format.alpha) {
    fail(ErrorCode::input, "the picture has an alpha channel, which '{}' cannot hold; write .png, .tif or .webp",
         path.string());
  }
  const int64_t width = scale * picture.width(), height = scale * picture.height();
  if (std::max(width, height) > format.largest_side) {
    fail(ErrorCode::input, "'{}' would have {}x{} pixels, but the format ends at {} a side; write .png or .tif",
         path.string(), width, height, format.largest_side);
  }
  const AtomicOutput trial(path, AtomicOutput::Kind::file);  // throws if nothing can be written there
}

bool loses_exif(const Picture& picture, const std::filesystem::path& path) {
  return output_format(path).saver == kTiff && picture.metadata != nullptr &&
         vips_image_get_typeof(picture.metadata.get(), VIPS_META_EXIF_NAME) != 0;
}

void write_picture(const Picture& picture, const std::filesystem::path& path) {
  start_vips();
  check_writable(picture, 1, path);
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

  constexpr size_t kLargestTiffBytes = 3500000000;  // its offsets have 32 bits
  const char* saver = format.saver == kTiff && samples.size() > kLargestTiffBytes ? kBigTiff : format.saver;
  AtomicOutput output(path, AtomicOutput::Kind::file);
  {
    const VipsPtr<VipsTarget> target(vips_target_new_to_file(output.temporary().c_str()));
    if (target == nullptr || vips_image_write_to_target(described.get(), saver, target.get(), nullptr) != 0) {
      fail(ErrorCode::io, "writing '{}' failed: {}", path.string(), vips_message());
    }
  }
  output.commit();
}

}  // namespace fsrcnn
