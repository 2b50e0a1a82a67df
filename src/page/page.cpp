#include "page/page.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {

// Made by the build from page.css.
extern const unsigned char kPageStyle[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kPageStyleSize;

namespace {

void put(std::string& page, std::string_view place, std::string_view text) {
  page.replace(page.find(place), place.size(), text);
}

struct GFree {
  void operator()(void* memory) const { g_free(memory); }
};

}  // namespace

std::string fill_page(std::string_view page, const nlohmann::json& data) {
  std::string json = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  // Nothing in the data may end the script that holds it.
  for (size_t at = 0; (at = json.find('<', at)) != std::string::npos; at += 6) json.replace(at, 1, "\\u003c");
  std::string filled(page);
  put(filled, "/*STYLE*/", {reinterpret_cast<const char*>(kPageStyle), kPageStyleSize});
  put(filled, "/*DATA*/", json);
  return filled;
}

std::string base64(Bytes bytes) {
  const std::unique_ptr<gchar, GFree> text(
      g_base64_encode(reinterpret_cast<const guchar*>(bytes.data()), bytes.size()));
  return text.get();
}

std::string png_uri(const Tensor<float>& planes) {
  start_vips();
  const auto [n, c, h, w] = planes.shape();
  std::vector<unsigned char> samples;
  for (int64_t i = 0; i < h * w; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      samples.push_back(static_cast<unsigned char>(std::lround(255 * std::clamp(planes.plane(0, k)[i], 0.0F, 1.0F))));
    }
  }
  const VipsPtr<VipsImage> image(vips_image_new_from_memory(samples.data(), samples.size(), static_cast<int>(w),
                                                            static_cast<int>(h), static_cast<int>(c),
                                                            VIPS_FORMAT_UCHAR));
  void* file = nullptr;
  size_t size = 0;
  if (image == nullptr || vips_pngsave_buffer(image.get(), &file, &size, "compression", 9, nullptr) != 0) {
    fail(ErrorCode::io, "encoding a picture of {}x{} as PNG failed: {}", w, h, vips_message());
  }
  const std::unique_ptr<void, GFree> owner(file);
  return "data:image/png;base64," + base64({static_cast<const std::byte*>(file), size});
}

}  // namespace fsrcnn
