#include <algorithm>
#include <cmath>
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

/// CIE's lightness / 100 of sRGB.
float lightness(float r, float g, float b) {
  const auto linear = [](float v) { return v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F); };
  const float y = 0.2126F * linear(r) + 0.7152F * linear(g) + 0.0722F * linear(b);
  return y <= 216.0F / 24389 ? y * 24389 / 2700 : 1.16F * std::cbrt(y) - 0.16F;
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
  // R, G, B of each pixel side by side in memory, read as planes; and the other way round.
  Tensor<float> interleaved(s), planes(s);
  const int64_t size = s.h * s.w;
  for (int64_t i = 0; i < 3 * size; ++i) {
    interleaved.data()[i] = picture.plane(0, i % 3)[i / 3];
    planes.plane(0, i % 3)[i / 3] = picture.data()[i];
  }
  for (const auto& [pixels, words] :
       {std::pair(&interleaved, "of interleaved pixels (R, G, B, R, G, B) that are read as planes"),
        std::pair(&planes, "of planes that are read as interleaved pixels (R, G, B, R, G, B)")}) {
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
