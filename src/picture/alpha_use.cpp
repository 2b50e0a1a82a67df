#include "picture/alpha_use.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "picture/metadata.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {

AlphaUse::AlphaUse(PictureRows& picture, const AlphaOptions& options, std::string output, bool stores_alpha)
    : picture_(picture), options_(options), output_(std::move(output)), header_(picture.header()) {
  if (!header_.has_alpha) return;
  if (options.kind == AlphaKind::data) header_.alpha_is_data = true;
  if (options.kind == AlphaKind::transparency) header_.alpha_is_data = false;
  if (header_.alpha_is_data && options.background) {
    fail(ErrorCode::usage,
         "--background is for transparent pictures, but the channel beside the colours is data; use "
         "--alpha transparency if it is not");
  }
  opaque_ = !stores_alpha && !header_.alpha_is_data && options.kind != AlphaKind::dropped && !options.background;
  const bool on_ground = options.background && options.kind != AlphaKind::dropped;
  if (options.kind == AlphaKind::dropped || options.background || opaque_) header_.has_alpha = false;
  if (!on_ground || header_.colour_planes == 3) return;
  const auto& [red, green, blue] = *options.background;
  if (red == green && green == blue) return;
  header_.colour_planes = 3;
  if (header_.metadata == nullptr) return;
  header_.metadata = describe(header_.metadata.get());
  vips_image_remove(header_.metadata.get(), VIPS_META_ICC_NAME);  // for gray
}

void AlphaUse::read(Tensor<float>& rows) {
  if (header_.has_alpha == picture_.header().has_alpha) return picture_.read(rows);
  const auto [n, c, h, w] = rows.shape();
  const int64_t stored = picture_.header().colour_planes;
  Tensor<float> all({1, stored + 1, h, w});
  picture_.read(all);
  const float* const alpha = all.plane(0, stored);
  // Of floats opaque is 1, too; what is nearly so, as resampling leaves it, is.
  constexpr float kOpaque = 1 - 0.5F / 255;
  if (opaque_ && std::any_of(alpha, alpha + h * w, [](float a) { return a < kOpaque; })) {
    fail(ErrorCode::input,
         "the picture is transparent in places, which '{}' cannot store; use --background COLOUR, --alpha drop, or "
         ".png, .tif or .webp",
         output_);
  }
  for (int64_t k = 0; k < c; ++k) {
    const float* const from = all.plane(0, std::min(k, stored - 1));
    float* const to = rows.plane(0, k);
    if (!options_.background || options_.kind == AlphaKind::dropped) {
      std::copy_n(from, h * w, to);
      continue;
    }
    const float ground = (*options_.background)[static_cast<size_t>(k)];
    for (int64_t i = 0; i < h * w; ++i) {
      const float a = std::clamp(alpha[i], 0.0F, 1.0F);
      to[i] = a * from[i] + (1 - a) * ground;
    }
  }
}

std::array<float, 3> parse_colour(const std::string& text) {
  if (text == "white") return {1, 1, 1};
  if (text == "black") return {0, 0, 0};
  const std::string_view digits = std::string_view(text).substr(text.starts_with('#') ? 1 : 0);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 6 || error != std::errc{} || end != digits.data() + digits.size()) {
    fail(ErrorCode::usage, "'{}' is not a colour; expected white, black, or six hexadecimal digits, e.g. #ff8000",
         text);
  }
  const auto part = [&](int shift) { return static_cast<float>(value >> shift & 255) / 255; };
  return {part(16), part(8), part(0)};
}

}  // namespace fsrcnn
