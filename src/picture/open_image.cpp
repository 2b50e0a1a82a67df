#include "picture/open_image.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

/// Calls a loader; `input` is what it reads.
template <class Input>
VipsImage* load(const std::string& loader, Input input, bool all_pages) {
  VipsImage* image = nullptr;
  // A list of arguments ends at a null in the place of a name.
  vips_call(loader.c_str(), input, &image, "fail_on", VIPS_FAIL_ON_ERROR, "access", VIPS_ACCESS_SEQUENTIAL,
            all_pages ? "n" : static_cast<const char*>(nullptr), -1, static_cast<const char*>(nullptr));
  return image;
}

/// A PFM's image with its first row last; null if it cannot be read.
std::shared_ptr<VipsImage> flipped(const std::shared_ptr<VipsImage>& image) {
  const VipsPtr<VipsImage> whole(vips_image_copy_memory(image.get()));
  VipsImage *turned = nullptr, *result = nullptr;
  if (whole == nullptr || vips_flip(whole.get(), &turned, VIPS_DIRECTION_VERTICAL, nullptr) != 0) return nullptr;
  const VipsPtr<VipsImage> owner(turned);
  // From 8.16 on libvips says that the numbers are linear; what they are, no file tells.
  const VipsInterpretation kind = turned->Bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (vips_copy(turned, &result, "interpretation", kind, nullptr) != 0) return nullptr;
  return {result, VipsUnref()};
}

}  // namespace

std::shared_ptr<VipsImage> open_image(const PictureFile& file, const PictureFormat& format, bool all_pages) {
  const std::string loader(format.loader);
  if (!has_operation(loader)) {
    fail(ErrorCode::input, "'{}' is {}, which libvips cannot read on this machine; convert it to a PNG first",
         file.path().string(), format.name);
  }
  VipsImage* image = nullptr;
  if (loader.ends_with("_source")) {
    if (const VipsPtr<VipsSource> source(file.source()); source != nullptr)
      image = load(loader, source.get(), all_pages);
  } else if (file.name_here().empty()) {
    fail(ErrorCode::input, "'{}' is {}, which can only be read from a file; save it to one first", file.path().string(),
         format.name);
  } else {
    image = load(loader, file.name_here().c_str(), all_pages);
  }
  if (image == nullptr) return nullptr;
  std::shared_ptr<VipsImage> opened(image, VipsUnref());
  // libvips takes PFM's first row, which is the lowest, for the highest.
  const bool is_upside_down = format.name == "PPM" && image->BandFmt == VIPS_FORMAT_FLOAT;
  return is_upside_down ? flipped(opened) : opened;
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
