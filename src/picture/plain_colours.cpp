#include "picture/plain_colours.hpp"

#include <array>
#include <istream>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

/// ImageMagick, which reads BMP for libvips, makes RGB of the gray BMPs, whose 8 bits index a palette of grays.
bool is_gray_bmp(std::istream& file) {
  constexpr size_t kFileHeader = 14, kBitsPerPixel = 28, kColours = 46, kSmallest = 54;
  std::vector<unsigned char> bytes(kFileHeader + 124 + size_t{4} * 256);
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

/// ICC's name for the colours of a kind.
std::string_view icc_space(VipsInterpretation kind) {
  switch (kind) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16: return "GRAY";
    case VIPS_INTERPRETATION_CMYK: return "CMYK";
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_LABQ: return "Lab ";
    default: return "RGB ";
  }
}

/// libvips would leave it out without a word, or write it for others to stumble over.
void drop_wrong_profile(std::shared_ptr<VipsImage>& image, const fs::path& path, std::vector<std::string>& warnings) {
  const void* profile = nullptr;
  size_t size = 0;
  if (!has(image.get(), VIPS_META_ICC_NAME)) return;
  constexpr size_t kSpace = 16, kSpaceBytes = 4;  // of the profile's header: which colours it is for
  if (vips_image_get_blob(image.get(), VIPS_META_ICC_NAME, &profile, &size) == 0 && size >= kSpace + kSpaceBytes &&
      std::string_view(static_cast<const char*>(profile) + kSpace, kSpaceBytes) == icc_space(image->Type) &&
      vips_icc_is_compatible_profile(image.get(), profile, size) != 0) {
    return;
  }
  vips_error_clear();
  replace(image, path, [](VipsImage* in, VipsImage** out) { return vips_copy(in, out, nullptr); });
  vips_image_remove(image.get(), VIPS_META_ICC_NAME);
  warnings.push_back(
      fmt::format("'{}' has a colour profile that is damaged or of the wrong type; it was dropped", path.string()));
}

/// The alpha of floats that libvips took for opaque when it took colours apart that were multiplied by it: from 8.15
/// on, that of the kind of colours.
double opaque_float(VipsInterpretation kind) {
  return vips_version(1) >= 15 && kind == VIPS_INTERPRETATION_scRGB ? 1 : 255;
}

/// TIFF's Lab is of ICC's white, D50. libvips takes all Lab for D65's, and alpha beside it for 255 times too large.
void bring_from_lab(std::shared_ptr<VipsImage>& image, const fs::path& path) {
  std::shared_ptr<VipsImage> alpha;
  if (image->Type == VIPS_INTERPRETATION_LABS && image->Bands == 4) {
    alpha = image;
    replace(alpha, path, [](VipsImage* in, VipsImage** out) { return vips_extract_band(in, out, 3, nullptr); });
    replace(alpha, path, [](VipsImage* in, VipsImage** out) {
      return vips_copy(in, out, "format", VIPS_FORMAT_USHORT, nullptr);  // as which it was read
    });
    replace(image, path, [](VipsImage* in, VipsImage** out) { return vips_extract_band(in, out, 0, "n", 3, nullptr); });
  }
  replace(image, path,
          [](VipsImage* in, VipsImage** out) { return vips_colourspace(in, out, VIPS_INTERPRETATION_LAB, nullptr); });
  replace(image, path, [](VipsImage* in, VipsImage** out) {
    const std::unique_ptr<VipsArrayDouble, void (*)(VipsArrayDouble*)> white(
        vips_array_double_newv(3, 96.422, 100.0, 82.521),
        [](VipsArrayDouble* array) { vips_area_unref(VIPS_AREA(array)); });  // NOLINT: libvips' cast
    return vips_Lab2XYZ(in, out, "temp", white.get(), nullptr);
  });
  replace(image, path, [](VipsImage* in, VipsImage** out) {
    // Bradford's adaptation to D65.
    constexpr std::array kMatrix = {0.9555766, -0.0230393, 0.0631636,  -0.0282895, 1.0099416,
                                    0.0210077, 0.0122982,  -0.0204830, 1.3299098};
    const VipsPtr<VipsImage> matrix(vips_image_new_matrix_from_array(3, 3, kMatrix.data(), kMatrix.size()));
    return vips_recomb(in, out, matrix.get(), nullptr);
  });
  replace(image, path,
          [](VipsImage* in, VipsImage** out) { return vips_colourspace(in, out, VIPS_INTERPRETATION_RGB16, nullptr); });
  if (alpha != nullptr) {
    replace(image, path, [&](VipsImage* in, VipsImage** out) { return vips_bandjoin2(in, alpha.get(), out, nullptr); });
  }
  vips_image_remove(image.get(), VIPS_META_ICC_NAME);  // that of Lab
}

}  // namespace

