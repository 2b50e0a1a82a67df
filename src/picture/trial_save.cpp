#include "picture/trial_save.hpp"

#include <sstream>
#include <string>

#include "base/error.hpp"
#include "picture/jxl_boxes.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

constexpr std::string_view kXmp = "<x:xmpmeta/>";

/// A file of a black picture with XMP, or nothing.
std::string trial(const std::string& saver) {
  VipsImage *made = nullptr, *black = nullptr;
  if (vips_black(&made, 16, 16, "bands", 3, nullptr) != 0) return "";
  const VipsPtr<VipsImage> made_owner(made);
  // vips_black's bands are no colours, which libvips 8.16 refuses to save as HEIF.
  if (vips_copy(made, &black, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr) != 0) return "";
  const VipsPtr<VipsImage> owner(black);
  vips_image_set_blob_copy(black, VIPS_META_XMP_NAME, kXmp.data(), kXmp.size());
  void* bytes = nullptr;
  size_t size = 0;
  if (vips_image_write_to_buffer(black, saver.c_str(), &bytes, &size, nullptr) != 0) {
    vips_error_clear();
    return "";
  }
  std::string file(static_cast<const char*>(bytes), size);
  g_free(bytes);
  return file;
}

}  // namespace

bool jxl_keeps_description() {
  static const bool keeps = [] {
    std::istringstream file(trial(".jxl"));
    const JxlBoxes boxes = jxl_boxes(file);
    return !boxes.xmp.empty() || !boxes.compressed.empty();
  }();
  return keeps;
}

void check_encoder(std::string_view suffix, std::string_view options) {
  const auto check = [&](bool encodes, const char* package) {
    if (encodes) return;
    fail(ErrorCode::usage,
         "'{}' cannot be written: libheif has no encoder for it. Install the encoder (Debian package {}), or use .png, "
         ".jpg or .webp",
         suffix, package);
  };
  if (options == "compression=av1") {
    static const bool encodes = !trial(".avif[compression=av1]").empty();
    check(encodes, "libheif-plugin-aomenc");
  } else if (options == "compression=hevc") {
    static const bool encodes = !trial(".heic[compression=hevc]").empty();
    check(encodes, "libheif-plugin-x265");
  }
}

}  // namespace fsrcnn
