#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "picture/colour.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 21;  // of a picture of which all lumas are held

struct LumaKind {
  std::string name;
  bool full, limited;  // in which ranges it is tried
  std::function<float(float, float, float)> f;
};

float linear_of_srgb(float v) { return v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F); }

/// CIE's lightness / 100 of sRGB.
float lightness(float r, float g, float b) {
  const float y = 0.2126F * linear_of_srgb(r) + 0.7152F * linear_of_srgb(g) + 0.0722F * linear_of_srgb(b);
  return y <= 216.0F / 24389 ? y * 24389 / 2700 : 1.16F * std::cbrt(y) - 0.16F;
}

/// sRGB: of one light as of all.
float luma_of_linear_light(float r, float g, float b) {
  const float y = 0.2126F * linear_of_srgb(r) + 0.7152F * linear_of_srgb(g) + 0.0722F * linear_of_srgb(b);
  return y <= 0.0031308F ? 12.92F * y : 1.055F * std::pow(y, 1 / 2.4F) - 0.055F;
}

std::vector<LumaKind> luma_kinds() {
  const auto weighted = [](float wr, float wg, float wb) {
    return [=](float r, float g, float b) { return wr * r + wg * g + wb * b; };
  };
  using F = float;
  return {
      {"the mean of the planes, (R + G + B) / 3", true, true, [](F r, F g, F b) { return (r + g + b) / 3; }},
      {"the largest of R, G and B (V of HSV)", true, true,
       [](F r, F g, F b) {
         return std::max({r, g, b});
       }},
      {"the smallest of R, G and B", true, true,
       [](F r, F g, F b) {
         return std::min({r, g, b});
       }},
      {"the mean of the largest and the smallest of R, G and B (L of HSL)", true, true,
       [](F r, F g, F b) {
         return (std::max({r, g, b}) + std::min({r, g, b})) / 2;
       }},
      {"the lightness L* / 100 (of CIE Lab)", true, true, lightness},
      {"the Y of YCoCg, (R + 2 G + B) / 4", true, true, weighted(0.25F, 0.5F, 0.25F)},
      {"the root mean square of R, G and B", true, false,
       [](F r, F g, F b) { return std::sqrt((r * r + g * g + b * b) / 3); }},
      {"luma of BT.709 (0.2126, 0.7152, 0.0722)", true, false, weighted(0.2126F, 0.7152F, 0.0722F)},
      {"luma of BT.2020 (0.2627, 0.678, 0.0593)", true, true, weighted(0.2627F, 0.678F, 0.0593F)},
      {"luma of BT.601 without its offset of 16/255", true, false,
       weighted(0.299F * 219 / 255, 0.587F * 219 / 255, 0.114F * 219 / 255)},
      {"luma of BT.601 with planes in the order BGR", true, false, weighted(0.114F, 0.587F, 0.299F)},
      {"luma of BT.601 with planes in the order GBR", true, true, weighted(0.114F, 0.299F, 0.587F)},
      {"luma of BT.601 with planes in the order BRG", true, true, weighted(0.587F, 0.114F, 0.299F)},
      {"luma of BT.601 with planes in the order RBG", true, true, weighted(0.299F, 0.114F, 0.587F)},
      {"luma of BT.601 with planes in the order GRB", true, true, weighted(0.587F, 0.299F, 0.114F)},
      {"luma of linear light (BT.709's sum of linear R, G and B, coded as sRGB again)", true, true,
       luma_of_linear_light},
      {"the red plane", false, true, [](F r, F, F) { return r; }},
      {"the green plane", false, true, [](F, F g, F) { return g; }},
      {"the blue plane", false, true, [](F, F, F b) { return b; }},
  };
}

}  // namespace

