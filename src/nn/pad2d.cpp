#include "nn/pad2d.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace fsrcnn {

template <class T>
Tensor<T> pad2d(const Tensor<T>& input, const Margins& margins, PaddingMode mode) {
  const auto [n, c, h, w] = input.shape();
  const Shape padded{n, c, margins.top + h + margins.bottom, margins.left + w + margins.right};
  if (padded.h <= 0 || padded.w <= 0) {
    fail(ErrorCode::input, "padding by ({}, {}, {}, {}) leaves no pixels of a {}x{} input", margins.top, margins.bottom,
         margins.left, margins.right, h, w);
  }
  Tensor<T> output(padded);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      for (int64_t y = 0; y < padded.h; ++y) {
        const int64_t from_y = y - margins.top;
        if (mode == PaddingMode::zeros && (from_y < 0 || from_y >= h)) continue;
        const T* from = input.row(i, k, std::clamp<int64_t>(from_y, 0, h - 1));
        T* to = output.row(i, k, y);
        const int64_t first = std::clamp<int64_t>(margins.left, 0, padded.w);
        const int64_t last = std::clamp<int64_t>(margins.left + w, first, padded.w);
        if (mode == PaddingMode::replicate) std::fill(to, to + first, from[0]);
        std::copy(from + first - margins.left, from + last - margins.left, to + first);
        if (mode == PaddingMode::replicate) std::fill(to + last, to + padded.w, from[w - 1]);
      }
    }
  }
  return output;
}

template Tensor<float> pad2d(const Tensor<float>&, const Margins&, PaddingMode);
template Tensor<double> pad2d(const Tensor<double>&, const Margins&, PaddingMode);

}  // namespace fsrcnn
