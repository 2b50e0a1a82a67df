#include "engine/upscale_luma.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {

Tensor<float> upscale_luma(const Model& model, const Tensor<float>& luma, const UpscaleLumaOptions& options) {
  const auto [n, c, height, width] = luma.shape();
  if (n != 1 || c != 1 || height < 1 || width < 1) {
    fail(ErrorCode::input, "a luma plane has shape (1, 1, H, W), but this one has {}", to_string(luma.shape()));
  }
  const int64_t scale = model.scale, halo = model.halo();
  // A halo is computed twice, so tiles are at least a few times as large; and as wide as the picture where they can be.
  const int64_t tile_columns = std::clamp<int64_t>(options.tile_pixels / (4 * halo), 4 * halo, width + 4 * halo);
  const int64_t tile_rows = std::max<int64_t>(4 * halo, options.tile_pixels / std::min(tile_columns, width));
  Tensor<float> output({1, 1, scale * height, scale * width});
  for (int64_t y = 0; y < height; y += tile_rows) {
    for (int64_t x = 0; x < width; x += tile_columns) {
      const int64_t y_end = std::min(y + tile_rows, height), x_end = std::min(x + tile_columns, width);
      // What is outside the picture is the network's padding, at every layer; pixels of the picture around the tile are
      // real.
      const int64_t top = std::max<int64_t>(y - halo, 0), left = std::max<int64_t>(x - halo, 0);
      const int64_t bottom = std::min(y_end + halo, height), right = std::min(x_end + halo, width);
      const Tensor<float> tile = pad2d(luma, {-top, bottom - height, -left, right - width}, PaddingMode::zeros);
      const Tensor<float> upscaled = reference_network(model, tile);
      for (int64_t row = scale * y; row < scale * y_end; ++row) {
        std::copy_n(upscaled.row(0, 0, row - scale * top) + scale * (x - left), scale * (x_end - x),
                    output.row(0, 0, row) + scale * x);
      }
      const int64_t done = y * width + (y_end - y) * x_end;
      if (options.progress) options.progress(static_cast<double>(done) / static_cast<double>(height * width));
    }
  }
  return output;
}

}  // namespace fsrcnn
