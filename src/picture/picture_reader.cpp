#include "picture/picture_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "picture/colour.hpp"
#include "picture/exif_in_tiff.hpp"
#include "picture/gif_check.hpp"
#include "picture/metadata.hpp"
#include "picture/png_chunks.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kDecodedRows = 64;  // that are decoded together

/// The loader, if any, that takes no source but a file, and knows it by its content.
const char* file_loader(const fs::path& path) {
  const auto knows = [](void* loader, void* name, void*) -> void* {
    const std::string_view nickname = VIPS_OBJECT_CLASS(loader)->nickname;
    if (nickname.ends_with("_buffer") || nickname.ends_with("_source")) return nullptr;
    const auto is_a = static_cast<VipsForeignLoadClass*>(loader)->is_a;
    return is_a != nullptr && is_a(static_cast<const char*>(name)) != 0 ? loader : nullptr;
  };
  std::string name = path.string();
  void* const loader = vips_foreign_map("VipsForeignLoad", knows, name.data(), nullptr);
  return loader == nullptr ? nullptr : VIPS_OBJECT_CLASS(loader)->nickname;
}

/// The name is taken as it is: brackets in it are no options, as they are for vips_image_new_from_file.
VipsImage* open_image(const fs::path& path, const char* options = "") {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    fail(ErrorCode::io, "'{}' is a folder, but a picture is expected", path.string());
  }
  const VipsPtr<VipsSource> source(vips_source_new_from_file(path.c_str()));
  if (source == nullptr) fail(ErrorCode::io, "'{}' cannot be read: {}", path.string(), vips_message());
  if (vips_foreign_find_load_source(source.get()) != nullptr) {
    return vips_image_new_from_source(source.get(), options, "fail_on", VIPS_FAIL_ON_ERROR, "access",
                                      VIPS_ACCESS_SEQUENTIAL, static_cast<void*>(nullptr));
  }
  VipsImage* image = nullptr;
  if (const char* const loader = file_loader(path); loader != nullptr) {
    vips_error_clear();
    vips_call(loader, path.c_str(), &image, "fail_on", VIPS_FAIL_ON_ERROR, "access", VIPS_ACCESS_SEQUENTIAL,
              static_cast<void*>(nullptr));
  }
  return image;
}

/// Whether a loader that takes no source knows a file. ImageMagick's looks so little at the content that it takes films
/// and fonts for TGA, so the name must agree.
bool is_known_by_file(const fs::path& path) {
  constexpr std::array kOfMagick = {".bmp", ".dib", ".tga", ".ico", ".psd", ".dds", ".pcx", ".sgi", ".xpm"};
  const char* const loader = file_loader(path);
  return loader != nullptr && (!std::string_view(loader).starts_with("magick") ||
                               std::find(kOfMagick.begin(), kOfMagick.end(), lower_suffix(path)) != kOfMagick.end());
}

std::string_view loader_of(VipsImage* image) {
  const char* loader = "";
  if (vips_image_get_typeof(image, VIPS_META_LOADER) != 0) vips_image_get_string(image, VIPS_META_LOADER, &loader);
  return loader;
}

bool has(VipsImage* image, const char* field) { return vips_image_get_typeof(image, field) != 0; }

/// ImageMagick, which reads BMP for libvips, makes RGB of the gray BMPs, whose 8 bits index a palette of grays.
bool is_gray_bmp(const fs::path& path) {
  constexpr size_t kFileHeader = 14, kBitsPerPixel = 28, kColours = 46, kSmallest = 54;
  std::vector<unsigned char> bytes(kFileHeader + 124 + 4 * 256);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (bytes.size() < kSmallest || bytes[0] != 'B' || bytes[1] != 'M' || bytes[kBitsPerPixel] > 8) return false;
  const auto word = [&](size_t at) {
    return bytes[at] | size_t{bytes[at + 1]} << 8 | size_t{bytes[at + 2]} << 16 | size_t{bytes[at + 3]} << 24;
  };
  const size_t palette = kFileHeader + word(kFileHeader);
  const size_t colours = word(kColours) != 0 ? word(kColours) : size_t{1} << bytes[kBitsPerPixel];
  if (colours > 256 || palette > bytes.size() || 4 * colours > bytes.size() - palette) return false;
  for (size_t i = palette; i < palette + 4 * colours; i += 4) {
    if (bytes[i] != bytes[i + 1] || bytes[i] != bytes[i + 2]) return false;
  }
  return true;
}

