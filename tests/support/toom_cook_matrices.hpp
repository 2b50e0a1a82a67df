#pragma once

#include <vector>

namespace fsrcnn::test {

/// The matrices of Toom and Cook's products as the papers define them, from the points alone: 0, +a and -a of each
/// pair, infinity. With n points, n - 3 taps make 4 outputs of n inputs: out = from (G filter * to in), where G divides
/// a filter's value at each point by the product of the differences to the other points.
struct ToomCookMatrices {
  using Matrix = std::vector<std::vector<double>>;
  Matrix to;    ///< [n][n], Winograd's B^T: row i has the coefficients of prod (x - a_j) over all finite j but i
  Matrix from;  ///< [4][n], A^T: column i has the powers of a_i; infinity's has the last one

  explicit ToomCookMatrices(const std::vector<double>& pairs) {
    std::vector<double> points{0};
    for (const double a : pairs) points.insert(points.end(), {a, -a});
    const size_t n = points.size() + 1;
    for (size_t i = 0; i < n; ++i) {
      std::vector<double> row(n);
      row[0] = 1;
      for (size_t j = 0; j < points.size(); ++j) {
        if (j == i) continue;
        for (size_t k = n - 1; k > 0; --k) row[k] = row[k - 1] - points[j] * row[k];
        row[0] *= -points[j];
      }
      to.push_back(row);
    }
    from.assign(4, std::vector<double>(n));
    for (size_t i = 0; i < points.size(); ++i) {
      double power = 1;
      for (size_t k = 0; k < 4; ++k, power *= points[i]) from[k][i] = power;
    }
    from[3][n - 1] = 1;
  }
};

}  // namespace fsrcnn::test
