#include <algorithm>
#include <cmath>
#include <utility>

#include "picture/colour.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {

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
  Tensor<float> integers({1, 1, s.h, s.w}), full({1, 1, s.h, s.w}), bt709({1, 1, s.h, s.w});
  for (int64_t i = 0; i < s.h * s.w; ++i) {
    const float r = picture.plane(0, 0)[i], g = picture.plane(0, 1)[i], b = picture.plane(0, 2)[i];
    const auto level = [](float v) { return static_cast<int>(std::lround(v * 255)); };
    integers.data()[i] = static_cast<float>(((66 * level(r) + 129 * level(g) + 25 * level(b) + 128) >> 8) + 16) / 255;
    full.data()[i] = 0.299F * r + 0.587F * g + 0.114F * b;
    bt709.data()[i] = (16 + 219 * (0.2126F * r + 0.7152F * g + 0.0722F * b)) / 255;
  }
  put("integer luma (66, 129, 25) instead of 65.481, 128.553, 24.966", std::move(integers));
  put("luma of BT.709 (0.2126, 0.7152, 0.0722) instead of BT.601", std::move(bt709));
  put("luma of full range (0.299, 0.587, 0.114)", std::move(full));
  return lumas;
}

}  // namespace fsrcnn
