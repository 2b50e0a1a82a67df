#include "support/layer_loops.hpp"

#include <algorithm>

namespace fsrcnn::test {

LayerLoops::LayerLoops(const Network& network, size_t index) {
  const Layer& l = network.layers[index];
  const bool last = index + 1 == network.layers.size();
  const Shape w = l.weight.shape();
  kernel = w.h;
  inputs = last ? w.n : w.c;
  outputs = last ? w.c : w.n;
  scale = last ? network.scale : 1;
  read = [](const Tensor<float>& in, int64_t c, int64_t y, int64_t x, int64_t, int64_t) -> double {
    const Shape s = in.shape();
    return y < 0 || x < 0 || y >= s.h || x >= s.w ? 0 : in(0, c, y, x);
  };
  weight = [&l, w, last](int64_t o, int64_t i, int64_t ky, int64_t kx) -> double {
    return last ? l.weight(i, o, w.h - 1 - ky, w.w - 1 - kx) : l.weight(o, i, ky, kx);
  };
  bias = [&l](int64_t o) -> double { return l.bias[static_cast<size_t>(o)]; };
  activate = [&l, last](double sum, int64_t o) {
    if (last) return std::clamp(sum, 0.0, 1.0);
    return sum > 0 ? sum : sum * l.slope[l.slope.size() == 1 ? 0 : static_cast<size_t>(o)];
  };
  write = [](double value, int64_t, int64_t, int64_t) { return value; };
}

Tensor<float> LayerLoops::run(const Tensor<float>& input) const {
  const Shape in = input.shape();
  const int64_t s = scale;
  // A correlation over the picture with zeros between its pixels.
  Tensor<float> out({1, outputs, in.h * s, in.w * s});
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t y = 0; y < in.h * s; ++y)
      for (int64_t x = 0; x < in.w * s; ++x) {
        double sum = 0;
        for (int64_t ky = 0; ky < kernel; ++ky)
          for (int64_t kx = 0; kx < kernel; ++kx) {
            const int64_t sy = y + ky - kernel / 2, sx = x + kx - kernel / 2;
            if ((sy % s + s) % s != 0 || (sx % s + s) % s != 0) continue;
            const int64_t iy = sy < 0 ? -(-sy / s) : sy / s, ix = sx < 0 ? -(-sx / s) : sx / s;
            for (int64_t i = 0; i < inputs; ++i) sum += read(input, i, iy, ix, y / s, x / s) * weight(o, i, ky, kx);
          }
        out(0, o, y, x) = static_cast<float>(write(activate(sum + bias(o), o), o, y, x));
      }
  return out;
}

}  // namespace fsrcnn::test
