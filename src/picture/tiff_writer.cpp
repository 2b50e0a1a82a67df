#include "picture/tiff_writer.hpp"

#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/deflate.hpp"
#include "picture/metadata.hpp"
#include "picture/row_bands.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

using Octets = std::vector<std::byte>;

FileTarget& target(thandle_t handle) { return *static_cast<FileTarget*>(handle); }

tmsize_t read_file(thandle_t handle, void* room, tmsize_t bytes) {
  return target(handle).try_read({static_cast<std::byte*>(room), static_cast<size_t>(bytes)});
}

tmsize_t write_file(thandle_t handle, void* data, tmsize_t bytes) {
  return target(handle).try_write({static_cast<const std::byte*>(data), static_cast<size_t>(bytes)});
}

toff_t seek_file(thandle_t handle, toff_t offset, int whence) {
  return static_cast<toff_t>(target(handle).try_seek(static_cast<int64_t>(offset), whence));
}

int close_file(thandle_t) { return 0; }

toff_t size_of_file(thandle_t handle) {
  const int64_t here = target(handle).try_seek(0, SEEK_CUR), end = target(handle).try_seek(0, SEEK_END);
  target(handle).try_seek(here, SEEK_SET);
  return static_cast<toff_t>(end);
}

/// Keeps libtiff's last message.
int keep_message(TIFF*, void* message, const char*, const char* format, va_list arguments) {
  std::array<char, 500> text{};
  if (std::vsnprintf(text.data(), text.size(), format, arguments) > 0)
    *static_cast<std::string*>(message) = text.data();
  return 1;  // and print nothing
}

struct TiffClose {
  void operator()(TIFF* file) const { TIFFClose(file); }
};

/// Differences from the sample to the left, as libtiff's horizontal predictor makes them.
template <class Sample>
void predict(std::byte* row, int64_t samples, int64_t bands) {
  auto* const values = reinterpret_cast<Sample*>(row);
  for (int64_t i = samples - 1; i >= bands; --i) values[i] = static_cast<Sample>(values[i] - values[i - bands]);
}

struct Layout {
  int64_t row_bytes, bands;
  int bits;
};

/// Some of a band's rows as a strip holds them before it is deflated.
Octets strip_of(const RowBand& band, const Layout& layout, bool predicted, int64_t first, int64_t count) {
  const std::byte* const samples = band.samples + first * layout.row_bytes;
  Octets strip(samples, samples + count * layout.row_bytes);
  if (!predicted) return strip;
  const int64_t in_row = layout.row_bytes * 8 / layout.bits;
  for (int64_t y = 0; y < count; ++y) {
    std::byte* const row = strip.data() + y * layout.row_bytes;
    switch (layout.bits) {
      case 8: predict<uint8_t>(row, in_row, layout.bands); break;
      case 16: predict<uint16_t>(row, in_row, layout.bands); break;
      default: predict<uint32_t>(row, in_row, layout.bands);
    }
  }
  return strip;
}

/// How all strips are made: a file has one predictor.
struct Way {
  bool predicted;
  Deflation deflation;
};

/// By the first band: how many others have come depends on the number of threads.
Way choose(const RowBand& band, const Layout& layout, std::optional<int> compression) {
  const int level = compression.value_or(6);
  std::vector<Way> ways = {{true, {level, true}}, {false, {level, false}}};
  if (compression) ways.push_back({true, {level, false}});
  const auto size_by = [&](const Way& way) {
    constexpr int64_t kPart = 4;
    const int64_t rows = std::max<int64_t>(1, band.rows / kPart);
    return zlib_stream(strip_of(band, layout, way.predicted, (band.rows - rows) / 2, rows), way.deflation).size();
  };
  std::vector<size_t> sizes;
  for (const Way& way : ways) sizes.push_back(size_by(way));
  return ways[static_cast<size_t>(std::min_element(sizes.begin(), sizes.end()) - sizes.begin())];
}

