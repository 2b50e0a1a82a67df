#include "picture/metadata.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "picture/exif_in_tiff.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  const std::string_view field = name;
  constexpr std::array<std::string_view, 8> kKept = {VIPS_META_ICC_NAME,
                                                     VIPS_META_XMP_NAME,
                                                     VIPS_META_IPTC_NAME,
                                                     VIPS_META_PHOTOSHOP_NAME,
                                                     VIPS_META_IMAGEDESCRIPTION,
                                                     VIPS_META_RESOLUTION_UNIT,
                                                     "delay",
                                                     "loop"};
  // The thumbnail, which EXIF's second folder describes, shows the picture as it was stored.
  const bool exif = field.starts_with("exif-") && field != "exif-ifd0-Orientation" && !field.starts_with("exif-ifd1-");
  const bool kept =
      exif || field.starts_with("png-comment-") || std::find(kKept.begin(), kKept.end(), field) != kKept.end();
  if (!kept) return nullptr;
  if (G_VALUE_TYPE(value) == VIPS_TYPE_BLOB) {
    // Of AVIF and HEIC libvips keeps the bytes only as long as the image that it read.
    size_t size = 0;
    const void* const data = vips_value_get_blob(value, &size);
    std::string bytes(static_cast<const char*>(data), size);
    if (field == VIPS_META_EXIF_NAME) bytes = without_thumbnail(std::move(bytes));
    vips_image_set_blob_copy(static_cast<VipsImage*>(to), name, bytes.data(), bytes.size());
  } else {
    vips_image_set(static_cast<VipsImage*>(to), name, value);
  }
  return nullptr;
}

void copy_fields(VipsImage* from, VipsImage* to) {
  to->Xres = from->Xres;
  to->Yres = from->Yres;
  vips_image_map(from, copy_field, to);
}

/// Sets name="123" and <name>123</name> to a value, wherever they stand.
void set_number(std::string& xmp, std::string_view name, int64_t value) {
  const std::string text = std::to_string(value);
  for (size_t at = xmp.find(name); at != std::string::npos; at = xmp.find(name, at + 1)) {
    const auto is_digit = [&](size_t i) { return i < xmp.size() && std::isdigit(static_cast<unsigned char>(xmp[i])); };
    size_t begin = at + name.size();
    if (xmp.compare(begin, 2, "=\"") == 0 || xmp.compare(begin, 2, "='") == 0) {
      begin += 2;
    } else if (at > 0 && xmp[at - 1] == '<' && xmp.compare(begin, 1, ">") == 0) {
      begin += 1;
    } else {
      continue;
    }
    size_t end = begin;
    while (is_digit(end)) ++end;
    if (end > begin) xmp.replace(begin, end - begin, text);
  }
}

std::string blob(VipsImage* image, const char* name) {
  const void* data = nullptr;
  size_t size = 0;
  const bool found =
      vips_image_get_typeof(image, name) == VIPS_TYPE_BLOB && vips_image_get_blob(image, name, &data, &size) == 0;
  return found ? std::string(static_cast<const char*>(data), size) : "";
}

/// Of AVIF and HEIC libvips before 8.15 keeps XMP under the name of any block of text.
void* take_xmp(VipsImage* image, const char* name, GValue*, void* to) {
  if (!std::string_view(name).starts_with("heif-mime-")) return nullptr;
  const std::string text = blob(image, name);
  if (text.find("<x:xmpmeta") == std::string::npos && text.find("<rdf:RDF") == std::string::npos) return nullptr;
  vips_image_set_blob_copy(static_cast<VipsImage*>(to), VIPS_META_XMP_NAME, text.data(), text.size());
  return to;
}

}  // namespace

size_t size_of_field(VipsImage* description, const char* field) {
  if (description == nullptr || vips_image_get_typeof(description, field) == 0) return 0;
  return vips_image_get_typeof(description, field) == VIPS_TYPE_BLOB ? blob(description, field).size() : 1;
}

