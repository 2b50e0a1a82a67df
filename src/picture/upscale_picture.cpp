#include "picture/upscale_picture.hpp"

#include <algorithm>
#include <utility>

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

Picture upscale_picture(const Model& model, const Picture& picture, const Progress& progress) {
  const auto [n, c, h, w] = picture.planes.shape();
  const int64_t height = model.scale * h, width = model.scale * w;
  Picture result = picture;
  result.planes = Tensor<float>({1, c, height, width});
  if (picture.colour_planes == 1) {
    const Tensor<float> luma = gray_to_luma(planes_of(picture.planes, 0, 1));
    put_planes(result.planes, 0, luma_to_gray(upscale_luma(model, luma, {.progress = progress})));
  } else {
    const Tensor<float> ycbcr = rgb_to_ycbcr(planes_of(picture.planes, 0, 3));
    Tensor<float> upscaled({1, 3, height, width});
    put_planes(upscaled, 0, upscale_luma(model, planes_of(ycbcr, 0, 1), {.progress = progress}));
    put_planes(upscaled, 1, resize_bicubic(planes_of(ycbcr, 1, 2), height, width));
    put_planes(result.planes, 0, ycbcr_to_rgb(upscaled));
  }
  if (picture.has_alpha)
    put_planes(result.planes, c - 1, resize_bicubic(planes_of(picture.planes, c - 1, 1), height, width));
  return result;
}

}  // namespace fsrcnn