std::map<std::string, std::shared_ptr<const Tensor<float>>> wrong_lumas(const Tensor<float>& picture,
                                                                        int64_t colour_planes) {
  std::map<std::string, std::shared_ptr<const Tensor<float>>> lumas;
  if (colour_planes != 3) return lumas;
  const Shape s = picture.shape();
  const auto plane = [&](const Tensor<float>& from, int64_t c) {
    return Tensor<float>({1, 1, s.h, s.w}, {from.plane(0, c), from.plane(0, c) + s.h * s.w});
  };
  const auto put = [&](const std::string& name, Tensor<float> luma) {
    lumas[name] = std::make_shared<const Tensor<float>>(std::move(luma));
  };
  Tensor<float> ycbcr = picture, bgr = picture;
  rgb_to_ycbcr(ycbcr);
  std::swap_ranges(bgr.plane(0, 0), bgr.plane(0, 0) + s.h * s.w, bgr.plane(0, 2));
  rgb_to_ycbcr(bgr);
  put("the luma of BGR taken for RGB", plane(bgr, 0));
  put("Cb (chroma)", plane(ycbcr, 1));
  put("Cr (chroma)", plane(ycbcr, 2));
  put("the red plane", plane(picture, 0));
  put("the green plane", plane(picture, 1));
  put("the blue plane", plane(picture, 2));
  const auto bt601 = [](float r, float g, float b) { return 0.299F * r + 0.587F * g + 0.114F * b; };
  Tensor<float> integers({1, 1, s.h, s.w}), full({1, 1, s.h, s.w}), bt709({1, 1, s.h, s.w});
  struct IntegerLuma {
    int r, g, b, rounding, shift, offset;
  };
  for (const IntegerLuma& k : {IntegerLuma{65, 128, 24, 0, 8, 16},
                               {65, 128, 24, 128, 8, 16},
                               {66, 129, 25, 0, 8, 16},
                               {77, 150, 29, 128, 8, 0},
                               {77, 150, 29, 0, 8, 0},
                               {76, 150, 29, 0, 8, 0},
                               {299, 587, 114, 0, 0, 0}}) {
    Tensor<float> luma({1, 1, s.h, s.w});
    for (int64_t i = 0; i < s.h * s.w; ++i) {
      const auto level = [&](int64_t c) { return static_cast<int>(std::lround(picture.plane(0, c)[i] * 255)); };
      const int sum = k.r * level(0) + k.g * level(1) + k.b * level(2) + k.rounding;
      luma.data()[i] = static_cast<float>((k.shift > 0 ? sum >> k.shift : sum / 1000) + k.offset) / 255;
    }
    put(fmt::format("integer luma with the coefficients {}, {}, {} of {}{}{}", k.r, k.g, k.b,
                    k.shift > 0 ? "256" : "1000", k.rounding > 0 ? ", rounded" : ", truncated",
                    k.offset > 0 ? "" : ", of full range"),
        std::move(luma));
  }
  for (int64_t i = 0; i < s.h * s.w; ++i) {
    const float r = picture.plane(0, 0)[i], g = picture.plane(0, 1)[i], b = picture.plane(0, 2)[i];
    const auto level = [](float v) { return static_cast<int>(std::lround(v * 255)); };
    integers.data()[i] = static_cast<float>(((66 * level(r) + 129 * level(g) + 25 * level(b) + 128) >> 8) + 16) / 255;
    full.data()[i] = bt601(r, g, b);
    bt709.data()[i] = (16 + 219 * (0.2126F * r + 0.7152F * g + 0.0722F * b)) / 255;
  }
  put("integer luma (66, 129, 25) instead of 65.481, 128.553, 24.966", std::move(integers));
  put("luma of BT.709 (0.2126, 0.7152, 0.0722) instead of BT.601", std::move(bt709));
  put("luma of full range (0.299, 0.587, 0.114)", std::move(full));
  if (s.h * s.w > kMostPixels) return lumas;
  for (const LumaKind& kind : luma_kinds()) {
    Tensor<float> full_range({1, 1, s.h, s.w}), limited({1, 1, s.h, s.w});
    for (int64_t i = 0; i < s.h * s.w; ++i) {
      const float v = kind.f(picture.plane(0, 0)[i], picture.plane(0, 1)[i], picture.plane(0, 2)[i]);
      full_range.data()[i] = v;
      limited.data()[i] = (16 + 219 * v) / 255;
    }
    if (kind.full) put(kind.name + (kind.limited ? ", of full range" : ""), std::move(full_range));
    if (kind.limited) put(kind.name + ", of limited range", std::move(limited));
  }
  // What a sensor sees: one colour at each pixel.
  const char* const colours = "RGB";
  for (const char* pattern : {"RGGB", "BGGR", "GRBG", "GBRG"}) {
    Tensor<float> mosaic({1, 1, s.h, s.w});
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        const char colour = pattern[y % 2 * 2 + x % 2];
        mosaic(0, 0, y, x) = picture(0, std::strchr(colours, colour) - colours, y, x);
      }
    put(fmt::format("the mosaic of a camera's sensor (Bayer, {}: one colour at each pixel)", pattern),
        std::move(mosaic));
  }
  // R, G, B of each pixel side by side in memory, read as planes; and the other way round; or with an alpha beside
  // them.
  Tensor<float> interleaved(s), planes(s), four_as_three(s), three_as_four(s), byte_late(s), byte_early(s);
  const int64_t size = s.h * s.w;
  for (int64_t i = 0; i < 3 * size; ++i) {
    interleaved.data()[i] = picture.plane(0, i % 3)[i / 3];
    planes.plane(0, i % 3)[i / 3] = picture.data()[i];
    four_as_three.plane(0, i % 3)[i / 3] = i % 4 == 3 ? 1 : picture.plane(0, i % 4)[i / 4];
    const int64_t byte = i / 3 * 4 + i % 3;
    const int64_t next = (i + 1) % (3 * size), last = (i + 3 * size - 1) % (3 * size);
    byte_late.plane(0, i % 3)[i / 3] = picture.plane(0, next % 3)[next / 3];
    byte_early.plane(0, i % 3)[i / 3] = picture.plane(0, last % 3)[last / 3];
    three_as_four.plane(0, i % 3)[i / 3] = byte < 3 * size ? picture.plane(0, byte % 3)[byte / 3] : 0;
  }
  for (const auto& [pixels, words] :
       {std::pair(&interleaved, "of interleaved pixels (R, G, B, R, G, B) that are read as planes"),
        std::pair(&planes, "of planes that are read as interleaved pixels (R, G, B, R, G, B)"),
        std::pair(&four_as_three, "of pixels with alpha (RGBA, 4 bytes) that are read as RGB (3 bytes)"),
        std::pair(&byte_late, "of RGB pixels that are read from the second byte on (a byte off: G, B, and the next R)"),
        std::pair(&byte_early, "of RGB pixels that are read a byte too early (the B before, R, G)"),
        std::pair(&three_as_four, "of RGB pixels (3 bytes) that are read as RGBA (4 bytes)")}) {
    Tensor<float> luma({1, 1, s.h, s.w});
    for (int64_t i = 0; i < size; ++i) {
      luma.data()[i] = bt601(pixels->plane(0, 0)[i], pixels->plane(0, 1)[i], pixels->plane(0, 2)[i]);
    }
    put(fmt::format("the luma {}, of full range", words), std::move(luma));
    Tensor<float> converted = *pixels;
    rgb_to_ycbcr(converted);
    put(fmt::format("the luma {}", words), plane(converted, 0));
  }
  return lumas;
}

}  // namespace fsrcnn
