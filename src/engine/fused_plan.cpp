#include "engine/fused_plan.hpp"

#include "engine/packing.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

// PReLU(a, x) = -a * PReLU(1/a, -x): with it every slope is at most 1, and PReLU is max(x, a * x). The outputs of such
// channels are `factor` times too small, which the next layer's weights make good.
struct Slopes {
  std::vector<float> slope;
  std::vector<double> sign, factor;

  Slopes(const Layer& layer, int channels) {
    for (int o = 0; o < channels; ++o) {
      const float a = layer.slope[layer.slope.size() == 1 ? 0 : static_cast<size_t>(o)];
      slope.push_back(a > 1 ? 1 / a : a);
      sign.push_back(a > 1 ? -1 : 1);
      factor.push_back(a > 1 ? -static_cast<double>(a) : 1);
    }
  }
};

// A convolution with its PReLU. rows/columns: Toom-Cook pairs in that direction; 0: direct.
PackedLayer pack_convolution(const Layer& layer, std::vector<double>& factor, int block_outputs, int row_pairs,
                             int column_pairs) {
  const auto [out, in, kh, kw] = layer.weight.shape();
  const int outputs = static_cast<int>(out), inputs = static_cast<int>(in);
  const Slopes slopes(layer, outputs);
  PackedLayer packed;
  packed.slope = slopes.slope;
  for (int o = 0; o < outputs; ++o) {
    const double bias = layer.bias.empty() ? 0 : layer.bias[static_cast<size_t>(o)];
    packed.bias.push_back(static_cast<float>(bias * slopes.sign[static_cast<size_t>(o)]));
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
             double w = layer.weight(o, c, y, x);
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
         return sum * slopes.sign[static_cast<size_t>(o)] * factor[static_cast<size_t>(c)];
       });
  factor = slopes.factor;
  return packed;
}

}  // namespace

FusedPlan::FusedPlan(const Model& model, Precision p, std::string_view cpu)
    : kernels(fused_kernels(cpu)),
      gemm(gemm_kernels(cpu)),
      precision(p),
      d(static_cast<int>(model.d)),
      s(static_cast<int>(model.s)),
      m(static_cast<int>(model.m)),
      scale(static_cast<int>(model.scale)),
      padding_mode(model.padding_mode),
      tail_border(static_cast<int>(model.tail == Tail::deconvolution              ? model.deconvolution_border
                                   : model.padding_mode == PaddingMode::replicate ? model.layers.back().padding()
                                                                                  : 0)) {
  const int block = gemm->most_outputs;
  std::vector<double> factor{1.0};
  auto next = [&, i = size_t{0}](int block_outputs, int row_pairs, int column_pairs) mutable {
    return pack_convolution(model.layers[i++], factor, block_outputs, row_pairs, column_pairs);
  };
  const bool exact = precision == Precision::exact;
  feature_extraction = exact ? next(block, 0, 0) : next(kernels->feature_outputs, 3, 0);
  shrinking = next(block, 0, 0);
  for (int i = 0; i < m; ++i) mapping.push_back(exact ? next(block, 0, 0) : next(block, 2, 2));
  expanding = next(kernels->expanded_outputs, 0, 0);

  pack_tail(model, factor);
}

}  // namespace fsrcnn
