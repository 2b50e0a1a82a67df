// Tiles of a workgroup, in a buffer with a halo around them: what of it is not loaded, or lies over something else.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nn/pad2d.hpp"
#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestWorkgroup = 64;
constexpr size_t kMostWorkgroupSizes = 6;

enum class Spoilt { corners, left, right, top, bottom, overlapping_rows, margin_kept };

const char* words_of(Spoilt spoilt) {
  switch (spoilt) {
    case Spoilt::corners: return "load their halo without its four corners, which stay 0";
    case Spoilt::left: return "do not load the halo on their left: it stays 0";
    case Spoilt::right: return "do not load the halo on their right: it stays 0";
    case Spoilt::top: return "do not load the halo above them: it stays 0";
    case Spoilt::bottom: return "do not load the halo below them: it stays 0";
    case Spoilt::overlapping_rows:
      return "lie in a buffer whose rows overlap (a pitch that is one too short): the last value of each row, of the "
             "halo on the right, is the first of the next";
    case Spoilt::margin_kept:
      return "are computed with their halo, and nobody cuts that margin off: its wrong results lie over the neighbour";
  }
  return "";
}

/// The tile's output, (1, C, height, width) of the picture, of a padded part of the input.
Tensor<float> of_tile(const LayerPort& plain, const Tensor<float>& padded, int64_t top, int64_t left, int64_t height,
                      int64_t width, Spoilt spoilt, Pair around) {
  const Shape s = padded.shape();
  Tensor<float> tile = pad2d(
      padded, {-top, top + height + 2 * around.h - s.h, -left, left + width + 2 * around.w - s.w}, PaddingMode::zeros);
  const Shape t = tile.shape();
  for (int64_t c = 0; c < t.c; ++c) {
    if (spoilt == Spoilt::overlapping_rows) {
      for (int64_t y = 0; y + 1 < t.h; ++y) tile(0, c, y, t.w - 1) = tile(0, c, y + 1, 0);
      continue;
    }
    for (int64_t y = 0; y < t.h; ++y)
      for (int64_t x = 0; x < t.w; ++x) {
        const bool above = y < around.h, below = y >= t.h - around.h, before = x < around.w,
                   after = x >= t.w - around.w;
        const bool lost = spoilt == Spoilt::corners  ? (above || below) && (before || after)
                          : spoilt == Spoilt::left   ? before
                          : spoilt == Spoilt::right  ? after
                          : spoilt == Spoilt::top    ? above
                          : spoilt == Spoilt::bottom ? below
                                                     : false;
        if (lost) tile(0, c, y, x) = 0;
      }
  }
  return convolved(plain, tile);
}

Tensor<float> in_workgroups(const LayerPort& port, const Tensor<float>& input, int64_t size, Spoilt spoilt) {
  LayerPort plain = port;
  plain.convolve = nullptr;
  const Shape s = input.shape();
  const Pair around = port.padding;
  Tensor<float> output({1, port.out_channels(), s.h, s.w});
  const auto put = [&](const Tensor<float>& part, int64_t top, int64_t left) {
    const Shape p = part.shape();
    for (int64_t c = 0; c < p.c; ++c)
      for (int64_t y = 0; y < p.h && top + y < s.h; ++y)
        for (int64_t x = 0; x < p.w && left + x < s.w; ++x) output(0, c, top + y, left + x) = part(0, c, y, x);
  };
  if (spoilt == Spoilt::margin_kept) {
    for (int64_t top = 0; top < s.h; top += size)
      for (int64_t left = 0; left < s.w; left += size) {
        const int64_t y0 = std::max<int64_t>(0, top - around.h), x0 = std::max<int64_t>(0, left - around.w);
        const int64_t y1 = std::min(s.h, top + size + around.h), x1 = std::min(s.w, left + size + around.w);
        put(convolved(plain, pad2d(input, {-y0, y1 - s.h, -x0, x1 - s.w}, PaddingMode::zeros)), y0, x0);
      }
    return output;
  }
  // At the picture's end the buffer is filled with zeros.
  const Tensor<float> padded = pad2d(input, {around.h, around.h + size, around.w, around.w + size}, PaddingMode::zeros);
  plain.padding = {0, 0};
  for (int64_t top = 0; top < s.h; top += size)
    for (int64_t left = 0; left < s.w; left += size) {
      put(of_tile(plain, padded, top, left, size, size, spoilt, around), top, left);
    }
  return output;
}

}  // namespace

std::vector<Mistake> fit_workgroups(const LayerCase& layer) {
  const LayerPort& port = layer.port();
  const Shape s = layer.found().shape(), right = layer.right().shape();
  if (!port.convolves || !port.has_weight() || port.is_transposed || port.shuffles() || port.convolve || port.tiles ||
      port.beyond || port.padding_mode != PaddingMode::zeros || port.padding.h < 1 || port.padding.w < 1 ||
      port.dilation != Pair{1, 1} || s != right || layer.input().shape().h != s.h || layer.input().shape().w != s.w) {
    return {};
  }
  std::vector<uint8_t> wrong(static_cast<size_t>(s.h * s.w), 0);
  int64_t pixels = 0;
  for (int64_t i = 0; i < layer.found().count(); ++i) {
    if (std::abs(layer.found().data()[i] - layer.right().data()[i]) <= layer.tolerance()) continue;
    uint8_t& pixel = wrong[static_cast<size_t>(i % (s.h * s.w))];
    pixels += pixel == 0 ? 1 : 0;
    pixel = 1;
  }
  if (pixels < 4 || 2 * pixels > s.h * s.w) return {};
  std::vector<int64_t> sizes;
  for (int64_t size = 2 * std::max(port.padding.h, port.padding.w) + 1;
       size <= std::min(kLargestWorkgroup, std::max(s.h, s.w) - 1) && sizes.size() < kMostWorkgroupSizes; ++size) {
    const auto is_seam = [size](int64_t at, int64_t reach, int64_t extent) {
      return (at % size < reach && at >= size) || (at % size >= size - reach && at / size * size + size < extent);
    };
    bool all = true;
    for (int64_t i = 0; i < s.h * s.w && all; ++i) {
      const int64_t y = i / s.w, x = i % s.w;
      all = wrong[static_cast<size_t>(i)] == 0 || is_seam(y, port.padding.h, s.h) || is_seam(x, port.padding.w, s.w) ||
            x >= s.w - port.padding.w || y >= s.h - port.padding.h;
    }
    if (all) sizes.push_back(size);
  }
  std::vector<Mistake> list;
  for (const int64_t size : sizes) {
    for (const Spoilt spoilt : {Spoilt::corners, Spoilt::left, Spoilt::right, Spoilt::top, Spoilt::bottom,
                                Spoilt::overlapping_rows, Spoilt::margin_kept}) {
      list.push_back({"workgroup_tiles", fmt::format("tiles of {0} by {0} pixels {1}", size, words_of(spoilt)), "tiles",
                      false,
                      [size, spoilt](LayerPort& p) {
                        p.convolve = [size, spoilt](const LayerPort& one, const Tensor<float>& x) {
                          return in_workgroups(one, x, size, spoilt);
                        };
                      },
                      0.6});
    }
  }
  return list;
}

}  // namespace fsrcnn
