#include "engine/upscale_luma.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/reference_network.hpp"

namespace fsrcnn {

Tensor<float> upscale_luma(const Model& model, const Tensor<float>& luma, const UpscaleLumaOptions& options) {
  const auto [n, c, height, width] = luma.shape();
  if (n != 1 || c != 1 || height < 1 || width < 1) {
    fail(ErrorCode::input, "a luma plane has shape (1, 1, H, W), but this one has {}", to_string(luma.shape()));
  }
  const int64_t scale = model.scale, halo = model.halo();
  // A halo is computed twice, so bands are at least a few times as high.
  const int64_t band_rows = std::max<int64_t>(4 * halo, options.band_pixels / width);
  Tensor<float> output({1, 1, scale * height, scale * width});
  for (int64_t begin = 0; begin < height; begin += band_rows) {
    const int64_t end = std::min(begin + band_rows, height);
    // Rows outside the picture are the network's padding, at every layer; rows of the picture around the band are real.
    const int64_t top = std::max<int64_t>(begin - halo, 0), bottom = std::min(end + halo, height);
    const float* first = luma.row(0, 0, top);
    const Tensor<float> band({1, 1, bottom - top, width}, {first, first + (bottom - top) * width});
    const Tensor<float> upscaled = reference_network(model, band);
    std::copy_n(upscaled.row(0, 0, scale * (begin - top)), scale * (end - begin) * scale * width,
                output.row(0, 0, scale * begin));
    if (options.progress) options.progress(static_cast<double>(end) / static_cast<double>(height));
  }
  return output;
}

}  // namespace fsrcnn
