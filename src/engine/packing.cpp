#include "engine/packing.hpp"

#include <cmath>

#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

template <int kPairs>
Matrix filter_transform(int taps) {
  Matrix g(toom_cook_points(kPairs), std::vector<double>(static_cast<size_t>(taps)));
  std::vector<double> points{0.0};
  for (const double a : ToomCook<kPairs>::points) {
    points.push_back(a);
    points.push_back(-a);
  }
  for (size_t t = 0; t < points.size(); ++t) {
    double divisor = 1;
    for (size_t u = 0; u < points.size(); ++u) divisor *= u == t ? 1 : points[t] - points[u];
    for (int k = 0; k < taps; ++k) g[t][static_cast<size_t>(k)] = std::pow(points[t], k) / divisor;
  }
  if (taps == toom_cook_taps(kPairs)) g.back().back() = 1;
  return g;
}

}  // namespace

Matrix filter_transform(int pairs, int taps) {
  return pairs == 2 ? filter_transform<2>(taps) : filter_transform<3>(taps);
}

}  // namespace fsrcnn
