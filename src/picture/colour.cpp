#include "picture/colour.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/thread_pool.hpp"

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

/// matrix * (pixel + before) * factor + after, for each pixel of a row.
void transform(float* first, float* second, float* third, int64_t width, const Matrix& matrix, double factor,
               const std::array<double, 3>& before, const std::array<double, 3>& after) {
  const std::array<float*, 3> row = {first, second, third};
  for (int64_t x = 0; x < width; ++x) {
    const double a = row[0][x] + before[0], b = row[1][x] + before[1], c = row[2][x] + before[2];
    for (size_t i = 0; i < 3; ++i) {
      row[i][x] = static_cast<float>(factor * (matrix[i][0] * a + matrix[i][1] * b + matrix[i][2] * c) + after[i]);
    }
  }
}

}  // namespace

void rgb_to_ycbcr(Tensor<float>& planes) {
  parallel_for(planes.shape().h, [&](int64_t y) {
    transform(planes.row(0, 0, y), planes.row(0, 1, y), planes.row(0, 2, y), planes.shape().w, kToYcbcr, 1.0 / 255,
              {0, 0, 0}, {kOffset[0] / 255, kOffset[1] / 255, kOffset[2] / 255});
  });
}

void ycbcr_to_rgb(float* y, float* cb, float* cr, int64_t width) {
  transform(y, cb, cr, width, kToRgb, 255, {-kOffset[0] / 255, -kOffset[1] / 255, -kOffset[2] / 255}, {0, 0, 0});
}

void ycbcr_to_rgb(Tensor<float>& planes) {
  parallel_for(planes.shape().h, [&](int64_t y) {
    ycbcr_to_rgb(planes.row(0, 0, y), planes.row(0, 1, y), planes.row(0, 2, y), planes.shape().w);
  });
}

void gray_to_luma(Tensor<float>& planes) {
  float* const values = planes.plane(0, 0);
  for (int64_t i = 0; i < planes.shape().h * planes.shape().w; ++i) {
    values[i] = static_cast<float>(kLumaRange / 255 * values[i] + kOffset[0] / 255);
  }
}

void luma_to_gray(Tensor<float>& planes) { luma_to_gray(planes.plane(0, 0), planes.shape().h * planes.shape().w); }

void luma_to_gray(float* row, int64_t width) {
  for (int64_t x = 0; x < width; ++x) row[x] = static_cast<float>(255 / kLumaRange * row[x] - kOffset[0] / kLumaRange);
}

float srgb_from_linear(float value) {
  const float x = std::abs(value);
  return std::copysign(x <= 0.0031308F ? 12.92F * x : 1.055F * std::pow(x, 1 / 2.4F) - 0.055F, value);
}

float linear_from_srgb(float value) {
  const float x = std::abs(value);
  return std::copysign(x <= 0.04045F ? x / 12.92F : std::pow((x + 0.055F) / 1.055F, 2.4F), value);
}

std::array<float, 3> heat_colour(double heat) {
  constexpr std::array<std::array<double, 3>, 5> kColours = {
      {{0.10, 0.05, 0.25}, {0.45, 0.10, 0.50}, {0.85, 0.25, 0.30}, {0.98, 0.70, 0.20}, {1, 1, 0.85}}};
  const double at = std::clamp(heat, 0.0, 1.0) * (kColours.size() - 1);
  const size_t low = std::min<size_t>(static_cast<size_t>(at), kColours.size() - 2);
  std::array<float, 3> colour{};
  for (size_t i = 0; i < 3; ++i) {
    colour[i] = static_cast<float>(kColours[low][i] +
                                   (at - static_cast<double>(low)) * (kColours[low + 1][i] - kColours[low][i]));
  }
  return colour;
}

}  // namespace fsrcnn
