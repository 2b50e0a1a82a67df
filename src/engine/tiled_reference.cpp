#include "engine/tiled_reference.hpp"

#include <algorithm>
#include <cmath>

#include "engine/reference_network.hpp"

namespace fsrcnn {
namespace {

template <class T>
void load(const ConstPlane& plane, int64_t y, int64_t x, int64_t count, float* to) {
  const auto* from = reinterpret_cast<const T*>(plane.row(y)) + x;
  const auto [black, range] = luma_levels(plane);
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]) / plane.one * range + black;
}

template <class T>
void store(const float* from, int64_t count, const Plane& plane, int64_t y, int64_t x) {
  auto* to = reinterpret_cast<T*>(plane.row(y)) + x;
  const auto [black, range] = luma_levels(plane);
  for (int64_t i = 0; i < count; ++i) {
    float value = (from[i] - black) * (plane.one / range);
    if (plane.full_range && !std::isnan(value)) value = std::clamp(value, 0.0F, plane.one);
    if constexpr (std::is_same_v<T, float>) {
      to[i] = value;
    } else {
      to[i] = static_cast<T>(std::isnan(value) ? 0.0F : std::nearbyint(value));
    }
  }
}

}  // namespace

void tiled_reference(const Model& model, const ConstPlane& input, int64_t input_begin, int64_t height,
                     int64_t first_row, int64_t rows, const Plane& output, int64_t tile_pixels,
                     const std::function<bool(int64_t)>& after_tile) {
  const int64_t scale = model.scale, halo = model.halo(), width = input.width, end = first_row + rows;
  // A halo is computed twice, so tiles are at least a few times as large; and as wide as the picture where they can be.
  const int64_t tile_columns = std::clamp<int64_t>(tile_pixels / (4 * halo), 4 * halo, width + 4 * halo);
  const int64_t tile_rows = std::max<int64_t>(4 * halo, tile_pixels / std::min(tile_columns, width));
  for (int64_t y = first_row; y < end; y += tile_rows) {
    for (int64_t x = 0; x < width; x += tile_columns) {
      const int64_t y_end = std::min(y + tile_rows, end), x_end = std::min(x + tile_columns, width);
      // What is outside the picture is the network's padding, at every layer; pixels of the picture around the tile are
      // real.
      const int64_t top = std::max<int64_t>(y - halo, 0), left = std::max<int64_t>(x - halo, 0);
      const int64_t bottom = std::min(y_end + halo, height), right = std::min(x_end + halo, width);
      Tensor<float> tile({1, 1, bottom - top, right - left});
      for (int64_t row = top; row < bottom; ++row) {
        float* const to = tile.row(0, 0, row - top);
        switch (input.type) {
          case SampleType::u8: load<uint8_t>(input, row - input_begin, left, right - left, to); break;
          case SampleType::u16: load<uint16_t>(input, row - input_begin, left, right - left, to); break;
          case SampleType::f32: load<float>(input, row - input_begin, left, right - left, to); break;
        }
      }
      const Tensor<float> upscaled = reference_network(model, tile);
      for (int64_t row = scale * y; row < scale * y_end; ++row) {
        const float* const from = upscaled.row(0, 0, row - scale * top) + scale * (x - left);
        const int64_t to = row - scale * first_row, count = scale * (x_end - x);
        switch (output.type) {
          case SampleType::u8: store<uint8_t>(from, count, output, to, scale * x); break;
          case SampleType::u16: store<uint16_t>(from, count, output, to, scale * x); break;
          case SampleType::f32: store<float>(from, count, output, to, scale * x); break;
        }
      }
      if (after_tile && !after_tile((y_end - y) * (x_end - x))) return;
    }
  }
}

}  // namespace fsrcnn
