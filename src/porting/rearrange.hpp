#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace fsrcnn {

/// Orders that the values of a tensor (1, C, H, W), or of weights, may be in by mistake; shapes stay.

/// to(n, c, y, x) = the value at the flat index source(n, c, y, x).
template <class Source>
Tensor<float> permuted(const Tensor<float>& from, Source&& source) {
  Tensor<float> to(from.shape());
  const Shape s = from.shape();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 0; x < s.w; ++x) to(n, c, y, x) = from.data()[source(n, c, y, x)];
  return to;
}

inline int64_t index_of(const Shape& s, int64_t n, int64_t c, int64_t y, int64_t x) {
  return ((n * s.c + c) * s.h + y) * s.w + x;
}

Tensor<float> flip(const Tensor<float>& t, bool rows, bool columns);
/// Rows and columns exchanged; the shape stays what it was, as that of a file that is read so.
Tensor<float> transpose(const Tensor<float>& t);
/// NCHW values in the order of NHWC, in a tensor that still calls itself NCHW; and back.
Tensor<float> to_nhwc(const Tensor<float>& t);
Tensor<float> from_nhwc(const Tensor<float>& t);

enum class Axis { channel, row, column };

int64_t extent_of(const Shape& shape, Axis axis);
/// "channel", "row", "column".
const char* name_of(Axis axis);

/// Slice i of an axis is what slice from[i] was; -1: zeros. As many as the axis has.
Tensor<float> taken(const Tensor<float>& t, Axis axis, const std::vector<int64_t>& from);

/// A way to put `count` things in another order (or to repeat some), by its id and in words.
struct Order {
  std::string id, words;
  std::vector<int64_t> from;  ///< thing i is what thing from[i] was; -1: none
};

/// Orders that hardware, loops and loaders make by mistake, and that are not the right one.
std::vector<Order> usual_orders(int64_t count);

/// How an order that was found is told: its usual name, or what is where; in `numbers`, how many numbers that takes.
Order named_order(const std::vector<int64_t>& from, const std::string& thing, double& numbers);

/// Values in raster order come n places later (earlier: n < 0) within each plane.
enum class Entering { zeros, edge, circular };  ///< what comes in at the end that is left free
Tensor<float> delayed(const Tensor<float>& t, int64_t n, Entering entering);
/// The picture moves by dy rows down and dx columns to the right.
Tensor<float> moved(const Tensor<float>& t, int64_t dy, int64_t dx, Entering entering);
/// "shifted 1 row down and 2 columns left", of 1 and -2.
std::string moved_words(int64_t dy, int64_t dx);

/// to's rows (columns) from `first` up to `end` become those of `from`, of the same shape.
void copy_lines(const Tensor<float>& from, bool rows, int64_t first, int64_t end, Tensor<float>& to);

Tensor<float> mapped(const Tensor<float>& t, const std::function<float(float)>& f);

/// The order in which files numbered so are listed by name: kernel10 before kernel2.
std::vector<int64_t> order_of_names(int64_t a, int64_t b);

}  // namespace fsrcnn
