#include "picture/tiff_samples.hpp"

#include <tiffio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

/// A file in memory, as libtiff reads it.
struct Memory {
  std::vector<std::byte> bytes;
  size_t at = 0;
};

Memory& memory(thandle_t handle) { return *static_cast<Memory*>(handle); }

tmsize_t read_memory(thandle_t handle, void* to, tmsize_t count) {
  Memory& file = memory(handle);
  const size_t here = std::min(file.at, file.bytes.size()),
               bytes = std::min(static_cast<size_t>(count), file.bytes.size() - here);
  std::memcpy(to, file.bytes.data() + here, bytes);
  file.at = here + bytes;
  return static_cast<tmsize_t>(bytes);
}

tmsize_t refuse_writing(thandle_t, void*, tmsize_t) { return -1; }

toff_t seek_in_memory(thandle_t handle, toff_t offset, int whence) {
  Memory& file = memory(handle);
  const size_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.at : file.bytes.size();
  return file.at = from + static_cast<size_t>(offset);
}

toff_t size_of_memory(thandle_t handle) { return memory(handle).bytes.size(); }
int close_memory(thandle_t) { return 0; }

int keep_first_message(TIFF*, void* message, const char*, const char* format, va_list arguments) {
  std::array<char, 500> text{};
  auto& kept = *static_cast<std::string*>(message);
  if (kept.empty() && std::vsnprintf(text.data(), text.size(), format, arguments) > 0) kept = text.data();
  return 1;  // and print nothing
}

int ignore_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

/// What a page's samples are.
struct Kind {
  uint32_t width = 0, height = 0;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, photometric = PHOTOMETRIC_MINISBLACK,
           compression = COMPRESSION_NONE, planar = PLANARCONFIG_CONTIG;
  bool tiled = false;

  explicit Kind(TIFF* file) : tiled(TIFFIsTiled(file) != 0) {
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric);
    TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
    TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetField(file, TIFFTAG_ORIENTATION, &orientation);
  }
  bool operator==(const Kind&) const = default;
  bool is_signed() const { return format == SAMPLEFORMAT_INT; }
  bool is_complex() const { return format == SAMPLEFORMAT_COMPLEXINT || format == SAMPLEFORMAT_COMPLEXIEEEFP; }
  bool is_plain() const { return photometric <= PHOTOMETRIC_RGB && samples <= 4; }
  /// libvips lets libjpeg turn YCbCr into RGB, and takes all other for RGB.
  bool is_ycbcr() const { return photometric == PHOTOMETRIC_YCBCR && compression != COMPRESSION_JPEG && bits == 8; }
  bool is_whole_float() const { return format == SAMPLEFORMAT_IEEEFP && (bits == 16 || bits == 64); }
  bool is_odd_integer() const {
    const bool integer = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    return integer && ((bits > 8 && bits < 16) || bits == 32);
  }
};

float from_half(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const float value = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                      : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                       : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return (half & 0x8000) != 0 ? -value : value;
}

/// Samples of a row, to floats or words.
void unpack(const Kind& kind, const std::byte* row, size_t count, size_t stride, std::byte* to) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(row);
  auto* const floats = reinterpret_cast<float*>(to);
  auto* const words = reinterpret_cast<uint16_t*>(to);
  const auto number = [&](auto zero, size_t i) {
    std::memcpy(&zero, bytes + i * sizeof(zero), sizeof(zero));
    return zero;
  };
  for (size_t i = 0; i < count; ++i) {
    if (kind.format == SAMPLEFORMAT_IEEEFP) {
      floats[i * stride] = kind.bits == 16 ? from_half(number(uint16_t{}, i)) : static_cast<float>(number(double{}, i));
    } else if (kind.bits == 32) {
      floats[i * stride] = static_cast<float>(number(uint32_t{}, i) / 4294967295.0);
    } else {
      // One after the other, the uppermost bit first.
      const size_t bit = i * kind.bits;
      const unsigned three = unsigned{bytes[bit / 8]} << 16 | unsigned{bytes[bit / 8 + 1]} << 8 | bytes[bit / 8 + 2];
      const unsigned white = (1U << kind.bits) - 1, level = three >> (24 - bit % 8 - kind.bits) & white;
      words[i * stride] = static_cast<uint16_t>((level * 65535 + white / 2) / white);
    }
  }
}

