#include "quality/metrics.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace fsrcnn {
namespace {

constexpr double kPeak = 255;
constexpr int64_t kWindow = 11;

void check_same_shape(const Tensor<float>& a, const Tensor<float>& b) {
  if (a.shape() != b.shape() || a.shape().n != 1 || a.shape().c != 1 || a.count() == 0) {
    fail(ErrorCode::input, "cannot compare planes of shape {} and {}; expected two of the same shape (1, 1, H, W)",
         to_string(a.shape()), to_string(b.shape()));
  }
}

std::array<double, kWindow> gaussian() {
  constexpr double kSigma = 1.5;
  std::array<double, kWindow> weight{};
  for (int64_t i = 0; i < kWindow; ++i) {
    const auto x = static_cast<double>(i) - (kWindow - 1) / 2.0;
    weight[i] = std::exp(-x * x / (2 * kSigma * kSigma));
  }
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  for (double& w : weight) w /= sum;
  return weight;
}

}  // namespace

double psnr(const Tensor<float>& a, const Tensor<float>& b) {
  check_same_shape(a, b);
  double squares = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double difference = static_cast<double>(a.data()[i]) - b.data()[i];
    squares += difference * difference;
  }
  if (squares == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(kPeak * kPeak / (squares / static_cast<double>(a.count())));
}

double ssim(const Tensor<float>& a, const Tensor<float>& b) {
  check_same_shape(a, b);
  const int64_t h = a.shape().h - kWindow + 1, w = a.shape().w - kWindow + 1;
  if (h < 1 || w < 1) {
    fail(ErrorCode::input, "SSIM needs planes of at least {}x{}, got {}x{}", kWindow, kWindow, a.shape().w,
         a.shape().h);
  }
  constexpr double kC1 = (0.01 * kPeak) * (0.01 * kPeak), kC2 = (0.03 * kPeak) * (0.03 * kPeak);
  const std::array<double, kWindow> weight = gaussian();
  std::vector<double> row_sums(h);
  parallel_for(h, [&](int64_t y) {
    // Weighted sums down the window's columns, then along the row: of a, b, a*a, b*b and a*b.
    std::vector<std::array<double, 5>> columns(a.shape().w);
    for (int64_t x = 0; x < a.shape().w; ++x) {
      for (int64_t k = 0; k < kWindow; ++k) {
        const double p = a(0, 0, y + k, x), q = b(0, 0, y + k, x), g = weight[k];
        const std::array<double, 5> terms = {p, q, p * p, q * q, p * q};
        for (size_t i = 0; i < terms.size(); ++i) columns[x][i] += g * terms[i];
      }
    }
    for (int64_t x = 0; x < w; ++x) {
      std::array<double, 5> mean{};
      for (int64_t k = 0; k < kWindow; ++k)
        for (size_t i = 0; i < mean.size(); ++i) mean[i] += weight[k] * columns[x + k][i];
      const auto [ma, mb, maa, mbb, mab] = mean;
      row_sums[y] += (2 * ma * mb + kC1) * (2 * (mab - ma * mb) + kC2) /
                     ((ma * ma + mb * mb + kC1) * ((maa - ma * ma) + (mbb - mb * mb) + kC2));
    }
  });
  return std::accumulate(row_sums.begin(), row_sums.end(), 0.0) / static_cast<double>(h * w);
}

}  // namespace fsrcnn