/// Turns each of the pages, which lie one below another, as the EXIF orientation of the first tells.
int turn_pages(VipsImage* in, VipsImage** out, int pages) {
  if (pages == 1) return vips_autorot(in, out, nullptr);
  std::vector<VipsImage*> turned;
  const int height = in->Ysize / pages;
  int result = 0;
  for (int i = 0; i < pages && result == 0; ++i) {
    VipsImage *page = nullptr, *upright = nullptr;
    result = vips_extract_area(in, &page, 0, i * height, in->Xsize, height, nullptr);
    if (result == 0) result = vips_autorot(page, &upright, nullptr);
    // What joins them takes pixels from images that make them anew as if they lay still.
    if (result == 0) turned.push_back(vips_image_copy_memory(upright));
    if (result == 0 && turned.back() == nullptr) result = -1;
    g_clear_object(&page);
    g_clear_object(&upright);
  }
  if (result == 0) result = vips_arrayjoin(turned.data(), out, pages, "across", 1, nullptr);
  for (VipsImage*& page : turned) g_clear_object(&page);
  return result;
}

/// The bits that an AVIF or HEIC has of the 16 of which libvips makes them the uppermost, or 0.
int heif_bits(VipsImage* image) {
  int bits = 0;
  const bool known = has(image, "heif-bitdepth") && vips_image_get_int(image, "heif-bitdepth", &bits) == 0;
  return known && bits > 8 && bits < 16 && image->BandFmt == VIPS_FORMAT_USHORT ? bits : 0;
}

/// The sample that is white. PGM and PPM may have any, and libvips leaves their samples as they are.
int white_level(VipsImage* image, int bits) {
  if (const int used = heif_bits(image); used != 0) return ((1 << used) - 1) << (16 - used);
  int white = 0;
  const bool known =
      has(image, "ppm-max-value") && vips_image_get_int(image, "ppm-max-value", &white) == 0 && white > 0;
  return known ? white : (1 << bits) - 1;
}

template <class Sample, class Decode>
void deinterleave(VipsRegion* region, int top, Tensor<float>& planes, const Decode& decode) {
  const auto [n, c, h, w] = planes.shape();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    const auto* samples = reinterpret_cast<const Sample*>(VIPS_REGION_ADDR(region, 0, top + static_cast<int>(y)));
    for (int64_t k = 0; k < c; ++k) {
      float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) row[x] = static_cast<float>(decode(samples[x * c + k]));
    }
  });
}

}  // namespace

bool is_picture(const fs::path& path) {
  start_vips();
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  const VipsPtr<VipsSource> source(vips_source_new_from_file(path.c_str()));
  const bool known =
      source != nullptr && (vips_foreign_find_load_source(source.get()) != nullptr || is_known_by_file(path));
  vips_error_clear();
  return known;
}

PictureReader::PictureReader(const fs::path& path, int64_t most_pixels) : path_(path) {
  start_vips();
  take_vips_warnings();  // those are others'
  open(most_pixels);
  check_whole();
  check_png();
  normalise();
  header_.metadata = describe(image_.get());
  if (loader_.starts_with("tiff") && size_of_field(header_.metadata.get(), VIPS_META_EXIF_NAME) == 0) {
    std::ifstream file(path_, std::ios::binary);
    if (const auto exif = exif_of_tiff(file); !exif.empty()) add_exif(header_.metadata.get(), exif);
  }
}