void set_description(TIFF* file, VipsImage* description) {
  const auto set_blob = [&](uint32_t tag, const char* name) {
    const std::string bytes = blob_of(description, name);
    if (!bytes.empty()) TIFFSetField(file, tag, static_cast<uint32_t>(bytes.size()), bytes.data());
  };
  set_blob(TIFFTAG_ICCPROFILE, VIPS_META_ICC_NAME);
  set_blob(TIFFTAG_XMLPACKET, VIPS_META_XMP_NAME);
  set_blob(TIFFTAG_PHOTOSHOP, VIPS_META_PHOTOSHOP_NAME);
  const char* text = nullptr;
  if (has(description, VIPS_META_IMAGEDESCRIPTION) &&
      vips_image_get_string(description, VIPS_META_IMAGEDESCRIPTION, &text) == 0) {
    TIFFSetField(file, TIFFTAG_IMAGEDESCRIPTION, text);
  }
  if (!knows_resolution(description)) return;
  const char* unit = nullptr;
  const bool by_centimetre = has(description, VIPS_META_RESOLUTION_UNIT) &&
                             vips_image_get_string(description, VIPS_META_RESOLUTION_UNIT, &unit) == 0 &&
                             std::string_view(unit) == "cm";
  const double millimetres = by_centimetre ? 10 : 25.4;
  TIFFSetField(file, TIFFTAG_RESOLUTIONUNIT, by_centimetre ? RESUNIT_CENTIMETER : RESUNIT_INCH);
  TIFFSetField(file, TIFFTAG_XRESOLUTION, description->Xres * millimetres);
  TIFFSetField(file, TIFFTAG_YRESOLUTION, description->Yres * millimetres);
}

void set_layout(TIFF* file, const PictureHeader& picture, const Layout& layout, int64_t strip_rows) {
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(picture.width));
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(picture.height));
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, layout.bits);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(layout.bands));
  TIFFSetField(file, TIFFTAG_SAMPLEFORMAT, layout.bits == 32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, picture.colour_planes == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, static_cast<uint32_t>(strip_rows));
  if (picture.has_alpha) {
    const uint16_t kind = picture.alpha_is_data ? EXTRASAMPLE_UNSPECIFIED : EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(file, TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
}

}  // namespace

bool needs_big_tiff(const PictureHeader& picture, int bits) {
  constexpr int64_t kLargestTiffBytes = 3500000000;
  return picture.width * picture.height * picture.frames * picture.planes() * bits / 8 > kLargestTiffBytes;
}

void write_tiff(const PictureHeader& picture, int bits, SampleRows& rows, VipsImage* description, FileTarget& target,
                std::optional<int> compression) {
  const Layout layout{picture.width * picture.planes() * bits / 8, picture.planes(), bits};
  const int64_t strip_rows = std::clamp<int64_t>(kBandBytes / layout.row_bytes, 1, picture.height);
  std::string message = "libtiff gives no reason";
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, &message);
  const auto check = [&](bool done) {
    target.check();
    if (!done) fail(ErrorCode::io, "writing '{}' failed: {}", target.shown().string(), message);
  };
  const std::unique_ptr<TIFF, TiffClose> file(
      TIFFClientOpenExt("the picture", needs_big_tiff(picture, bits) ? "w8" : "w", &target, read_file, write_file,
                        seek_file, close_file, size_of_file, nullptr, nullptr, options.get()));
  check(file != nullptr);
  std::optional<Way> way;
  for (int64_t frame = 0; frame < picture.frames; ++frame) {
    set_layout(file.get(), picture, layout, strip_rows);
    set_description(file.get(), description);
    if (picture.frames > 1) {
      TIFFSetField(file.get(), TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
      TIFFSetField(file.get(), TIFFTAG_PAGENUMBER, static_cast<int>(frame), static_cast<int>(picture.frames));
    }
    bool first = true;
    for_bands(rows, picture.height, layout.row_bytes, strip_rows, [&](const std::vector<RowBand>& bands) {
      if (compression != 0 && !way) way = choose(bands.front(), layout, compression);
      if (std::exchange(first, false)) {
        TIFFSetField(file.get(), TIFFTAG_COMPRESSION, way ? COMPRESSION_ADOBE_DEFLATE : COMPRESSION_NONE);
        if (way && way->predicted) TIFFSetField(file.get(), TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
      }
      std::vector<Octets> strips(bands.size());
      parallel_for(static_cast<int64_t>(bands.size()), [&](int64_t i) {
        const RowBand& band = bands[static_cast<size_t>(i)];
        Octets strip = strip_of(band, layout, way && way->predicted, 0, band.rows);
        strips[static_cast<size_t>(i)] = way ? zlib_stream(strip, way->deflation) : std::move(strip);
      });
      for (size_t i = 0; i < strips.size(); ++i) {
        const auto number = static_cast<uint32_t>(bands[i].first_row / strip_rows);
        const auto size = static_cast<tmsize_t>(strips[i].size());
        check(TIFFWriteRawStrip(file.get(), number, strips[i].data(), size) == size);
      }
    });
    check(TIFFWriteDirectory(file.get()) == 1);
  }
  target.check();
}

}  // namespace fsrcnn