void bring_to_plain_colours(std::shared_ptr<VipsImage>& image, const PictureFile& file, const std::string& loader,
                            std::vector<std::string>& warnings) {
  const fs::path& path = file.path();
  if (image->Coding == VIPS_CODING_RAD) {
    replace(image, path, [](VipsImage* in, VipsImage** out) { return vips_rad2float(in, out, nullptr); });
  }
  if (image->BandFmt == VIPS_FORMAT_DOUBLE) {
    replace(image, path, [](VipsImage* in, VipsImage** out) { return vips_cast_float(in, out, nullptr); });
  }
  drop_wrong_profile(image, path, warnings);
  const bool whole = image->BandFmt == VIPS_FORMAT_UCHAR || image->BandFmt == VIPS_FORMAT_USHORT;
  if (image->Type == VIPS_INTERPRETATION_CMYK && whole) {
    // Through the picture's profile, or libvips' own for CMYK; the result has the profile of sRGB.
    if (!has(image.get(), VIPS_META_ICC_NAME)) {
      warnings.push_back(fmt::format("'{}' is CMYK without a profile; a default profile is used", path.string()));
    }
    const int depth = image->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
    replace(image, path, [depth](VipsImage* in, VipsImage** out) {
      return vips_icc_transform(in, out, "srgb", "embedded", TRUE, "input_profile", "cmyk", "intent",
                                VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE, "depth", depth, nullptr);
    });
  }
  if (image->Type == VIPS_INTERPRETATION_LAB || image->Type == VIPS_INTERPRETATION_LABS ||
      image->Type == VIPS_INTERPRETATION_LABQ) {
    bring_from_lab(image, path);
  }
  if (loader.starts_with("openexr") && image->Bands == 4) {
    // Its colours have been multiplied by alpha, which libvips brought to 255 before 8.15.
    const double opaque = opaque_float(image->Type);
    replace(image, path,
            [=](VipsImage* in, VipsImage** out) { return vips_unpremultiply(in, out, "max_alpha", opaque, nullptr); });
    replace(image, path, [=](VipsImage* in, VipsImage** out) {
      const std::array factors = {1.0, 1.0, 1.0, 1 / opaque}, offsets = {0.0, 0.0, 0.0, 0.0};
      return vips_linear(in, out, factors.data(), offsets.data(), 4, nullptr);
    });
  }
  const bool calls_itself_gray = image->Type == VIPS_INTERPRETATION_B_W || image->Type == VIPS_INTERPRETATION_GREY16;
  if (image->Bands >= 3 && loader.starts_with("magick") && (calls_itself_gray || is_gray_bmp(*file.stream()))) {
    // Three times the same, and alpha.
    replace(image, path, [](VipsImage* in, VipsImage** out) {
      VipsImage *gray = nullptr, *alpha = nullptr;
      int result = vips_extract_band(in, &gray, 0, nullptr);
      if (result == 0 && in->Bands == 4) {
        result = vips_extract_band(in, &alpha, 3, nullptr);
        if (result == 0) result = vips_bandjoin2(gray, alpha, out, nullptr);
      } else if (result == 0) {
        *out = VIPS_IMAGE(g_object_ref(gray));  // NOLINT: GLib's cast
      }
      g_clear_object(&gray);
      g_clear_object(&alpha);
      return result;
    });
  }
}

void put_tiff_floats_right(std::shared_ptr<VipsImage>& image, const fs::path& path, const TiffPage& page) {
  if (image->BandFmt != VIPS_FORMAT_FLOAT || image->Bands > 4) return;
  const bool has_alpha = image->Bands % 2 == 0, inverted = image->Bands <= 2 && page.white_is_zero;
  const double factor = has_alpha && page.alpha_is_applied ? 1 / opaque_float(image->Type) : 1;
  if (factor == 1 && !inverted) return;
  std::array<double, 4> factors = {factor, factor, factor, factor}, offsets = {0, 0, 0, 0};
  if (inverted) factors[0] = -factor, offsets[0] = 1;
  if (has_alpha) factors[static_cast<size_t>(image->Bands - 1)] = 1;
  replace(image, path, [&](VipsImage* in, VipsImage** out) {
    return vips_linear(in, out, factors.data(), offsets.data(), in->Bands, nullptr);
  });
}

std::shared_ptr<VipsImage> gray_as_srgb(const std::shared_ptr<VipsImage>& image) {
  if (image->Bands >= 3 || !has(image.get(), VIPS_META_ICC_NAME)) return image;
  VipsImage* result = nullptr;
  const int depth = image->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
  if (vips_icc_transform(image.get(), &result, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_RELATIVE,
                         "black_point_compensation", TRUE, "depth", depth, nullptr) == 0) {
    return {result, VipsUnref()};
  }
  vips_error_clear();
  return image;
}

}  // namespace fsrcnn