/// The image becomes what an operation of libvips makes of it.
template <class Operation>
void PictureReader::replace(const Operation& operation) {
  VipsImage* result = nullptr;
  if (operation(image_.get(), &result) != 0) {
    fail(ErrorCode::input, "'{}' is damaged: {}", path_.string(), vips_message());
  }
  image_.reset(result, VipsUnref());
}

void PictureReader::open(int64_t most_pixels) {
  image_.reset(open_image(path_), [](VipsImage* image) {
    if (image != nullptr) g_object_unref(image);
  });
  if (image_ == nullptr) {
    fail(ErrorCode::input, "'{}' is no picture that can be read: {}", path_.string(), vips_message());
  }
  const int64_t pages = vips_image_get_n_pages(image_.get());
  const std::string_view loader = loader_ = loader_of(image_.get());
  const bool heif = loader.starts_with("heif");    // its other images are no frames, and it says which is the picture
  const bool levels = loader.starts_with("jp2k");  // its pages are smaller and smaller copies of the first
  const int64_t pixels = int64_t{image_->Xsize} * image_->Ysize * (heif || levels ? 1 : pages);
  if (pixels > most_pixels) {
    fail(ErrorCode::limit, "'{}' has {}x{} pixels{}, more than the {} that are read; --max-pixels allows more",
         path_.string(), image_->Xsize, image_->Ysize,
         pages > 1 && !heif && !levels ? fmt::format(" in each of {} frames", pages) : "", most_pixels);
  }
  header_.width = image_->Xsize;
  header_.height = image_->Ysize;
  if (pages > 1 && heif) {
    warnings_.push_back(fmt::format("'{}' holds {} pictures; only its main one is upscaled", path_.string(), pages));
  } else if (pages > 1 && !levels) {
    open_all_pages(pages);
  }
}

void PictureReader::open_all_pages(int64_t pages) {
  const bool known = loader_.starts_with("gif") || loader_.starts_with("webp") || loader_.starts_with("tiff");
  if (known) {
    image_.reset(open_image(path_, "[n=-1]"), [](VipsImage* image) {
      if (image != nullptr) g_object_unref(image);
    });
  }
  if (!known || image_ == nullptr || image_->Xsize != header_.width || image_->Ysize != pages * header_.height) {
    fail(ErrorCode::input, "'{}' has {} pages, which differ in size or kind{}; extract the one you want",
         path_.string(), pages, image_ == nullptr ? " (" + vips_message() + ")" : "");
  }
  // libvips tells the orientation of the first page alone.
  for (int64_t i = 1; i < pages && loader_.starts_with("tiff"); ++i) {
    const VipsPtr<VipsImage> page(open_image(path_, fmt::format("[page={}]", i).c_str()));
    if (page == nullptr || vips_image_get_orientation(page.get()) != vips_image_get_orientation(image_.get())) {
      fail(ErrorCode::input,
           "'{}' has {} pages, of which page {} is turned otherwise than the first; extract the one "
           "you want",
           path_.string(), pages, i + 1);
    }
  }
  header_.frames = pages;
}

void PictureReader::check_whole() {
  std::error_code error;
  if (!loader_.starts_with("gif") || !fs::is_regular_file(path_, error)) return;
  const GifState state = check_gif(read_file(path_, physical_memory_bytes() / 4));
  if (state == GifState::cut) fail(ErrorCode::input, "'{}' is damaged: it ends before the GIF does", path_.string());
  if (state == GifState::damaged)
    damage_.push_back(fmt::format("'{}' is damaged: not all of its frames are whole", path_.string()));
}

void PictureReader::check_png() {
  std::error_code error;
  if (!loader_.starts_with("png") || !fs::is_regular_file(path_, error)) return;
  std::ifstream file(path_, std::ios::binary);
  const PngChunks chunks = png_chunks(file);
  if (chunks.animated) {
    fail(ErrorCode::input,
         "'{}' is an animated PNG, of which only the first frame could be read; make it a film or an animated WebP, as "
         "by `ffmpeg -i '{}' frames.webp`",
         path_.string(), path_.string());
  }
  if (!chunks.colours.empty()) {
    warnings_.push_back(
        fmt::format("'{}' has colours other than sRGB's by its {}, which gets lost: they will look different",
                    path_.string(), fmt::join(chunks.colours, " and ")));
  }
}

