#pragma once

#include <array>
#include <cstddef>

namespace fsrcnn {

/// The points of Toom and Cook's polynomial products (Winograd, "Arithmetic Complexity of Computations", 1980; Lavin
/// and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): 0, +a and -a of each pair, infinity, in this
/// order. With n = 2 * kPairs + 2 points, n - 3 taps make 4 outputs from n inputs, or n outputs from 4 inputs.
template <int kPairs>
struct ToomCook;

/// Three taps. A pair (a, 1/a) around 1 keeps the two-dimensional transform as exact as plain float32 (1e-6 of full
/// scale where the usual 1, 2 give 7e-6); a = sqrt(2) makes the product of the squares 1.
template <>
struct ToomCook<2> {
  static constexpr std::array<float, 2> points{0.70710678F, 1.41421356F};
  static constexpr std::array<double, 2> squares{0.5, 2.0};
};

/// Five taps (or four, with a zero). Used in one direction only: in two it loses 1e-5.
template <>
struct ToomCook<3> {
  static constexpr std::array<float, 3> points{1.0F, 2.0F, 0.5F};
  static constexpr std::array<double, 3> squares{1.0, 4.0, 0.25};
};

/// Outputs of the convolution, inputs of its transpose.
inline constexpr int kTile = 4;

constexpr int toom_cook_points(int pairs) { return 2 * pairs + 2; }
constexpr int toom_cook_taps(int pairs) { return toom_cook_points(pairs) - kTile + 1; }

/// Coefficients, lowest first, of prod (y - a^2) over all pairs but `without` (-1: over all).
template <int kPairs>
constexpr std::array<double, kPairs + 1> toom_cook_polynomial(int without) {
  std::array<double, kPairs + 1> product{1.0};
  for (int i = 0; i < kPairs; ++i) {
    if (i == without) continue;
    const double square = ToomCook<kPairs>::squares[static_cast<size_t>(i)];
    for (size_t k = kPairs; k > 0; --k) product[k] = product[k - 1] - square * product[k];
    product[0] *= -square;
  }
  return product;
}

}  // namespace fsrcnn