std::vector<PngText> png_texts(VipsImage* description) {
  std::vector<PngText> texts;
  const auto add = [](VipsImage* image, const char* name, GValue*, void* to) -> void* {
    constexpr std::string_view kPrefix = "png-comment-";  // a number and the keyword follow
    const std::string_view field = name;
    if (!field.starts_with(kPrefix)) return nullptr;
    const char* text = "";
    if (vips_image_get_string(image, name, &text) != 0) vips_error_clear();
    const size_t dash = field.find('-', kPrefix.size());
    static_cast<std::vector<PngText>*>(to)->push_back(
        {std::string(field.substr(dash == std::string::npos ? 0 : dash + 1)), text});
    return nullptr;
  };
  if (description != nullptr) vips_image_map(description, add, &texts);
  return texts;
}

void add_exif(VipsImage* description, Bytes block) {
  // Only its loaders name the fields, so one must find the block in a file: a JPEG of a pixel.
  constexpr std::string_view kStart("Exif\0\0", 6);
  const size_t length = 2 + kStart.size() + block.size();
  VipsImage* pixel = nullptr;
  void* bytes = nullptr;
  size_t size = 0;
  if (length > 65535 || vips_black(&pixel, 1, 1, nullptr) != 0) return;
  const VipsPtr<VipsImage> pixel_owner(pixel);
  if (vips_jpegsave_buffer(pixel, &bytes, &size, nullptr) != 0) return vips_error_clear();
  std::string file(static_cast<const char*>(bytes), size);
  g_free(bytes);
  std::string segment("\xFF\xE1");
  segment += {static_cast<char>(length >> 8), static_cast<char>(length)};
  segment += kStart;
  segment.append(reinterpret_cast<const char*>(block.data()), block.size());
  file.insert(2, segment);
  VipsImage* loaded = nullptr;
  if (vips_jpegload_buffer(file.data(), file.size(), &loaded, nullptr) != 0) return vips_error_clear();
  const VipsPtr<VipsImage> loaded_owner(loaded);
  const double x = description->Xres, y = description->Yres;
  copy_fields(loaded, description);
  description->Xres = x;
  description->Yres = y;
}

void place_iptc(VipsImage* image, bool tiff) {
  constexpr std::string_view kStart("Photoshop 3.0\0", 14), kIptc("8BIM\x04\x04\0\0", 8);
  const std::string iptc = blob(image, VIPS_META_IPTC_NAME);
  std::string resources = blob(image, VIPS_META_PHOTOSHOP_NAME);
  if (iptc.starts_with(kStart)) {
    resources = iptc.substr(kStart.size());
  } else if (!iptc.empty() && resources.find(kIptc) == std::string::npos) {
    resources += kIptc;
    for (int shift = 24; shift >= 0; shift -= 8) resources += static_cast<char>(iptc.size() >> shift);
    resources += iptc + std::string(iptc.size() % 2, '\0');
  }
  if (resources.empty()) return;
  if (!tiff) resources.insert(0, kStart);
  vips_image_set_blob_copy(image, tiff ? VIPS_META_PHOTOSHOP_NAME : VIPS_META_IPTC_NAME, resources.data(),
                           resources.size());
  // libvips would write a quarter of it into a TIFF.
  if (tiff) vips_image_remove(image, VIPS_META_IPTC_NAME);
}

std::string correct_xmp(std::string xmp, int64_t width, int64_t height) {
  set_number(xmp, "tiff:ImageWidth", width);
  set_number(xmp, "tiff:ImageLength", height);
  set_number(xmp, "tiff:Orientation", 1);
  set_number(xmp, "exif:PixelXDimension", width);
  set_number(xmp, "exif:PixelYDimension", height);
  return xmp;
}

std::shared_ptr<VipsImage> describe(VipsImage* image) {
  std::shared_ptr<VipsImage> description(vips_image_new(), VipsUnref());
  copy_fields(image, description.get());
  if (!has(description.get(), VIPS_META_XMP_NAME)) vips_image_map(image, take_xmp, description.get());
  return description;
}

void apply_description(VipsImage* description, int64_t width, int64_t height, VipsImage* to) {
  copy_fields(description, to);
  // The samples are upright; an EXIF block that came along must not say otherwise.
  if (vips_image_get_typeof(to, VIPS_META_EXIF_NAME) != 0) vips_image_set_int(to, VIPS_META_ORIENTATION, 1);
  if (std::string xmp = blob(to, VIPS_META_XMP_NAME); !xmp.empty()) {
    xmp = correct_xmp(std::move(xmp), width, height);
    vips_image_set_blob_copy(to, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  }
}

}  // namespace fsrcnn