using Check = std::function<void(bool)>;

/// Row by row, of strips; or a row of tiles after the other.
void read_rows(TIFF* file, const Kind& kind, VipsImage* image, int top, const Check& check) {
  const bool apart = kind.planar == PLANARCONFIG_SEPARATE;
  const size_t sample_bytes = VIPS_IMAGE_SIZEOF_ELEMENT(image), stride = apart ? kind.samples : 1;
  const auto planes = static_cast<uint16_t>(apart ? kind.samples : 1);
  const size_t per_pixel = apart ? 1 : kind.samples;
  uint32_t tile_width = kind.width, tile_height = 1;
  if (kind.tiled) {
    TIFFGetField(file, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(file, TIFFTAG_TILELENGTH, &tile_height);
    check(tile_width > 0 && tile_height > 0);
  }
  constexpr size_t kBehind = 2;  // that unpack() looks at
  const auto buffer_bytes = kind.tiled ? TIFFTileSize64(file) : TIFFScanlineSize64(file);
  const uint64_t row_bytes = kind.tiled ? TIFFTileRowSize64(file) : buffer_bytes;
  const uint64_t needed = (uint64_t{tile_width} * per_pixel * kind.bits + 7) / 8;
  check(row_bytes >= needed && buffer_bytes >= row_bytes * tile_height && buffer_bytes <= uint64_t{1} << 32);
  std::vector<std::byte> buffer(buffer_bytes + kBehind);
  for (uint16_t plane = 0; plane < planes; ++plane) {
    for (uint32_t y = 0; y < kind.height; y += tile_height) {
      for (uint32_t x = 0; x < kind.width; x += tile_width) {
        check(kind.tiled ? TIFFReadTile(file, buffer.data(), x, y, 0, plane) >= 0
                         : TIFFReadScanline(file, buffer.data(), y, plane) == 1);
        const size_t width = std::min(tile_width, kind.width - x);
        for (uint32_t row = 0; row < std::min(tile_height, kind.height - y); ++row) {
          auto* const to = reinterpret_cast<std::byte*>(VIPS_IMAGE_ADDR(image, x, top + static_cast<int>(y + row))) +
                           plane * sample_bytes;
          unpack(kind, buffer.data() + row * row_bytes, width * per_pixel, stride, to);
        }
      }
    }
  }
}

/// As libtiff shows it, but not turned: red, green and blue of 8 bits.
void read_shown(TIFF* file, const Kind& kind, VipsImage* image, int top, const Check& check) {
  std::vector<uint32_t> pixels(size_t{kind.width} * kind.height);
  check(TIFFReadRGBAImageOriented(file, kind.width, kind.height, pixels.data(), kind.orientation, 1) == 1);
  auto* to = reinterpret_cast<uint8_t*>(VIPS_IMAGE_ADDR(image, 0, top));
  for (const uint32_t pixel : pixels) {
    *to++ = static_cast<uint8_t>(TIFFGetR(pixel));
    *to++ = static_cast<uint8_t>(TIFFGetG(pixel));
    *to++ = static_cast<uint8_t>(TIFFGetB(pixel));
  }
}

void describe_image(TIFF* file, const Kind& kind, VipsImage* image) {
  uint32_t size = 0;
  const void* profile = nullptr;
  if (TIFFGetField(file, TIFFTAG_ICCPROFILE, &size, &profile) == 1) {
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile, size);
  }
  float x = 0, y = 0;
  uint16_t unit = RESUNIT_INCH;
  TIFFGetFieldDefaulted(file, TIFFTAG_RESOLUTIONUNIT, &unit);
  if (unit != RESUNIT_NONE && TIFFGetField(file, TIFFTAG_XRESOLUTION, &x) == 1 &&
      TIFFGetField(file, TIFFTAG_YRESOLUTION, &y) == 1 && x > 0 && y > 0) {
    const float millimetres = unit == RESUNIT_CENTIMETER ? 10.0F : 25.4F;
    image->Xres = x / millimetres;
    image->Yres = y / millimetres;
    vips_image_set_string(image, VIPS_META_RESOLUTION_UNIT, unit == RESUNIT_CENTIMETER ? "cm" : "in");
  }
  vips_image_set_int(image, VIPS_META_ORIENTATION, kind.orientation);
  vips_image_set_string(image, VIPS_META_LOADER, "tiffload");
}

}  // namespace

