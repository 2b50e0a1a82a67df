// A transposed convolution that throws a kernel onto its output for each pixel: sums where these overlap, overwritten
// or lost.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

/// Of the pixels that reach an output row (or column), the one whose values stay; -1: none does.
int64_t kept_pixel(int64_t at, int64_t pixels, int64_t taps, int64_t stride, bool last) {
  const int64_t first = std::max<int64_t>(0, (at - taps + stride) / stride), end = std::min(pixels - 1, at / stride);
  return first > end ? -1 : last ? end : first;
}

/// Without bias: of all stamps on an output pixel the last (or the first) in raster order.
Tensor<float> without_sums(const LayerPort& port, const Tensor<float>& input, bool last) {
  const Shape w = port.weight.shape(), in = input.shape();
  const int64_t s = port.factor;
  Tensor<float> output({1, w.c, in.h * s, in.w * s});
  for (int64_t y = 0; y < in.h * s; ++y) {
    const int64_t py = kept_pixel(y + port.padding.h, in.h, w.h, s, last);
    for (int64_t x = 0; x < in.w * s; ++x) {
      const int64_t px = kept_pixel(x + port.padding.w, in.w, w.w, s, last);
      if (py < 0 || px < 0) continue;
      const int64_t ky = y + port.padding.h - py * s, kx = x + port.padding.w - px * s;
      for (int64_t o = 0; o < w.c; ++o) {
        double sum = 0;
        for (int64_t c = 0; c < in.c; ++c) sum += static_cast<double>(port.weight(c, o, ky, kx)) * input(0, c, py, px);
        output(0, o, y, x) = static_cast<float>(sum);
      }
    }
  }
  return output;
}

/// Strips of input rows (columns), of which each overwrites what the one before has written.
Tensor<float> in_strips(const LayerPort& port, const Tensor<float>& input, int64_t size, bool rows) {
  LayerPort plain = port;
  plain.convolve = nullptr;
  const Shape in = input.shape(), w = port.weight.shape();
  const int64_t s = port.factor, extent = rows ? in.h : in.w, pad = rows ? port.padding.h : port.padding.w;
  Tensor<float> output;
  for (int64_t first = 0; first < extent; first += size) {
    const int64_t end = std::min(extent, first + size), taps = rows ? w.h : w.w;
    Tensor<float> strip(in);
    copy_lines(input, rows, first, end, strip);
    const Tensor<float> part = convolved(plain, strip);
    if (first == 0) output = Tensor<float>(part.shape());
    const Shape o = part.shape();
    const int64_t from = std::max<int64_t>(0, first * s - pad);
    const int64_t to = std::min((rows ? o.h : o.w), (end - 1) * s + taps - pad);
    copy_lines(part, rows, from, to, output);
  }
  return output;
}

class Stamps {
 public:
  explicit Stamps(const LayerCase& layer) : layer_(layer), port_(layer.port()) {}

  std::vector<Mistake> all() {
    for (const bool last : {true, false}) {
      list_.push_back({"stamps_overwritten",
                       fmt::format("where the kernels of several pixels overlap in the output, only the {} is there: "
                                   "values are overwritten, not added",
                                   last ? "last one written" : "first one written"),
                       "stamps", false,
                       [last](LayerPort& p) {
                         p.convolve = [last](const LayerPort& port, const Tensor<float>& x) {
                           return without_sums(port, x, last);
                         };
                       },
                       0.3});
    }
    for (const bool rows : {true, false}) strips(rows);
    return std::move(list_);
  }

 private:
  /// A size for which only what overlaps is wrong, and most of it is.
  void strips(bool rows) {
    const Shape s = layer_.found().shape();
    const int64_t extent = rows ? s.h : s.w, across = rows ? s.w : s.h, stride = port_.factor;
    const int64_t taps = rows ? port_.weight.shape().h : port_.weight.shape().w;
    const int64_t pad = rows ? port_.padding.h : port_.padding.w;
    std::vector<uint8_t> wrong(static_cast<size_t>(extent), 0);
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t i = 0; i < extent; ++i)
        for (int64_t k = 0; k < across && wrong[static_cast<size_t>(i)] == 0; ++k) {
          const int64_t y = rows ? i : k, x = rows ? k : i;
          if (std::abs(layer_.found()(0, c, y, x) - layer_.right()(0, c, y, x)) > layer_.tolerance()) {
            wrong[static_cast<size_t>(i)] = 1;
          }
        }
    for (int64_t size = 2; size < extent / stride; ++size) {
      int64_t expected = 0, met = 0, beside = 0;
      for (int64_t i = 0; i < extent; ++i) {
        const int64_t at = i + pad;
        const bool overlaps = at >= size * stride && at % (size * stride) < taps - stride;
        expected += overlaps ? 1 : 0;
        if (wrong[static_cast<size_t>(i)] != 0) (overlaps ? met : beside) += 1;
      }
      if (beside > 0 || 2 * met < expected || met == 0) continue;
      list_.push_back({"strips_overwritten",
                       fmt::format("the layer is computed in strips of {} {} of its input, and where their results "
                                   "overlap in the output, the later strip overwrites the earlier: they are not added",
                                   size, rows ? "rows" : "columns"),
                       "stamps", false,
                       [size, rows](LayerPort& p) {
                         p.convolve = [size, rows](const LayerPort& port, const Tensor<float>& x) {
                           return in_strips(port, x, size, rows);
                         };
                       },
                       0.6});
      if (++found_ > 4) return;
    }
  }

  const LayerCase& layer_;
  const LayerPort& port_;
  int found_ = 0;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_stamps(const LayerCase& layer) {
  const LayerPort& p = layer.port();
  const Shape in = layer.input().shape(), out = layer.found().shape();
  if (!p.convolves || !p.is_transposed || p.factor < 2 || p.convolve || p.tiles || p.beyond || p.border > 0 ||
      p.dilation != Pair{1, 1} || layer.right().shape() != out || out.h != in.h * p.factor ||
      out.w != in.w * p.factor || !p.before.empty() || p.other_input) {
    return {};
  }
  return Stamps(layer).all();
}

}  // namespace fsrcnn
