#include "picture/bicubic.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace fsrcnn {
namespace {

double cubic(double x) {
  x = std::abs(x);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x <= 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

/// For each output pixel along one axis, the input pixels that it is made of and their weights.
struct Taps {
  int64_t count;               ///< for each output pixel
  std::vector<int64_t> index;  ///< (size_out, count)
  std::vector<double> weight;  ///< (size_out, count), each row sums to 1
};

Taps make_taps(int64_t size_in, int64_t size_out) {
  const double scale = static_cast<double>(size_out) / static_cast<double>(size_in);
  const double kernel_scale = std::min(scale, 1.0);
  const double radius = 2 / kernel_scale;
  Taps taps{static_cast<int64_t>(std::ceil(2 * radius)) + 2, {}, {}};
  for (int64_t out = 0; out < size_out; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) / scale - 0.5;
    const auto left = static_cast<int64_t>(std::floor(centre - radius));
    double sum = 0;
    for (int64_t i = left; i < left + taps.count; ++i) {
      // ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
      const int64_t in_period = ((i % (2 * size_in)) + 2 * size_in) % (2 * size_in);
      taps.index.push_back(std::min(in_period, 2 * size_in - 1 - in_period));
      taps.weight.push_back(cubic((centre - static_cast<double>(i)) * kernel_scale));
      sum += taps.weight.back();
    }
    for (int64_t k = 1; k <= taps.count; ++k) taps.weight[taps.weight.size() - k] /= sum;
  }
  return taps;
}

}  // namespace

Tensor<float> resize_bicubic(const Tensor<float>& input, int64_t height, int64_t width) {
  const auto [n, c, h, w] = input.shape();
  if (h < 1 || w < 1 || height < 1 || width < 1) {
    fail(ErrorCode::input, "a picture of {}x{} cannot be resized to {}x{}: sizes must be positive", w, h, width,
         height);
  }
  const Taps vertical = make_taps(h, height), horizontal = make_taps(w, width);
  Tensor<float> output({n, c, height, width});
  parallel_for(n * c * height, [&, c = c, w = w](int64_t job) {
    const int64_t y = job % height, plane = job / height;
    std::vector<double> row(w, 0.0);
    for (int64_t k = 0; k < vertical.count; ++k) {
      const double weight = vertical.weight[y * vertical.count + k];
      if (weight == 0) continue;
      const float* in = input.row(plane / c, plane % c, vertical.index[y * vertical.count + k]);
      for (int64_t x = 0; x < w; ++x) row[x] += weight * in[x];
    }
    float* out = output.row(plane / c, plane % c, y);
    for (int64_t x = 0; x < width; ++x) {
      double sum = 0;
      for (int64_t k = x * horizontal.count; k < (x + 1) * horizontal.count; ++k) {
        sum += horizontal.weight[k] * row[horizontal.index[k]];
      }
      out[x] = static_cast<float>(sum);
    }
  });
  return output;
}

}  // namespace fsrcnn
