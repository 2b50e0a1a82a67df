#include "nn/interpolate.hpp"

#include <algorithm>
#include <cmath>

#include "nn/check.hpp"

namespace fsrcnn {
namespace {

// Keys' kernel at distance x.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

}  // namespace

InterpolationTaps interpolation_taps(Interpolation mode, int64_t factor, int64_t phase, double cubic_coefficient) {
  // Where the pixel's centre lies in the input.
  const double at = (static_cast<double>(phase) + 0.5) / static_cast<double>(factor) - 0.5;
  const auto below = static_cast<int64_t>(std::floor(at));
  const double t = at - static_cast<double>(below);
  switch (mode) {
    case Interpolation::nearest: return {0, {1.0}};
    case Interpolation::bilinear: return {below, {1 - t, t}};
    case Interpolation::bicubic: break;
  }
  InterpolationTaps taps{below - 1, {}};
  for (int i = -1; i <= 2; ++i) taps.weights.push_back(cubic(t - i, cubic_coefficient));
  return taps;
}

template <class T>
Tensor<T> interpolate(const Tensor<T>& input, int64_t factor, Interpolation mode, double cubic_coefficient,
                      ThreadPool& pool) {
  constexpr const char* kOp = "interpolate";
  check_at_least(kOp, "scale_factor", {factor, factor}, 1);
  check_not_empty(kOp, "input", input.shape());
  const auto [n, c, h, w] = input.shape();
  std::vector<InterpolationTaps> taps;
  for (int64_t phase = 0; phase < factor; ++phase) {
    taps.push_back(interpolation_taps(mode, factor, phase, cubic_coefficient));
  }
  // The sum over taps of what `at` reads beside position x.
  const auto sum = [&](int64_t position, int64_t extent, const auto& at) {
    const InterpolationTaps& t = taps[static_cast<size_t>(position % factor)];
    T total = 0;
    for (size_t i = 0; i < t.weights.size(); ++i) {
      const int64_t from = position / factor + t.first + static_cast<int64_t>(i);
      total += static_cast<T>(t.weights[i]) * at(std::clamp<int64_t>(from, 0, extent - 1));
    }
    return total;
  };
  Tensor<T> rows({n, c, factor * h, w}), output({n, c, factor * h, factor * w});
  pool.run(n * c, [&, height = h, width = w, channels = c](int64_t plane) {
    const int64_t i = plane / channels, k = plane % channels;
    for (int64_t y = 0; y < factor * height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        rows(i, k, y, x) = sum(y, height, [&](int64_t from) { return input(i, k, from, x); });
      }
      const T* const row = rows.row(i, k, y);
      for (int64_t x = 0; x < factor * width; ++x) {
        output(i, k, y, x) = sum(x, width, [&](int64_t from) { return row[from]; });
      }
    }
  });
  return output;
}

template Tensor<float> interpolate(const Tensor<float>&, int64_t, Interpolation, double, ThreadPool&);
template Tensor<double> interpolate(const Tensor<double>&, int64_t, Interpolation, double, ThreadPool&);

}  // namespace fsrcnn
