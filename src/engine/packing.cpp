#include "engine/packing.hpp"

#include <cmath>

#include "engine/plan_builder.hpp"
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

Fold::Fold(const LoweredValue& value, bool is_output) {
  using Activation = Layer::Activation;
  const bool slopes = value.activation == Activation::prelu || value.activation == Activation::relu;
  afterwards = value.activation == Activation::clamp || value.activation == Activation::tanh;
  for (const float a : value.slope) afterwards = afterwards || (is_output && a > 1);
  for (size_t o = 0; o < static_cast<size_t>(value.channels); ++o) {
    const float a = slopes && !afterwards ? value.slope[o] : 1;
    slope.push_back(a > 1 ? 1 / a : a);
    sign.push_back(a > 1 ? -1 : 1);
    factor.push_back(a > 1 ? -static_cast<double>(a) : 1);
  }
}

PackedLayer pack_convolution(const Tensor<double>& weight, const std::vector<float>& bias,
                             const std::vector<double>& factor, const Fold& fold, int block_outputs, int row_pairs,
                             int column_pairs) {
  const auto [out, in, kh, kw] = weight.shape();
  const int outputs = static_cast<int>(out), inputs = static_cast<int>(in);
  PackedLayer packed;
  packed.outputs = outputs;
  packed.slope = fold.slope;
  for (size_t o = 0; o < fold.sign.size(); ++o) {
    packed.bias.push_back(static_cast<float>(static_cast<double>(bias[o]) * fold.sign[o]));
  }
  const int rows = static_cast<int>(kh), columns = static_cast<int>(kw);
  const Matrix by_row = row_pairs == 0 ? Matrix{} : filter_transform(row_pairs, rows);
  const Matrix by_column = column_pairs == 0 ? Matrix{} : filter_transform(column_pairs, columns);
  const int row_points = row_pairs == 0 ? 1 : toom_cook_points(row_pairs);
  const int column_points = column_pairs == 0 ? 1 : toom_cook_points(column_pairs);
  const int row_taps = row_pairs == 0 ? rows : 1, column_taps = column_pairs == 0 ? columns : 1;
  pack(packed.weights, packed.blocks, block_outputs, outputs, row_points * column_points,
       row_taps * column_taps * inputs, [&](int b, int k, int o) {
         const int c = k % inputs, tap = k / inputs;
         double sum = 0;
         for (int y = 0; y < rows; ++y) {
           for (int x = 0; x < columns; ++x) {
             double w = weight(o, c, y, x);
             if (row_pairs != 0) {
               w *= by_row[static_cast<size_t>(b / column_points)][static_cast<size_t>(y)];
             } else if (y != tap / column_taps) {
               continue;
             }
             if (column_pairs != 0) {
               w *= by_column[static_cast<size_t>(b % column_points)][static_cast<size_t>(x)];
             } else if (x != tap % column_taps) {
               continue;
             }
             sum += w;
           }
         }
         return sum * fold.sign[static_cast<size_t>(o)] * factor[static_cast<size_t>(c)];
       });
  return packed;
}

}  // namespace fsrcnn
