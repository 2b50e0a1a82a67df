#include "picture/metadata.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

void* copy_field(VipsImage*, const char* name, GValue* value, void* to) {
  constexpr std::array<std::string_view, 4> kKept = {VIPS_META_ICC_NAME, VIPS_META_RESOLUTION_UNIT, "delay", "loop"};
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
