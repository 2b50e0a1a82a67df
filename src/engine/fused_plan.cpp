#include "engine/fused_plan.hpp"

#include <algorithm>
#include <cmath>

#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

using Matrix = std::vector<std::vector<double>>;

// (points x taps): takes a filter to its values at the points, divided by what interpolation multiplies with
// (Winograd's G).
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

Matrix filter_transform(int pairs, int taps) {
  return pairs == 2 ? filter_transform<2>(taps) : filter_transform<3>(taps);
}

// Cuts `outputs` into blocks as equal as can be and lets `weight(batch, k, o)` fill them.
template <class Weight>
void pack(std::vector<float>& weights, std::vector<OutputBlock>& blocks, int block_outputs, int outputs, int batch,
          int products, const Weight& weight) {
  const int count = (outputs + block_outputs - 1) / block_outputs;
  weights.resize(static_cast<size_t>(batch) * static_cast<size_t>(products) * static_cast<size_t>(outputs));
  float* at = weights.data();
  for (int i = 0, begin = 0; i < count; ++i) {
    const int size = (outputs - begin) / (count - i);
    blocks.push_back({begin, size, at});
    for (int b = 0; b < batch; ++b) {
      for (int k = 0; k < products; ++k) {
        for (int o = begin; o < begin + size; ++o) *at++ = static_cast<float>(weight(b, k, o));
      }
    }
    begin += size;
  }
}

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

// Output phase (py, px) reads input (y + dy, x + dx) with this weight of the deconvolution: output s*y + py gets input
// iy by kernel row s*y + py - s*iy + padding.
struct TailWeights {
  const Layer* layer;
  int scale, padding;

  bool has(int phase, int delta) const {
    const int k = phase + padding - scale * delta;
    return k >= 0 && k < layer->weight.shape().h;
  }
  double at(int c, int py, int px, int dy, int dx) const {
    if (!has(py, dy) || !has(px, dx)) return 0;
    return layer->weight(c, 0, py + padding - scale * dy, px + padding - scale * dx);
  }
};

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
      tail_padding(PaddingMode::zeros),
      feature_pairs(p == Precision::exact ? 0 : 3),
      mapping_pairs(p == Precision::exact ? 0 : 2) {
  const int block = gemm->most_outputs;
  std::vector<double> factor{1.0};
  auto next = [&, i = size_t{0}](int block_outputs, int row_pairs, int column_pairs) mutable {
    return pack_convolution(model.layers[i++], factor, block_outputs, row_pairs, column_pairs);
  };
  feature_extraction = next(p == Precision::exact ? block : kernels->feature_outputs, feature_pairs, 0);
  shrinking = next(block, 0, 0);
  for (int i = 0; i < m; ++i) mapping.push_back(next(block, mapping_pairs, mapping_pairs));
  expanding = next(kernels->expanded_outputs, 0, 0);

  const Layer& last = model.layers.back();
  const TailWeights weights{&last, scale, 4};
  tail_bias = last.bias.empty() ? 0 : last.bias[0];
  const int kernel = static_cast<int>(last.weight.shape().h);
  tail_before = tail_after = 0;
  for (int phase = 0; phase < scale; ++phase) {
    TapRange range{kernel, -kernel};
    for (int delta = -kernel; delta <= kernel; ++delta) {
      if (weights.has(phase, delta)) range = {std::min(range.first, delta), std::max(range.last, delta)};
    }
    tail_range.push_back(range);
    tail_before = std::max(tail_before, -range.first);
    tail_after = std::max(tail_after, range.last);
  }
  tail_pairs = p == Precision::exact || tail_taps() == 1 ? 0 : tail_taps() <= 3 ? 2 : 3;

  const auto phases_with = [&](int delta) {  // a range that begins with phase 0 or ends with the last
    std::pair<int, int> range{scale, 0};
    for (int phase = 0; phase < scale; ++phase) {
      if (weights.has(phase, delta)) range = {std::min(range.first, phase), std::max(range.second, phase + 1)};
    }
    return range;
  };
  // Taps with the same phases go together.
  const auto columns = [&] {
    std::vector<std::pair<std::pair<int, int>, std::vector<int>>> groups;
    for (int dx = -tail_before; dx <= tail_after; ++dx) {
      const auto range = phases_with(dx);
      const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == range; });
      (same == groups.end() ? groups.emplace_back(range, std::vector<int>{}) : *same).second.push_back(dx);
    }
    // The first pass starts the sums, so it must have all phases: the tap at 0 has, the kernel being wider than a step.
    std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
      return a.first.second - a.first.first > b.first.second - b.first.first;
    });
    return groups;
  }();
  for (const auto& [px, dx] : columns) {
    const int taps = static_cast<int>(dx.size());
    if (tail_pairs != 0) {
      TailPass pass{.dy = 0, .first_phase = px.first * scale, .phase_step = 1, .dx = dx, .weights = {}, .blocks = {}};
      const Matrix g = filter_transform(tail_pairs, toom_cook_taps(tail_pairs));
      pack(pass.weights, pass.blocks, block, (px.second - px.first) * scale, tail_points(), taps * d,
           [&](int b, int product, int o) {
             const int c = product % d, phase = px.first * scale + o;
             double sum = 0;
             for (int u = 0; u < toom_cook_taps(tail_pairs); ++u) {
               sum += g[static_cast<size_t>(b)][static_cast<size_t>(u)] *
                      weights.at(c, phase % scale, phase / scale, tail_after - u, dx[static_cast<size_t>(product / d)]);
             }
             return sum * factor[static_cast<size_t>(c)];
           });
      tail.push_back(std::move(pass));
      continue;
    }
    for (int dy = -tail_before; dy <= tail_after; ++dy) {
      const auto py = phases_with(dy);
      const bool all_rows = py == std::pair{0, scale};
      for (int row = py.first; row < (all_rows ? 1 : py.second); ++row) {
        TailPass pass{.dy = dy,
                      .first_phase = px.first * scale + row,
                      .phase_step = all_rows ? 1 : scale,
                      .dx = dx,
                      .weights = {},
                      .blocks = {}};
        const int count = (px.second - px.first) * (all_rows ? scale : 1);
        pack(pass.weights, pass.blocks, block, count, 1, taps * d, [&](int, int product, int o) {
          const int c = product % d, phase = pass.first_phase + o * pass.phase_step;
          return weights.at(c, phase % scale, phase / scale, dy, dx[static_cast<size_t>(product / d)]) *
                 factor[static_cast<size_t>(c)];
        });
        tail.push_back(std::move(pass));
      }
    }
  }
}

}  // namespace fsrcnn
