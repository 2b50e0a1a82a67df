#include "support/port.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace fsrcnn::test {
namespace {

using Map = Tensor<double>;

/// Digits after the point, or significant ones, by way of text, as a port gets them from files.
double through_text(double value, const char* format, int digits) {
  char text[64];  // NOLINT(*-avoid-c-arrays)
  std::snprintf(text, sizeof(text), format, digits, value);
  return std::atof(text);  // NOLINT(cert-err34-c)
}

/// The value at a pixel: outside of the picture 0, or the nearest within.
double at(const Map& x, int64_t c, int64_t y, int64_t px, bool replicate) {
  const Shape s = x.shape();
  const bool inside = y >= 0 && px >= 0 && y < s.h && px < s.w;
  if (!inside && !replicate) return 0;
  return x(0, c, std::clamp<int64_t>(y, 0, s.h - 1), std::clamp<int64_t>(px, 0, s.w - 1));
}

template <class F>
Map moved(const Map& x, F&& source) {
  Map to(x.shape());
  const Shape s = x.shape();
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t px = 0; px < s.w; ++px) to(0, c, y, px) = source(c, y, px);
  return to;
}

}  // namespace

double NewcomersPort::weight(size_t index, int64_t out, int64_t in, int64_t ky, int64_t kx) const {
  const Layer& l = model.layers[index];
  const Shape w = l.weight.shape();
  const bool tail = index + 1 == model.layers.size();
  if (has("kernel_transposed", index)) std::swap(ky, kx);
  if (has("kernel_not_turned", index)) ky = w.h - 1 - ky, kx = w.w - 1 - kx;
  if (has("kernel_upside_down", index)) ky = w.h - 1 - ky;
  if (has("kernel_mirrored", index)) kx = w.w - 1 - kx;
  int64_t flat = tail ? ((in * w.c + out) * w.h + ky) * w.w + kx : ((out * w.c + in) * w.h + ky) * w.w + kx;
  if (has("kernel_axes_swapped", index)) flat = ((in * w.n + out) * w.h + ky) * w.w + kx;
  return rounded("kernels", index, rounded("weights", index, l.weight.data()[flat]));
}

double NewcomersPort::rounded(const std::string& what, size_t index, double value) const {
  for (int digits = 1; digits <= 5; ++digits) {
    const std::string mistake = what + "_rounded_" + std::to_string(digits);
    if (has(mistake + "_decimals", index)) return through_text(value, "%.*f", digits);
    if (has(mistake + "_digits", index)) return through_text(value, "%.*e", digits - 1);
  }
  return value;
}

double NewcomersPort::bias(size_t index, int64_t out) const {
  if (has("bias_missing", index)) return 0;
  for (const Layer& other : model.layers) {
    if (has("bias_of_" + other.key, index)) return other.bias[out];
  }
  const double b = rounded("weights", index, model.layers[index].bias[out]);
  if (has("bias_each_channel", index)) {
    const Shape w = model.layers[index].weight.shape();
    return b * static_cast<double>(index + 1 == model.layers.size() ? w.n : w.c);
  }
  return has("bias_doubled", index) ? b + b : b;
}

double NewcomersPort::slope(size_t index, int64_t out) const {
  const std::vector<float>& slopes = model.layers[index].slope;
  for (const Layer& other : model.layers) {
    if (has("slope_of_" + other.key, index)) return other.slope[out];
  }
  if (has("slope_0.25", index)) return 0.25;
  if (has("slope_0.01", index)) return static_cast<double>(0.01F);
  if (has("slope_of_first_channel", index)) return slopes[0];
  if (has("slope_negated", index)) return -slopes[out];
  if (has("relu", index)) return 0;
  if (has("activation_missing", index)) return 1;
  return rounded("weights", index, slopes[slopes.size() == 1 ? 0 : out]);
}

