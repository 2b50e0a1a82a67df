#include "picture/open_image.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

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

/// Whether a loader that takes no source knows a file. ImageMagick's looks so little at the content that it takes films
/// and fonts for TGA, so the name must agree.
bool is_known_by_file(const fs::path& path) {
  constexpr std::array kOfMagick = {".bmp", ".dib", ".tga", ".ico", ".psd", ".dds", ".pcx", ".sgi", ".xpm"};
  const char* const loader = file_loader(path);
  return loader != nullptr && (!std::string_view(loader).starts_with("magick") ||
                               std::find(kOfMagick.begin(), kOfMagick.end(), lower_suffix(path)) != kOfMagick.end());
}

std::shared_ptr<VipsImage> owned(VipsImage* image) {
  return image == nullptr ? nullptr : std::shared_ptr<VipsImage>(image, VipsUnref());
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

std::shared_ptr<VipsImage> open_image(const fs::path& path, const char* options) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    fail(ErrorCode::io, "'{}' is a folder; expected a picture", path.string());
  }
  if (is_empty_file(path)) fail(ErrorCode::input, "'{}' is empty", path.string());
  const VipsPtr<VipsSource> source(vips_source_new_from_file(path.c_str()));
  if (source == nullptr) {
    const std::string vips = vips_message();
    // The system's reason alone, which libvips wraps in its own words.
    errno = 0;
    const bool opens = std::ifstream(path, std::ios::binary).good();
    const int reason = errno;
    fail(ErrorCode::io, "reading '{}' failed: {}", path.string(),
         opens || reason == 0 ? vips : std::generic_category().message(reason));
  }
  if (vips_foreign_find_load_source(source.get()) != nullptr) {
    return owned(vips_image_new_from_source(source.get(), options, "fail_on", VIPS_FAIL_ON_ERROR, "access",
                                            VIPS_ACCESS_SEQUENTIAL, static_cast<void*>(nullptr)));
  }
  VipsImage* image = nullptr;
  if (const char* const loader = file_loader(path); loader != nullptr) {
    vips_error_clear();
    vips_call(loader, path.c_str(), &image, "fail_on", VIPS_FAIL_ON_ERROR, "access", VIPS_ACCESS_SEQUENTIAL,
              static_cast<void*>(nullptr));
  }
  return owned(image);
}

std::string loader_of(VipsImage* image) {
  const char* loader = "";
  if (has(image, VIPS_META_LOADER)) vips_image_get_string(image, VIPS_META_LOADER, &loader);
  return loader;
}

int64_t page_count(VipsImage* image) {
  int pages = 1;  // vips_image_get_n_pages says 1 where there are 10000 or more
  if (has(image, VIPS_META_N_PAGES)) vips_image_get_int(image, VIPS_META_N_PAGES, &pages);
  return std::max(pages, 1);
}

}  // namespace fsrcnn
