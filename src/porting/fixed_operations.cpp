#include "porting/fixed_operations.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "nn/depth_to_space.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

/// Where an output pixel lies in the input.
enum class PixelGrid { half_pixel, align_corners, asymmetric };

struct Kernel {
  Interpolation mode = Interpolation::bilinear;
  double a = -0.75;       // of bicubic
  bool rounds = false;    // nearest: to the nearest, not down
  bool by_zeros = false;  // beyond the edge, instead of the edge
};

double position(int64_t at, int64_t in, int64_t out, PixelGrid grid) {
  const auto x = static_cast<double>(at);
  switch (grid) {
    case PixelGrid::half_pixel: return (x + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
    case PixelGrid::asymmetric: return x * static_cast<double>(in) / static_cast<double>(out);
    case PixelGrid::align_corners: break;
  }
  return out > 1 ? x * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
}

double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// (input pixel, weight) of each output pixel of an axis.
std::vector<std::vector<std::pair<int64_t, double>>> taps_of(int64_t in, int64_t out, const Kernel& kernel,
                                                             PixelGrid grid) {
  std::vector<std::vector<std::pair<int64_t, double>>> taps(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    auto& list = taps[static_cast<size_t>(i)];
    const auto put = [&](int64_t from, double weight) {
      if (kernel.by_zeros && (from < 0 || from >= in)) return;
      list.emplace_back(std::clamp<int64_t>(from, 0, in - 1), weight);
    };
    const double at = position(i, in, out, grid);
    const auto below = static_cast<int64_t>(std::floor(at));
    const double t = at - static_cast<double>(below);
    switch (kernel.mode) {
      case Interpolation::nearest:
        put(static_cast<int64_t>(std::floor(grid == PixelGrid::half_pixel || kernel.rounds ? at + 0.5 : at)), 1);
        break;
      case Interpolation::bilinear:
        put(below, 1 - t);
        put(below + 1, t);
        break;
      case Interpolation::bicubic:
        for (int64_t k = -1; k <= 2; ++k) put(below + k, cubic_weight(t - static_cast<double>(k), kernel.a));
    }
  }
  return taps;
}

Tensor<float> enlarged(const Tensor<float>& input, int64_t factor, const Kernel& kernel, PixelGrid grid) {
  const auto [n, c, h, w] = input.shape();
  const auto rows = taps_of(h, factor * h, kernel, grid), columns = taps_of(w, factor * w, kernel, grid);
  Tensor<float> tall({n, c, factor * h, w}), output({n, c, factor * h, factor * w});
  for (int64_t k = 0; k < n * c; ++k) {
    for (int64_t y = 0; y < factor * h; ++y) {
      for (int64_t x = 0; x < w; ++x) {
        double sum = 0;
        for (const auto& [from, weight] : rows[static_cast<size_t>(y)]) sum += weight * input(k / c, k % c, from, x);
        tall(k / c, k % c, y, x) = static_cast<float>(sum);
      }
      for (int64_t x = 0; x < factor * w; ++x) {
        double sum = 0;
        for (const auto& [from, weight] : columns[static_cast<size_t>(x)]) sum += weight * tall(k / c, k % c, y, from);
        output(k / c, k % c, y, x) = static_cast<float>(sum);
      }
    }
  }
  return output;
}

std::vector<FixedOperation> other_interpolations(const Layer& layer) {
  std::vector<FixedOperation> list;
  const auto name = [](const Kernel& k) {
    return k.mode == Interpolation::nearest    ? std::string(k.rounds ? "nearest (rounded)" : "nearest")
           : k.mode == Interpolation::bilinear ? std::string("bilinear")
                                               : fmt::format("bicubic (a = {:g})", k.a);
  };
  const Kernel right{layer.interpolation, layer.cubic_coefficient};
  std::vector<Kernel> kernels = {right};
  for (const Kernel& k : {Kernel{Interpolation::nearest}, Kernel{Interpolation::nearest, 0, true},
                          Kernel{Interpolation::bilinear}, Kernel{Interpolation::bicubic, -0.75},
                          Kernel{Interpolation::bicubic, -0.5}, Kernel{Interpolation::bicubic, -1}}) {
    const bool is_right = k.mode == right.mode && !k.rounds && (name(k) == name(right));
    if (!is_right) kernels.push_back(k);
  }
  for (size_t i = 0; i < kernels.size(); ++i) {
    for (const PixelGrid grid : {PixelGrid::half_pixel, PixelGrid::align_corners, PixelGrid::asymmetric}) {
      for (const bool by_zeros : {false, true}) {
        Kernel k = kernels[i];
        k.by_zeros = by_zeros;
        if (by_zeros && (k.mode == Interpolation::nearest || grid == PixelGrid::align_corners)) continue;
        if (i == 0 && grid == PixelGrid::half_pixel && !by_zeros) continue;  // the right one
        if (k.rounds && grid == PixelGrid::half_pixel) continue;             // it rounds anyway
        std::vector<std::string> parts;
        if (i > 0) parts.push_back(fmt::format("it is {}, not {}", name(k), name(right)));
        if (grid == PixelGrid::align_corners) {
          parts.emplace_back("the corners of input and output are aligned (align_corners=True), not the edges");
        } else if (grid == PixelGrid::asymmetric) {
          parts.emplace_back("pixels are taken at x / scale (asymmetric), not at their centres (half-pixel)");
        }
        if (by_zeros) parts.emplace_back("zeros are read beyond the edges, not the edges repeated");
        std::string sentence = parts[0];
        for (size_t j = 1; j < parts.size(); ++j) sentence += ", and " + parts[j];
        list.push_back({fmt::format("interpolation_{}_{}{}", i, static_cast<int>(grid), by_zeros ? "_zeros" : ""),
                        "of the interpolation: " + sentence,
                        [k, grid, r = layer.factor](const Tensor<float>& x) { return enlarged(x, r, k, grid); }});
      }
    }
  }
  return list;
}

/// Channel c, phase (py, px) is taken of channel source(c, py, px).
template <class Source>
TensorOp shuffle_by(int64_t r, Source source) {
  return [r, source](const Tensor<float>& x) {
    const auto [n, channels, h, w] = x.shape();
    if (r * r == 0 || channels % (r * r) != 0) fail(ErrorCode::input, "{} channels for depth to space", channels);
    Tensor<float> output({n, channels / (r * r), r * h, r * w});
    for (int64_t c = 0; c < output.shape().c; ++c)
      for (int64_t y = 0; y < r * h; ++y)
        for (int64_t i = 0; i < r * w; ++i)
          output(0, c, y, i) = x(0, source(c, y % r, i % r, output.shape().c), y / r, i / r);
    return output;
  };
}

std::vector<FixedOperation> other_shuffles(const Layer& layer) {
  const int64_t r = layer.factor;
  const std::string what = "of depth to space: ";
  return {
      {"shuffle_transposed", what + "rows and columns of the phases are exchanged",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t) { return (c * r + px) * r + py; })},
      {"shuffle_order", what + "its channels are taken as (scale * scale, C), TensorFlow's, not as (C, scale * scale)",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t all) { return (py * r + px) * all + c; })},
      {"shuffle_order_transposed",
       what + "its channels are taken as (scale * scale, C), with rows and columns of the phases exchanged",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t all) { return (px * r + py) * all + c; })},
      {"shuffle_reversed", what + "the phases come in reversed order",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t) { return (c + 1) * r * r - 1 - py * r - px; })},
      {"shuffle_rows_reversed", what + "the phases' rows come in reversed order",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t) { return (c * r + r - 1 - py) * r + px; })},
      {"shuffle_columns_reversed", what + "the phases' columns come in reversed order",
       shuffle_by(r, [r](int64_t c, int64_t py, int64_t px, int64_t) { return (c * r + py) * r + r - 1 - px; })}};
}

}  // namespace

std::vector<FixedOperation> other_operations(const Layer& layer) {
  if (layer.op == Layer::Op::interpolate) return other_interpolations(layer);
  if (layer.op == Layer::Op::depth_to_space) return other_shuffles(layer);
  return {};
}

}  // namespace fsrcnn
