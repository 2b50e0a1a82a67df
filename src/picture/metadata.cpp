#include "picture/metadata.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  const std::string_view field = name;
  constexpr std::array<std::string_view, 7> kKept = {VIPS_META_ICC_NAME,
                                                     VIPS_META_XMP_NAME,
                                                     VIPS_META_IPTC_NAME,
                                                     VIPS_META_PHOTOSHOP_NAME,
                                                     VIPS_META_RESOLUTION_UNIT,
                                                     "delay",
                                                     "loop"};
  const bool kept = (field.starts_with("exif-") && field != "exif-ifd0-Orientation") ||
                    field.starts_with("png-comment-") || std::find(kKept.begin(), kKept.end(), field) != kKept.end();
  if (kept) vips_image_set(static_cast<VipsImage*>(to), name, value);
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

}  // namespace

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
  return description;
}

void apply_description(VipsImage* description, int64_t width, int64_t height, VipsImage* to) {
  copy_fields(description, to);
  // The samples are upright; an EXIF block that came along must not say otherwise.
  if (vips_image_get_typeof(to, VIPS_META_EXIF_NAME) != 0) vips_image_set_int(to, VIPS_META_ORIENTATION, 1);
  const void* data = nullptr;
  size_t size = 0;
  if (vips_image_get_typeof(to, VIPS_META_XMP_NAME) != 0 &&
      vips_image_get_blob(to, VIPS_META_XMP_NAME, &data, &size) == 0) {
    const std::string xmp = correct_xmp({static_cast<const char*>(data), size}, width, height);
    vips_image_set_blob_copy(to, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  }
}

}  // namespace fsrcnn
