#include "picture/colour.hpp"

#include <array>

#include "base/parallel.hpp"

namespace fsrcnn {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

constexpr Matrix kToYcbcr = {{{65.481, 128.553, 24.966}, {-37.797, -74.203, 112.0}, {112.0, -93.786, -18.214}}};
constexpr std::array<double, 3> kOffset = {16, 128, 128};
constexpr double kLumaRange = 219;  // 65.481 + 128.553 + 24.966

constexpr Matrix inverse(const Matrix& m) {
  Matrix adjugate{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      const size_t a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
      adjugate[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
    }
  }
  const double determinant = m[0][0] * adjugate[0][0] + m[0][1] * adjugate[1][0] + m[0][2] * adjugate[2][0];
  for (auto& row : adjugate)
    for (double& value : row) value /= determinant;
  return adjugate;
}

constexpr Matrix kToRgb = inverse(kToYcbcr);

/// out = matrix * (in + before) + after, pixel by pixel.
Tensor<float> transform(const Tensor<float>& in, const Matrix& matrix, double factor,
                        const std::array<double, 3>& before, const std::array<double, 3>& after) {
  Tensor<float> out(in.shape());
  const int64_t w = in.shape().w;
  parallel_for(in.shape().h, [&](int64_t y) {
    for (int64_t i = 0; i < 3; ++i) {
      const auto& row = matrix[i];
      const float *a = in.row(0, 0, y), *b = in.row(0, 1, y), *c = in.row(0, 2, y);
      float* to = out.row(0, i, y);
      for (int64_t x = 0; x < w; ++x) {
        to[x] = static_cast<float>(
            factor * (row[0] * (a[x] + before[0]) + row[1] * (b[x] + before[1]) + row[2] * (c[x] + before[2])) +
            after[i]);
      }
    }
  });
  return out;
}

}  // namespace

Tensor<float> rgb_to_ycbcr(const Tensor<float>& rgb) {
  return transform(rgb, kToYcbcr, 1.0 / 255, {0, 0, 0}, {kOffset[0] / 255, kOffset[1] / 255, kOffset[2] / 255});
}

Tensor<float> ycbcr_to_rgb(const Tensor<float>& ycbcr) {
  return transform(ycbcr, kToRgb, 255, {-kOffset[0] / 255, -kOffset[1] / 255, -kOffset[2] / 255}, {0, 0, 0});
}

Tensor<float> gray_to_luma(Tensor<float> gray) {
  for (float& v : gray.values()) v = static_cast<float>((kLumaRange * v + kOffset[0]) / 255);
  return gray;
}

Tensor<float> luma_to_gray(Tensor<float> luma) {
  for (float& v : luma.values()) v = static_cast<float>((255 * static_cast<double>(v) - kOffset[0]) / kLumaRange);
  return luma;
}

}  // namespace fsrcnn