std::vector<std::string> PictureReader::damage() {
  image_.reset();  // some decoders tell it only when they end
  vips_error_clear();
  for (const std::string& warning : take_vips_warnings()) {
    // What others warn of (tags of TIFF that nobody knows, ...) harms nothing.
    const bool jpeg = loader_.starts_with("jpeg") && warning.find("VipsJpeg:") != std::string::npos;
    if (jpeg || loader_.starts_with("gif") || loader_.starts_with("jp2k")) {
      damage_.push_back(fmt::format("'{}' is damaged: {}", path_.string(), warning));
    }
  }
  return damage_;
}

void PictureReader::normalise() {
  if (image_->Coding == VIPS_CODING_RAD) {
    replace([](VipsImage* in, VipsImage** out) { return vips_rad2float(in, out, nullptr); });
  }
  if (image_->BandFmt == VIPS_FORMAT_DOUBLE) {
    replace([](VipsImage* in, VipsImage** out) { return vips_cast_float(in, out, nullptr); });
  }
  const bool whole = image_->BandFmt == VIPS_FORMAT_UCHAR || image_->BandFmt == VIPS_FORMAT_USHORT;
  if (image_->Type == VIPS_INTERPRETATION_CMYK && whole) {
    // Through the picture's profile, or libvips' own for CMYK; the result has the profile of sRGB.
    if (!has(image_.get(), VIPS_META_ICC_NAME)) {
      warnings_.push_back(fmt::format("'{}' is CMYK without a profile; a usual one is taken", path_.string()));
    }
    const int depth = image_->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
    replace([depth](VipsImage* in, VipsImage** out) {
      return vips_icc_transform(in, out, "srgb", "embedded", TRUE, "input_profile", "cmyk", "intent",
                                VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE, "depth", depth, nullptr);
    });
  }
  if (image_->Type == VIPS_INTERPRETATION_LAB || image_->Type == VIPS_INTERPRETATION_LABS ||
      image_->Type == VIPS_INTERPRETATION_LABQ) {
    const bool eight = image_->Type == VIPS_INTERPRETATION_LABQ;
    replace([eight](VipsImage* in, VipsImage** out) {
      return vips_colourspace(in, out, eight ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_RGB16, nullptr);
    });
  }
  if (loader_.starts_with("openexr") && image_->Bands == 4) {
    // Its colours have been multiplied by alpha, which libvips brought to 255 before 8.15.
    const double opaque = vips_version(0) == 8 && vips_version(1) < 15 ? 255 : 1;
    replace([=](VipsImage* in, VipsImage** out) { return vips_unpremultiply(in, out, "max_alpha", opaque, nullptr); });
    replace([=](VipsImage* in, VipsImage** out) {
      const std::array factors = {1.0, 1.0, 1.0, 1 / opaque}, offsets = {0.0, 0.0, 0.0, 0.0};
      return vips_linear(in, out, factors.data(), offsets.data(), 4, nullptr);
    });
  }
  const VipsInterpretation kind = image_->Type;
  const bool gray_or_rgb = kind == VIPS_INTERPRETATION_sRGB || kind == VIPS_INTERPRETATION_RGB ||
                           kind == VIPS_INTERPRETATION_RGB16 || kind == VIPS_INTERPRETATION_scRGB ||
                           kind == VIPS_INTERPRETATION_B_W || kind == VIPS_INTERPRETATION_GREY16;
  const VipsBandFormat format = image_->BandFmt;
  const bool samples = format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT || format == VIPS_FORMAT_FLOAT;
  if (!gray_or_rgb || !samples || image_->Bands > 4 || image_->Coding != VIPS_CODING_NONE) {
    fail(ErrorCode::input,
         "'{}' has {} channels of {} in {}, but gray, RGB or CMYK of 8 or 16 bits or floats is expected; convert it "
         "first",
         path_.string(), image_->Bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format),
         vips_enum_nick(VIPS_TYPE_INTERPRETATION, kind));
  }
  if (vips_image_get_orientation(image_.get()) > 1) {
    // Turning needs the rows in another order than they come from the file.
    replace([](VipsImage* in, VipsImage** out) { return (*out = vips_image_copy_memory(in)) == nullptr ? -1 : 0; });
    const auto pages = static_cast<int>(header_.frames);
    replace([pages](VipsImage* in, VipsImage** out) { return turn_pages(in, out, pages); });
  }
  if (image_->Bands == 3 && loader_.starts_with("magick") && is_gray_bmp(path_)) {
    replace([](VipsImage* in, VipsImage** out) { return vips_extract_band(in, out, 0, nullptr); });
  }
  header_.width = image_->Xsize;
  header_.height = image_->Ysize / header_.frames;
  header_.colour_planes = image_->Bands >= 3 ? 3 : 1;
  header_.has_alpha = image_->Bands % 2 == 0;
  header_.bits = format == VIPS_FORMAT_UCHAR ? 8 : format == VIPS_FORMAT_USHORT ? 16 : 32;
  // libvips' rule: RGB of floats without a profile is scRGB.
  header_.linear = header_.bits == 32 && kind == VIPS_INTERPRETATION_scRGB && !has(image_.get(), VIPS_META_ICC_NAME);
  header_.used_bits = heif_bits(image_.get());
  header_.hard_alpha = loader_.starts_with("gif");
  if (header_.bits != 32) white_ = white_level(image_.get(), header_.bits);
}