Map NewcomersPort::layer(size_t index, const Map& input) const {
  const Layer& l = model.layers[index];
  const bool tail = index + 1 == model.layers.size();
  const Shape in = input.shape(), w = l.weight.shape();
  const int64_t k = w.h, outputs = tail ? w.c : w.n;
  const bool replicate = has("padding_replicate", index);
  int64_t dy = 0, dx = 0;
  for (int64_t a = -6; a <= 6; ++a)
    for (int64_t b = -6; b <= 6; ++b)
      if (has("crop_off_" + std::to_string(a) + "_" + std::to_string(b), index)) dy = a, dx = b;

  // A convolution; of the tail over the picture with zeros between its pixels, with the kernel turned.
  const int64_t s = tail ? model.scale : 1;
  int64_t height = in.h, width = in.w, pad = k / 2;
  if (has("padding_missing", index)) height -= k - 1, width -= k - 1, pad = 0;
  if (tail) {
    const int64_t extra = has("output_padding_missing", index) ? 0 : s - 1;
    height = (in.h - 1) * s + 1 + extra;
    width = (in.w - 1) * s + 1 + extra;
    if (has("output_padding_top_left", index)) dy = dx = -(s - 1);
  }
  Map weights({outputs, in.c, k, k});
  std::vector<double> biases, slopes;
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < in.c; ++i)
      for (int64_t ky = 0; ky < k; ++ky)
        for (int64_t kx = 0; kx < k; ++kx)
          weights(o, i, ky, kx) = weight(index, o, i, tail ? k - 1 - ky : ky, tail ? k - 1 - kx : kx);
    biases.push_back(bias(index, o));
    slopes.push_back(tail ? 1 : slope(index, o));
  }
  const bool clamps = !has("clamp_missing", index), bias_last = has("bias_after_activation", index);
  Map out({1, outputs, height, width});
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        double sum = 0;
        for (int64_t i = 0; i < in.c; ++i) {
          for (int64_t ky = 0; ky < k; ++ky) {
            for (int64_t kx = 0; kx < k; ++kx) {
              const int64_t sy = y + ky - pad + dy, sx = x + kx - pad + dx;
              if (tail && (((sy % s) + s) % s != 0 || ((sx % s) + s) % s != 0)) continue;
              const double value = at(input, i, tail ? sy / s : sy, tail ? sx / s : sx, replicate);
              sum += value * weights(o, i, ky, kx);
            }
          }
        }
        double result = bias_last ? sum : sum + biases[o];
        if (tail && clamps) result = std::clamp(result, 0.0, 1.0);
        if (result <= 0) result *= slopes[o];
        if (bias_last) result += biases[o];
        out(0, o, y, x) = result;
      }
    }
  }
  return out;
}

std::vector<Tensor<float>> NewcomersPort::run(const Tensor<float>& luma) const {
  Map x(luma.shape(), {luma.values().begin(), luma.values().end()});
  if (has("input_of_another_picture", 0)) {
    x = Map(other_picture.shape(), {other_picture.values().begin(), other_picture.values().end()});
  }
  std::vector<Tensor<float>> written;
  std::vector<Map> outputs;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const Shape s = x.shape();
    for (double& v : x.values()) {
      if (has("input_scale_255", i)) v *= 255;
      if (has("input_scale_twice", i)) v /= 255;
      if (has("input_full_range", i)) v = (v * 255 - 16) / 219;
      if (has("input_8_bits", i)) v = std::nearbyint(v * 255) / 255;
    }
    if (has("input_upside_down", i)) x = moved(x, [&](auto c, auto y, auto px) { return x(0, c, s.h - 1 - y, px); });
    if (has("input_transposed", i)) {
      x = moved(x, [&](auto c, auto y, auto px) {
        return x.data()[c * s.h * s.w + (y * s.w + px) % s.h * s.w + (y * s.w + px) / s.h];
      });
    }
    if (has("input_channels_reversed", i))
      x = moved(x, [&](auto c, auto y, auto px) { return x(0, s.c - 1 - c, y, px); });
    if (has("input_channels_reversed_by_4", i)) {
      x = moved(x, [&](auto c, auto y, auto px) { return x(0, c / 4 * 4 + 3 - c % 4, y, px); });
    }
    if (has("input_nhwc", i)) {
      // The array was written with channels last, and is read with channels first.
      Map read(s);
      int64_t from = 0;
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t px = 0; px < s.w; ++px)
          for (int64_t c = 0; c < s.c; ++c) read(0, c, y, px) = x.data()[from++];
      x = read;
    }
    if (has("input_of_shrinking", i)) x = outputs[1];
    x = layer(i, x);
    outputs.push_back(x);

    // What is written may be in another form than what is gone on with.
    Map file = x;
    const Shape o = x.shape();
    if (has("output_upside_down", i))
      file = moved(x, [&](auto c, auto y, auto px) { return x(0, c, o.h - 1 - y, px); });
    if (has("output_mirrored", i)) file = moved(x, [&](auto c, auto y, auto px) { return x(0, c, y, o.w - 1 - px); });
    if (has("output_channels_reversed", i))
      file = moved(x, [&](auto c, auto y, auto px) { return x(0, o.c - 1 - c, y, px); });
    if (has("output_nhwc", i)) {
      int64_t to = 0;
      for (int64_t y = 0; y < o.h; ++y)
        for (int64_t px = 0; px < o.w; ++px)
          for (int64_t c = 0; c < o.c; ++c) file.data()[to++] = x(0, c, y, px);
    }
    if (has("output_of_other_layer", i)) file = outputs[0];
    for (double& v : file.values()) {
      if (has("output_scale_255", i)) v *= 255;
      if (has("output_truncated", i)) v = std::floor(v * 255) / 255;
      if (has("output_8_bits", i)) v = std::nearbyint(v * 255) / 255;  // right
    }
    written.emplace_back(file.shape(), std::vector<float>(file.values().begin(), file.values().end()));
  }
  return written;
}

}  // namespace fsrcnn::test
