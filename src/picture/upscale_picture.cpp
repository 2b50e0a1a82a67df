#include "picture/upscale_picture.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "picture/bicubic.hpp"
#include "picture/colour.hpp"

namespace fsrcnn {
namespace {

/// Planes first to first + count - 1 as a tensor of their own.
Tensor<float> planes_of(const Tensor<float>& planes, int64_t first, int64_t count) {
  const Shape shape = planes.shape();
  return {{1, count, shape.h, shape.w}, {planes.plane(0, first), planes.plane(0, first) + count * shape.h * shape.w}};
}

void put_planes(Tensor<float>& planes, int64_t first, const Tensor<float>& from) {
  std::copy(from.values().begin(), from.values().end(), planes.plane(0, first));
}

}  // namespace

Picture upscale_picture(Engine& engine, const Picture& picture, const Progress& progress) {
  const auto [n, c, h, w] = picture.planes.shape();
  const int64_t height = engine.scale() * h, width = engine.scale() * w;
  const bool gray = picture.colour_planes == 1;
  Picture result = picture;
  result.planes = Tensor<float>({1, c, height, width});  // throws before any work if it is too large

  Tensor<float> lr = picture.planes;
  gray ? gray_to_luma(lr) : rgb_to_ycbcr(lr);
  const Tensor<float> luma = engine.upscale(planes_of(lr, 0, 1), {.progress = progress});
  for (const float value : luma.values()) {
    if (!std::isfinite(value)) {
      fail(ErrorCode::model, "the network's output has the value {}: its weights are too large for float32", value);
    }
  }
  put_planes(result.planes, 0, luma);
  // Chroma and alpha, plane by plane to spare memory.
  for (int64_t k = 1; k < c; ++k) put_planes(result.planes, k, resize_bicubic(planes_of(lr, k, 1), height, width));
  gray ? luma_to_gray(result.planes) : ycbcr_to_rgb(result.planes);
  return result;
}

}  // namespace fsrcnn
