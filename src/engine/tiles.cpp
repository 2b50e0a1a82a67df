#include "engine/tiles.hpp"

#include <algorithm>
#include <cmath>

namespace fsrcnn {
namespace {

template <class T>
void load(const ConstPlane& plane, Levels levels, int64_t y, int64_t x, int64_t count, float* to) {
  const auto* from = reinterpret_cast<const T*>(plane.row(y)) + x;
  const auto [black, range] = levels_of(levels, plane);
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<float>(from[i]) / plane.one * range + black;
    // A clamp would make a number of an infinity.
    if constexpr (std::is_same_v<T, float>) to[i] = std::isfinite(to[i]) ? to[i] : NAN;
  }
}

template <class T>
void store(const float* from, int64_t count, const Plane& plane, Levels levels, int64_t y, int64_t x) {
  auto* to = reinterpret_cast<T*>(plane.row(y)) + x;
  const auto [black, range] = levels_of(levels, plane);
  for (int64_t i = 0; i < count; ++i) {
    float value = (from[i] - black) * (plane.one / range);
    if (!std::isnan(value)) value = std::clamp(value, 0.0F, plane.one);
    if constexpr (std::is_same_v<T, float>) {
      to[i] = value;
    } else {
      to[i] = static_cast<T>(std::isnan(value) ? 0.0F : std::nearbyint(value));
    }
  }
}

// Columns begin ... end - 1, some of which may lie outside the plane: they are its mirror image.
void load_row(const ConstPlane& plane, Levels levels, int64_t y, int64_t begin, int64_t end, float* to) {
  const auto load_some = [&](int64_t x, int64_t count, float* first) {
    switch (plane.type) {
      case SampleType::u8: return load<uint8_t>(plane, levels, y, x, count, first);
      case SampleType::u16: return load<uint16_t>(plane, levels, y, x, count, first);
      case SampleType::f32: return load<float>(plane, levels, y, x, count, first);
    }
  };
  const int64_t left = std::max<int64_t>(begin, 0), right = std::min(end, plane.width);
  load_some(left, right - left, to + (left - begin));
  for (int64_t x = begin; x < left; ++x) load_some(mirrored(x, plane.width), 1, to + (x - begin));
  for (int64_t x = right; x < end; ++x) load_some(mirrored(x, plane.width), 1, to + (x - begin));
}

void store_row(const float* from, int64_t count, const Plane& plane, Levels levels, int64_t y, int64_t x) {
  switch (plane.type) {
    case SampleType::u8: return store<uint8_t>(from, count, plane, levels, y, x);
    case SampleType::u16: return store<uint16_t>(from, count, plane, levels, y, x);
    case SampleType::f32: return store<float>(from, count, plane, levels, y, x);
  }
}

}  // namespace

void run_in_tiles(const Network& network, const Looks& looks, const RunTile& run, const ConstPlane* input,
                  int64_t input_begin, int64_t height, int64_t first_row, int64_t rows, const Plane* output,
                  int64_t tile_pixels, const std::function<bool(int64_t)>& after_tile) {
  const int64_t scale = network.scale, width = input->width, end = first_row + rows;
  const int64_t halo = std::max<int64_t>(1, network.halo()), channels = network.channels();
  const Levels levels = levels_of(network);
  // A halo is computed twice, so tiles are at least a few times as large; and as wide as the picture where they can be.
  const int64_t tile_columns = std::clamp<int64_t>(tile_pixels / (4 * halo), 4 * halo, width + 4 * halo);
  const int64_t tile_rows = std::max<int64_t>(4 * halo, tile_pixels / std::min(tile_columns, width));
  for (int64_t y = first_row; y < end; y += tile_rows) {
    for (int64_t x = 0; x < width; x += tile_columns) {
      const int64_t y_end = std::min(y + tile_rows, end), x_end = std::min(x + tile_columns, width);
      // Pixels of the picture around the tile are real. What is outside the picture is the network's padding, at every
      // layer, or the mirror image, beyond which no output looks.
      int64_t top = y - halo, left = x - halo, bottom = y_end + halo, right = x_end + halo;
      if (!looks.extend_edges) {
        top = std::max<int64_t>(top, 0);
        left = std::max<int64_t>(left, 0);
        bottom = std::min(bottom, height);
        right = std::min(right, width);
      }
      Tensor<float> tile({1, channels, bottom - top, right - left});
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t row = top; row < bottom; ++row) {
          load_row(input[c], levels, mirrored(row, height) - input_begin, left, right, tile.row(0, c, row - top));
        }
      }
      Tensor<float> upscaled = run(tile);
      if (looks.guard > 0) guard_overshoot(tile, looks.guard, upscaled);
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t row = scale * y; row < scale * y_end; ++row) {
          store_row(upscaled.row(0, c, row - scale * top) + scale * (x - left), scale * (x_end - x), output[c], levels,
                    row - scale * first_row, scale * x);
        }
      }
      if (after_tile && !after_tile((y_end - y) * (x_end - x))) return;
    }
  }
}

}  // namespace fsrcnn
