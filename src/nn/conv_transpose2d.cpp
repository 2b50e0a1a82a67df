#include "nn/conv_transpose2d.hpp"

#include <algorithm>

#include "base/thread_pool.hpp"

namespace fsrcnn {

Tensor<float> conv_transpose2d(const Tensor<float>& input, const Tensor<float>& weight, const std::vector<float>& bias,
                               const ConvTranspose2dParams& p) {
  const auto bias_count = static_cast<int64_t>(bias.size());
  const Shape shape = conv_transpose2d_output_shape(input.shape(), weight.shape(), bias_count, p);
  Tensor<float> output(shape);
  const Shape in_shape = input.shape();
  const int64_t in_per_group = in_shape.c / p.groups, out_per_group = weight.shape().c;
  // With a stride beyond the width, the phases past the last column are empty.
  const int64_t phases = std::min(p.stride.w, shape.w);

  parallel_for(shape.n * shape.c * shape.h, [&](int64_t job) {
    const int64_t oy = job % shape.h, o = job / shape.h % shape.c, n = job / shape.h / shape.c;
    const int64_t first_in = o / out_per_group * in_per_group;
    float* out = output.row(n, o, oy);
    std::vector<float> phase((shape.w + p.stride.w - 1) / p.stride.w);
    // One phase: outputs q, q + stride, ... of the row. The same kernel columns reach all of them, and for each of
    // these they are a weighted copy of an input row, shifted.
    for (int64_t q = 0; q < phases; ++q) {
      const int64_t count = (shape.w - q + p.stride.w - 1) / p.stride.w;
      std::fill_n(phase.begin(), count, bias.empty() ? 0.0F : bias[o]);
      for (int64_t i = first_in; i < first_in + in_per_group; ++i) {
        for (int64_t ky = 0; ky < weight.shape().h; ++ky) {
          const int64_t from_y = oy + p.padding.h - ky * p.dilation.h;  // = iy * stride
          if (from_y % p.stride.h != 0 || from_y < 0 || from_y / p.stride.h >= in_shape.h) continue;
          const float* in = input.row(n, i, from_y / p.stride.h);
          const float* kernel = weight.row(i, o % out_per_group, ky);
          for (int64_t kx = 0; kx < weight.shape().w; ++kx) {
            const int64_t from_x = q + p.padding.w - kx * p.dilation.w;  // = ix * stride, for j = 0
            if (from_x % p.stride.w != 0) continue;
            const int64_t first_ix = from_x / p.stride.w;
            const int64_t end = std::min(count, in_shape.w - first_ix);
            for (int64_t j = std::max<int64_t>(0, -first_ix); j < end; ++j) phase[j] += kernel[kx] * in[first_ix + j];
          }
        }
      }
      for (int64_t j = 0; j < count; ++j) out[q + j * p.stride.w] = phase[j];
    }
  });
  return output;
}

}  // namespace fsrcnn
