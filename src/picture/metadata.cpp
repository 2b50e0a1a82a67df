#include "picture/metadata.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  constexpr std::array<std::string_view, 5> kKept = {VIPS_META_ICC_NAME, VIPS_META_IMAGEDESCRIPTION,
                                                     VIPS_META_RESOLUTION_UNIT, "delay", "loop"};
  if (std::find(kKept.begin(), kKept.end(), name) == kKept.end()) return nullptr;
  if (G_VALUE_TYPE(value) == VIPS_TYPE_BLOB) {
    // Of AVIF and HEIC libvips keeps the bytes only as long as the image that it read.
    size_t size = 0;
    const void* const data = vips_value_get_blob(value, &size);
    vips_image_set_blob_copy(static_cast<VipsImage*>(to), name, data, size);
  } else {
    vips_image_set(static_cast<VipsImage*>(to), name, value);
  }
  return nullptr;
}

void* copy_exif_field(VipsImage*, const char* name, GValue* value, void* to) {
  if (std::string_view(name).starts_with("exif-")) vips_image_set(static_cast<VipsImage*>(to), name, value);
  return nullptr;
}

}  // namespace

std::string blob_of(VipsImage* image, const char* field) {
  const void* data = nullptr;
  size_t size = 0;
  const bool found =
      vips_image_get_typeof(image, field) == VIPS_TYPE_BLOB && vips_image_get_blob(image, field, &data, &size) == 0;
  return found ? std::string(static_cast<const char*>(data), size) : "";
}

bool knows_resolution(VipsImage* description) { return description->Xres != 1 || description->Yres != 1; }

bool describes(VipsImage* description, const char* field) { return description != nullptr && has(description, field); }

void add_exif(VipsImage* image, const std::string& block) {
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
  segment += block;
  file.insert(2, segment);
  VipsImage* loaded = nullptr;
  if (vips_jpegload_buffer(file.data(), file.size(), &loaded, nullptr) != 0) return vips_error_clear();
  const VipsPtr<VipsImage> loaded_owner(loaded);
  vips_image_map(loaded, copy_exif_field, image);
}

std::shared_ptr<VipsImage> describe(VipsImage* image) {
  std::shared_ptr<VipsImage> description(vips_image_new(), VipsUnref());
  apply_description(image, description.get());
  return description;
}

void apply_description(VipsImage* description, VipsImage* to) {
  to->Xres = description->Xres;
  to->Yres = description->Yres;
  vips_image_map(description, copy_field, to);
}

}  // namespace fsrcnn