void PictureReader::read(Tensor<float>& rows) {
  const auto [n, c, h, w] = rows.shape();
  const VipsRect wanted{0, static_cast<int>(next_row_), static_cast<int>(w), static_cast<int>(h)};
  // A region belongs to a thread, so none is kept.
  const VipsPtr<VipsRegion> region(vips_region_new(image_.get()));
  if (region == nullptr || vips_region_prepare(region.get(), &wanted) != 0) {
    fail(ErrorCode::input, "'{}' is damaged: {}", path_.string(), vips_message());
  }
  const double white = white_;
  const auto level = [white](auto sample) { return sample / white; };
  switch (header_.bits) {
    case 8: deinterleave<uint8_t>(region.get(), wanted.top, rows, level); break;
    case 16: deinterleave<uint16_t>(region.get(), wanted.top, rows, level); break;
    default: deinterleave<float>(region.get(), wanted.top, rows, [](float sample) { return sample; });
  }
  const auto finite = [](float sample) { return std::isfinite(sample); };
  if (header_.bits == 32 && !std::all_of(rows.values().begin(), rows.values().end(), finite)) {
    fail(ErrorCode::input, "'{}' has samples that are infinite or no numbers", path_.string());
  }
  for (int64_t k = 0; header_.linear && k < header_.colour_planes; ++k) {
    float* const samples = rows.plane(0, k);
    std::transform(samples, samples + h * w, samples, srgb_from_linear);
  }
  next_row_ += h;
}

Picture read_picture(const fs::path& path) {
  PictureReader reader(path);
  if (reader.header().frames > 1) {
    fail(ErrorCode::input, "'{}' has {} frames or pages, but a single picture is expected", path.string(),
         reader.header().frames);
  }
  const PictureHeader& header = reader.header();
  Picture picture{header, Tensor<float>({1, header.planes(), header.height, header.width})};
  for (int64_t y = 0; y < header.height; y += kDecodedRows) {
    Tensor<float> rows({1, header.planes(), std::min(kDecodedRows, header.height - y), header.width});
    reader.read(rows);
    for (int64_t k = 0; k < header.planes(); ++k) {
      std::copy_n(rows.plane(0, k), rows.shape().h * header.width, picture.planes.row(0, k, y));
    }
  }
  const std::vector<std::string> damage = reader.damage();
  if (!damage.empty()) throw Error(ErrorCode::input, damage.front());
  return picture;
}

}  // namespace fsrcnn
