#include "picture/tiled_picture.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

/// The position in [0, size) of one outside.
int64_t wrapped(int64_t position, int64_t size) { return (position % size + size) % size; }

int64_t border_of(int64_t size, int64_t output_size, int64_t reach) {
  const int64_t step = size / std::gcd(size, output_size);
  return (reach + step - 1) / step * step;
}

}  // namespace

TiledPicture::TiledPicture(PictureRows& picture, int64_t columns, int64_t rows)
    : picture_(picture), columns_(columns), rows_(rows), header_(picture.header()) {
  header_.width += 2 * columns;
  header_.height += 2 * rows;
}

void TiledPicture::read(Tensor<float>& rows) {
  const int64_t width = picture_.header().width, height = picture_.header().height;
  if (next_row_ == 0) {
    frame_ = Tensor<float>({1, header_.planes(), height, width});
    picture_.read(frame_);
  }
  const auto [n, c, h, w] = rows.shape();
  for (int64_t k = 0; k < c; ++k) {
    for (int64_t y = 0; y < h; ++y) {
      const float* const from = frame_.row(0, k, wrapped(next_row_ + y - rows_, height));
      float* const to = rows.row(0, k, y);
      for (int64_t x = 0; x < w;) {
        const int64_t first = wrapped(x - columns_, width), count = std::min(w - x, width - first);
        std::copy_n(from + first, count, to + x);
        x += count;
      }
    }
  }
  next_row_ = (next_row_ + h) % header_.height;
}

std::pair<int64_t, int64_t> tile_border(int64_t width, int64_t height, const ScalePlan& plan, int64_t reach) {
  return {border_of(width, plan.width, reach), border_of(height, plan.height, reach)};
}

ScalePlan with_border(const ScalePlan& plan, int64_t width, int64_t height, std::pair<int64_t, int64_t> border) {
  const auto [columns, rows] = border;
  ScalePlan wider = plan;
  wider.network_width += 2 * columns * plan.network_width / width;
  wider.network_height += 2 * rows * plan.network_height / height;
  wider.width += 2 * columns * plan.width / width;
  wider.height += 2 * rows * plan.height / height;
  return wider;
}

}  // namespace fsrcnn
