#include "porting/in_place.hpp"

#include <algorithm>

#include "nn/conv_transpose2d.hpp"
#include "nn/pad2d.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {

const char* name_of(InPlace order) {
  return order == InPlace::rows ? "row" : order == InPlace::pixels ? "pixel" : "channel";
}

Tensor<float> convolved_in_place(const LayerPort& port, const Tensor<float>& input, InPlace order) {
  const Shape in = input.shape(), k = port.weight.shape();
  const Pair p = port.padding, d = port.dilation;
  Tensor<float> padded = pad2d(input, {p.h, p.h, p.w, p.w}, port.padding_mode), output(in);
  // Sums of a row of one channel, and of a pixel of all.
  const auto rows = [&](int64_t o, int64_t y) {
    float* const to = output.row(0, o, y);
    for (int64_t c = 0; c < k.c; ++c)
      for (int64_t ky = 0; ky < k.h; ++ky)
        for (int64_t kx = 0; kx < k.w; ++kx) {
          const float w = port.weight(o, c, ky, kx), *const from = padded.row(0, c, y + ky * d.h) + kx * d.w;
          for (int64_t x = 0; x < in.w; ++x) to[x] += w * from[x];
        }
  };
  std::vector<float> by_tap(static_cast<size_t>(port.weight.count())), sums(static_cast<size_t>(in.c));
  for (int64_t o = 0, taps = k.c * k.h * k.w; o < in.c; ++o)
    for (int64_t t = 0; t < taps; ++t) by_tap[static_cast<size_t>(t * in.c + o)] = port.weight.data()[o * taps + t];
  const auto pixel = [&](int64_t y, int64_t x) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    const float* w = by_tap.data();
    for (int64_t c = 0; c < k.c; ++c)
      for (int64_t ky = 0; ky < k.h; ++ky)
        for (int64_t kx = 0; kx < k.w; ++kx, w += in.c) {
          const float value = padded(0, c, y + ky * d.h, x + kx * d.w);
          for (int64_t o = 0; o < in.c; ++o) sums[static_cast<size_t>(o)] += w[o] * value;
        }
    for (int64_t o = 0; o < in.c; ++o) output(0, o, y, x) = sums[static_cast<size_t>(o)];
  };
  const auto write = [&](int64_t o, int64_t y, int64_t x) {
    float value = output(0, o, y, x) + (port.bias.empty() ? 0 : port.bias[static_cast<size_t>(o)]);
    if (port.bends()) {
      if (value < 0) value *= port.slope_of(o);
    }
    padded(0, o, y + p.h, x + p.w) = value;
  };
  const auto write_rows = [&](int64_t o, int64_t y) {
    for (int64_t x = 0; x < in.w; ++x) write(o, y, x);
  };
  if (order == InPlace::channels) {
    for (int64_t o = 0; o < in.c; ++o) {
      for (int64_t y = 0; y < in.h; ++y) rows(o, y);
      for (int64_t y = 0; y < in.h; ++y) write_rows(o, y);
    }
  } else if (order == InPlace::rows) {
    for (int64_t y = 0; y < in.h; ++y) {
      for (int64_t o = 0; o < in.c; ++o) rows(o, y);
      for (int64_t o = 0; o < in.c; ++o) write_rows(o, y);
    }
  } else {
    for (int64_t y = 0; y < in.h; ++y) {
      for (int64_t x = 0; x < in.w; ++x) {
        pixel(y, x);
        for (int64_t o = 0; o < in.c; ++o) write(o, y, x);
      }
    }
  }
  return output;
}

Tensor<float> convolution_of_enlarged(const LayerPort& port, const Tensor<float>& input, Interpolation mode) {
  const Pair p = port.padding;
  const int64_t s = port.factor;
  const Tensor<float> large = interpolate(input, s, mode, 0);
  const Tensor<float> full = conv_transpose2d(large, port.weight, {}, {});
  const Shape in = input.shape(), k = port.weight.shape(), f = full.shape();
  const int64_t height = (in.h - 1) * s + k.h - 2 * p.h + port.output_padding.h;
  const int64_t width = (in.w - 1) * s + k.w - 2 * p.w + port.output_padding.w;
  return pad2d(full, {-p.h, height - f.h + p.h, -p.w, width - f.w + p.w}, PaddingMode::zeros);
}

Tensor<float> with_stride_and_padding_exchanged(const LayerPort& port, const Tensor<float>& input) {
  const int64_t s = port.factor, stride = port.padding.h;
  const Tensor<float> full = conv_transpose2d(input, port.weight, {}, {.stride = {stride, stride}});
  const Shape in = input.shape(), f = full.shape();
  return pad2d(full, {-s, s * in.h - f.h + s, -s, s * in.w - f.w + s}, PaddingMode::zeros);
}

}  // namespace fsrcnn