std::string unknown_tiff_compression(uint16_t compression) {
  if (TIFFIsCODECConfigured(compression) == 1) return "";
  const TIFFCodec* const codec = TIFFFindCODEC(compression);
  constexpr std::array<std::pair<int, const char*>, 5> kNames = {
      {{33003, "JPEG 2000"}, {33005, "JPEG 2000"}, {34712, "JPEG 2000"}, {50002, "JPEG XL"}, {52546, "JPEG XL"}}};
  const auto* const known =
      std::find_if(kNames.begin(), kNames.end(), [&](const auto& entry) { return entry.first == compression; });
  const char* const name = known != kNames.end() ? known->second : codec != nullptr ? codec->name : "";
  return fmt::format("{}{}{}", name, *name != '\0' ? ", " : "", compression);
}

TiffSamples read_tiff_samples(const PictureFile& picture, int64_t pages,
                              const std::function<void(int64_t, int64_t)>& on_size) {
  std::string message;
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_first_message, &message);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
  const std::string name = picture.path().string();
  Memory content{picture.bytes()};
  const std::unique_ptr<TIFF, void (*)(TIFF*)> file(
      TIFFClientOpenExt("the picture", "rm", &content, read_memory, refuse_writing, seek_in_memory, close_memory,
                        size_of_memory, nullptr, nullptr, options.get()),
      TIFFClose);
  if (file == nullptr) return {};
  const Kind kind(file.get());
  if (std::max<int64_t>(kind.width, pages * kind.height) > VIPS_MAX_COORD || std::min(kind.width, kind.height) == 0)
    return {};
  if (kind.is_signed() || kind.is_complex()) {
    fail(ErrorCode::input,
         "'{}' has {} samples of {} bits, of which the file does not say which are black and white; convert it to 16 "
         "bits "
         "or floats first",
         name, kind.is_signed() ? "signed" : "complex", kind.bits);
  }
  const bool floats = kind.is_whole_float() || kind.bits == 32, shown = kind.is_ycbcr();
  if (!shown && !((kind.is_whole_float() || kind.is_odd_integer()) && kind.is_plain())) return {};
  on_size(kind.width, kind.height);
  const Check check = [&](bool done) {
    if (!done)
      fail(ErrorCode::input, "'{}' is damaged: {}", name, message.empty() ? "libtiff gives no reason" : message);
  };
  const std::shared_ptr<VipsImage> image(vips_image_new_memory(), VipsUnref());
  const bool gray = !shown && kind.samples < 3;
  vips_image_init_fields(image.get(), static_cast<int>(kind.width), static_cast<int>(pages * kind.height),
                         shown ? 3 : kind.samples,
                         shown    ? VIPS_FORMAT_UCHAR
                         : floats ? VIPS_FORMAT_FLOAT
                                  : VIPS_FORMAT_USHORT,
                         VIPS_CODING_NONE,
                         gray     ? (floats ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_GREY16)
                         : shown  ? VIPS_INTERPRETATION_sRGB
                         : floats ? VIPS_INTERPRETATION_scRGB
                                  : VIPS_INTERPRETATION_RGB16,
                         1, 1);
  check(vips_image_write_prepare(image.get()) == 0);
  describe_image(file.get(), kind, image.get());
  for (int64_t page = 0; page < pages; ++page) {
    check(page == 0 || TIFFReadDirectory(file.get()) == 1);
    if (Kind(file.get()) != kind) {
      fail(ErrorCode::input, "'{}' has {} pages of different sizes or types; extract the page you want", name, pages);
    }
    const auto top = static_cast<int>(page * kind.height);
    shown ? read_shown(file.get(), kind, image.get(), top, check)
          : read_rows(file.get(), kind, image.get(), top, check);
  }
  return {image, !shown && kind.bits < 16 ? kind.bits : 0,
          !floats           ? ""
          : kind.bits == 16 ? "floats of 16 bits"
          : kind.bits == 32 ? "integers of 32 bits"
                            : "floats of 64 bits"};
}

}  // namespace fsrcnn
