#include <algorithm>

#include "base/error.hpp"
#include "nn/check.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {

namespace {

constexpr const char* kConvTranspose2d = "conv_transpose2d";

}  // namespace

void check_conv_transpose2d(const Shape& weight, int64_t bias_count, const ConvTranspose2dParams& p) {
  check_at_least(kConvTranspose2d, "stride", p.stride, 1);
  check_at_least(kConvTranspose2d, "padding", p.padding, 0);
  check_at_least(kConvTranspose2d, "output_padding", p.output_padding, 0);
  check_at_least(kConvTranspose2d, "dilation", p.dilation, 1);
  const auto check_output_padding = [](const char* axis, int64_t output_padding, int64_t stride, int64_t dilation) {
    if (output_padding < std::max(stride, dilation)) return;
    fail(ErrorCode::input, "{}: output_padding is {} ({}), but must be smaller than stride ({}) or dilation ({})",
         kConvTranspose2d, output_padding, axis, stride, dilation);
  };
  check_output_padding("height", p.output_padding.h, p.stride.h, p.dilation.h);
  check_output_padding("width", p.output_padding.w, p.stride.w, p.dilation.w);
  check_not_empty(kConvTranspose2d, "weight", weight);
  if (weight.n < 1) {
    fail(ErrorCode::input, "{}: the weight has shape {}, without input channels", kConvTranspose2d, to_string(weight));
  }
  check_groups(kConvTranspose2d, p.groups, "in_channels", weight.n);
  check_bias(kConvTranspose2d, bias_count, weight.c * p.groups);
}

Shape conv_transpose2d_output_shape(const Shape& input, const Shape& weight, int64_t bias_count,
                                    const ConvTranspose2dParams& p) {
  check_conv_transpose2d(weight, bias_count, p);
  check_not_empty(kConvTranspose2d, "input", input);
  if (input.c != weight.n) {
    fail(ErrorCode::input, "{}: the input has {} channels, but weight {} (in, out/groups, kh, kw) expects {}",
         kConvTranspose2d, input.c, to_string(weight), weight.n);
  }

  const auto size = [&](const char* axis, int64_t in, int64_t kernel, int64_t stride, int64_t padding,
                        int64_t output_padding, int64_t dilation) {
    const int64_t out = (in - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1;
    if (out < 1) {
      fail(ErrorCode::input,
           "{}: the output is empty: its {} would be ({} - 1) * {} - 2 * {} + {} * ({} - 1) + {} + 1 = {}",
           kConvTranspose2d, axis, in, stride, padding, dilation, kernel, output_padding, out);
    }
    return out;
  };
  return {input.n, weight.c * p.groups,
          size("height", input.h, weight.h, p.stride.h, p.padding.h, p.output_padding.h, p.dilation.h),
          size("width", input.w, weight.w, p.stride.w, p.padding.w, p.output_padding.w, p.dilation.w)};
}

template <class T>
Tensor<T> conv_transpose2d_reference(const Tensor<T>& input, const Tensor<T>& weight, const std::vector<T>& bias,
                                     const ConvTranspose2dParams& p, ThreadPool& pool) {
  const auto bias_count = static_cast<int64_t>(bias.size());
  const Shape shape = conv_transpose2d_output_shape(input.shape(), weight.shape(), bias_count, p);
  Tensor<T> output(shape);
  const auto [n_count, in_channels, height, width] = input.shape();
  const auto [weight_in, out_per_group, kh, kw] = weight.shape();
  const int64_t in_per_group = in_channels / p.groups;
  // A job is one row of one output channel: no two jobs add to the same pixel, whatever the number of cores.
  pool.run(shape.n * shape.c * shape.h, [&, h = height, w = width, kh = kh, kw = kw, opg = out_per_group](int64_t job) {
    const int64_t oy = job % shape.h, o = job / shape.h % shape.c, n = job / shape.h / shape.c;
    const int64_t group = o / opg;
    T* out = output.row(n, o, oy);
    std::fill(out, out + shape.w, bias.empty() ? T{0} : bias[o]);
    for (int64_t i = group * in_per_group; i < (group + 1) * in_per_group; ++i) {
      for (int64_t ky = 0; ky < kh; ++ky) {
        const int64_t from_y = oy + p.padding.h - ky * p.dilation.h;  // = iy * stride
        if (from_y % p.stride.h != 0 || from_y < 0 || from_y / p.stride.h >= h) continue;
        const T* in = input.row(n, i, from_y / p.stride.h);
        for (int64_t kx = 0; kx < kw; ++kx) {
          const T k = weight(i, o % opg, ky, kx);
          for (int64_t ix = 0; ix < w; ++ix) {
            const int64_t ox = ix * p.stride.w - p.padding.w + kx * p.dilation.w;
            if (ox >= 0 && ox < shape.w) out[ox] += k * in[ix];
          }
        }
      }
    }
  });
  return output;
}

template Tensor<float> conv_transpose2d_reference(const Tensor<float>&, const Tensor<float>&, const std::vector<float>&,
                                                  const ConvTranspose2dParams&, ThreadPool&);
template Tensor<double> conv_transpose2d_reference(const Tensor<double>&, const Tensor<double>&,
                                                   const std::vector<double>&, const ConvTranspose2dParams&,
                                                   ThreadPool&);

}  // namespace fsrcnn
