#include "base/error.hpp"
#include "nn/check.hpp"
#include "nn/conv2d.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {

namespace {

constexpr const char* kConv2d = "conv2d";

}  // namespace

void check_conv2d(const Shape& weight, int64_t bias_count, const Conv2dParams& p) {
  check_at_least(kConv2d, "stride", p.stride, 1);
  check_at_least(kConv2d, "padding", p.padding, 0);
  check_at_least(kConv2d, "dilation", p.dilation, 1);
  check_not_empty(kConv2d, "weight", weight);
  check_groups(kConv2d, p.groups, "out_channels", weight.n);
  if (weight.n < 1) {
    fail(ErrorCode::input, "{}: the weight has shape {}, without output channels", kConv2d, to_string(weight));
  }
  check_bias(kConv2d, bias_count, weight.n);
}

Shape conv2d_output_shape(const Shape& input, const Shape& weight, int64_t bias_count, const Conv2dParams& p) {
  check_conv2d(weight, bias_count, p);
  check_not_empty(kConv2d, "input", input);
  check_groups(kConv2d, p.groups, "in_channels", input.c);
  if (input.c / p.groups != weight.c) {
    fail(ErrorCode::input, "{}: the input has {} channels, but weight {} with groups = {} expects {}", kConv2d, input.c,
         to_string(weight), p.groups, weight.c * p.groups);
  }

  const auto size = [&](int64_t in, int64_t kernel, int64_t padding, int64_t dilation, int64_t stride) {
    const int64_t padded = in + 2 * padding, spanned = dilation * (kernel - 1) + 1;
    if (spanned > padded) {
      fail(
          ErrorCode::input,
          "{}: the output is empty: the kernel spans {} pixels (kernel_size {}, dilation {}), but the padded input has "
          "only {}",
          kConv2d, spanned, kernel, dilation, padded);
    }
    return (padded - spanned) / stride + 1;
  };
  return {input.n, weight.n, size(input.h, weight.h, p.padding.h, p.dilation.h, p.stride.h),
          size(input.w, weight.w, p.padding.w, p.dilation.w, p.stride.w)};
}

template <class T>
Tensor<T> conv2d_reference(const Tensor<T>& input, const Tensor<T>& weight, const std::vector<T>& bias,
                           const Conv2dParams& p, ThreadPool& pool) {
  const auto bias_count = static_cast<int64_t>(bias.size());
  const Shape shape = conv2d_output_shape(input.shape(), weight.shape(), bias_count, p);
  const bool pads = p.padding != Pair{0, 0};
  const Margins margins{p.padding.h, p.padding.h, p.padding.w, p.padding.w};
  const Tensor<T> padded = pads ? pad2d(input, margins, p.padding_mode) : Tensor<T>();
  const Tensor<T>& x = pads ? padded : input;

  Tensor<T> output(shape);
  const auto [out_channels, in_per_group, kh, kw] = weight.shape();
  const int64_t out_per_group = out_channels / p.groups;
  // A job is one row of one output channel, so that a picture's rows spread over the cores.
  pool.run(shape.n * out_channels * shape.h, [&, kh = kh, kw = kw, in_per_group = in_per_group](int64_t job) {
    const int64_t oy = job % shape.h, o = job / shape.h % shape.c, n = job / shape.h / shape.c;
    const int64_t first_in = o / out_per_group * in_per_group;
    T* out = output.row(n, o, oy);
    std::fill(out, out + shape.w, bias.empty() ? T{0} : bias[o]);
    for (int64_t i = 0; i < in_per_group; ++i) {
      for (int64_t ky = 0; ky < kh; ++ky) {
        const T* in = x.row(n, first_in + i, oy * p.stride.h + ky * p.dilation.h);
        for (int64_t kx = 0; kx < kw; ++kx) {
          const T k = weight(o, i, ky, kx);
          for (int64_t ox = 0; ox < shape.w; ++ox) out[ox] += k * in[ox * p.stride.w + kx * p.dilation.w];
        }
      }
    }
  });
  return output;
}

template Tensor<float> conv2d_reference(const Tensor<float>&, const Tensor<float>&, const std::vector<float>&,
                                        const Conv2dParams&, ThreadPool&);
template Tensor<double> conv2d_reference(const Tensor<double>&, const Tensor<double>&, const std::vector<double>&,
                                         const Conv2dParams&, ThreadPool&);

}  // namespace fsrcnn
