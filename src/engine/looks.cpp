#include "engine/looks.hpp"

#include <algorithm>
#include <cmath>

namespace fsrcnn {

GuardRange guard_range(float (&nine)[9]) {
  std::sort(std::begin(nine), std::end(nine));
  const float range = nine[8] - nine[0];
  return {nine[0] - std::min(0.5F * range, 0.0625F * range + 8 * (nine[2] - nine[0])),
          nine[8] + std::min(0.5F * range, 0.0625F * range + 8 * (nine[8] - nine[6]))};
}

void guard_overshoot(const Tensor<float>& input, float guard, Tensor<float>& output) {
  const auto [n, channels, height, width] = input.shape();
  const int64_t scale = output.shape().h / height;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        float nine[9];
        for (int i = 0; i < 9; ++i) {
          const float pixel = input(0, c, std::clamp<int64_t>(y - 1 + i / 3, 0, height - 1),
                                    std::clamp<int64_t>(x - 1 + i % 3, 0, width - 1));
          nine[i] = std::isnan(pixel) ? 0 : pixel;
        }
        const auto [low, high] = guard_range(nine);
        for (int64_t row = scale * y; row < scale * (y + 1); ++row) {
          for (int64_t column = scale * x; column < scale * (x + 1); ++column) {
            float& value = output(0, c, row, column);
            const float limited = std::clamp(value, low, high);
            value = limited + (1 - guard) * (value - limited);
          }
        }
      }
    }
  }
}

}  // namespace fsrcnn
