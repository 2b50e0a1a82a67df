#include "engine/toom_cook.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <hwy/aligned_allocator.h>

#include "base/cpu.hpp"
#include "engine/fused_kernels.hpp"
#include "engine/packing.hpp"
#include "support/random.hpp"
#include "support/toom_cook_matrices.hpp"

// The transforms are there to make convolutions: so convolutions, computed directly, are what they are held against.

namespace fsrcnn {
namespace {

using test::Random;
using test::ToomCookMatrices;

// The matrices that the kernels' constants stand for, in float64. `to` has a row for each point.
Matrix to_points(int pairs) {
  const auto make = [&]<int kPairs>() {
    constexpr size_t n = toom_cook_points(kPairs);
    Matrix to(n, std::vector<double>(n));
    const auto all = toom_cook_polynomial<kPairs>(-1);
    for (size_t k = 0; k <= kPairs; ++k) to[0][2 * k] = to[n - 1][2 * k + 1] = all[k];
    for (size_t i = 0; i < kPairs; ++i) {
      const auto others = toom_cook_polynomial<kPairs>(static_cast<int>(i));
      const double a = ToomCook<kPairs>::points[i];
      for (size_t k = 0; k < kPairs; ++k) {
        to[2 * i + 1][2 * k + 2] = to[2 * i + 2][2 * k + 2] = others[k];
        to[2 * i + 1][2 * k + 1] = a * others[k];
        to[2 * i + 2][2 * k + 1] = -a * others[k];
      }
    }
    return to;
  };
  return pairs == 2 ? make.operator()<2>() : make.operator()<3>();
}

std::vector<double> points_of(int pairs) {
  return pairs == 2 ? std::vector<double>{std::sqrt(0.5), std::sqrt(2.0)} : std::vector<double>{1, 2, 0.5};
}

std::vector<double> times(const Matrix& matrix, const std::vector<double>& values) {
  std::vector<double> result;
  for (const auto& row : matrix) {
    double sum = 0;
    for (size_t k = 0; k < row.size(); ++k) sum += row[k] * values[k];
    result.push_back(sum);
  }
  return result;
}

Matrix transposed(const Matrix& m) {
  Matrix result(m.front().size(), std::vector<double>(m.size()));
  for (size_t i = 0; i < m.size(); ++i) {
    for (size_t k = 0; k < m[i].size(); ++k) result[k][i] = m[i][k];
  }
  return result;
}

std::vector<double> random_values(Random& random, size_t count) {
  std::vector<double> values(count);
  for (double& v : values) v = random.real(-1, 1);
  return values;
}

// The constants in float64, unit vector by unit vector: for every tap and every input the outputs are those of the
// direct convolution, and of its transpose. Points of two pairs are rounded to float32; all else is exact.
TEST(ToomCook, ConstantsMakeConvolutions) {
  for (const int pairs : {2, 3}) {
    for (int taps = toom_cook_taps(pairs); taps >= toom_cook_taps(pairs) - 1; --taps) {  // one less: with a zero
      const auto n = static_cast<size_t>(toom_cook_points(pairs)), t = static_cast<size_t>(taps);
      const Matrix to = to_points(pairs), g = filter_transform(pairs, taps);
      const Matrix from = ToomCookMatrices(points_of(pairs)).from;
      ASSERT_EQ(g.size(), n);
      ASSERT_EQ(g.front().size(), t);
      for (size_t tap = 0; tap < t; ++tap) {
        std::vector<double> filter(t);
        filter[tap] = 1;
        const std::vector<double> points = times(g, filter);
        // Four outputs of n inputs: out[y] = sum over k of filter[k] * in[y + k].
        for (size_t i = 0; i < n; ++i) {
          std::vector<double> in(n);
          in[i] = 1;
          std::vector<double> products = times(to, in);
          for (size_t p = 0; p < n; ++p) products[p] *= points[p];
          const std::vector<double> out = times(from, products);
          for (size_t y = 0; y < kTile; ++y) {
            EXPECT_NEAR(out[y], i == y + tap ? 1 : 0, pairs == 2 ? 2e-7 : 1e-14)
                << pairs << " pairs, tap " << tap << " of " << taps << ", input " << i << ", output " << y;
          }
        }
        // n outputs of four inputs: in[y] adds to out[y + k].
        for (size_t y = 0; y < kTile; ++y) {
          std::vector<double> in(kTile);
          in[y] = 1;
          std::vector<double> products = times(transposed(from), in);
          for (size_t p = 0; p < n; ++p) products[p] *= points[p];
          const std::vector<double> out = times(transposed(to), products);
          for (size_t i = 0; i < n; ++i) EXPECT_NEAR(out[i], i == y + tap ? 1 : 0, pairs == 2 ? 2e-7 : 1e-14);
        }
      }
    }
  }
}

// Squares and polynomials belong to the points.
TEST(ToomCook, PolynomialsHaveThePointsAsTheirZeros) {
  EXPECT_EQ(toom_cook_polynomial<2>(-1), (std::array<double, 3>{1.0, -2.5, 1.0}));  // (y - 1/2) (y - 2)
  EXPECT_EQ(toom_cook_polynomial<2>(0), (std::array<double, 3>{-2.0, 1.0, 0.0}));
  EXPECT_EQ(toom_cook_polynomial<2>(1), (std::array<double, 3>{-0.5, 1.0, 0.0}));
  EXPECT_EQ(toom_cook_polynomial<3>(-1), (std::array<double, 4>{-1.0, 5.25, -5.25, 1.0}));  // (y - 1)(y - 4)(y - 1/4)
  for (const int pairs : {2, 3}) {
    const Matrix ours = to_points(pairs), papers = ToomCookMatrices(points_of(pairs)).to;
    ASSERT_EQ(ours.size(), papers.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      for (size_t k = 0; k < ours.size(); ++k) EXPECT_NEAR(ours[i][k], papers[i][k], 1e-7) << pairs << " " << i << k;
    }
  }
}

// ---- the kernels' transforms
// -----------------------------------------------------------------------------------------

using Rows = hwy::AlignedFreeUniquePtr<float[]>;

Rows rows_of(ptrdiff_t floats) {
  Rows rows = hwy::AllocateAligned<float>(static_cast<size_t>(floats));
  std::fill_n(rows.get(), floats, 0.0F);
  return rows;
}

// The largest error of one channel of a 3x3 layer by Winograd's kernel, of `channels` channels, whose values fill
// [-1, 1], and of the largest output.
struct Accuracy {
  double error = 0, largest = 0;
  void add(double value, double truth) {
    error = std::max(error, std::abs(value - truth));
    largest = std::max(largest, std::abs(truth));
  }
};

Accuracy accuracy_of_3x3(const std::string& cpu, int channels, uint32_t seed) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const GemmKernels& gemm = *gemm_kernels(cpu);
  const int lanes = kernels.lanes, positions = kTile * (kFloatsAtOnce / lanes);
  Random random(seed);
  const ptrdiff_t channel_stride = ptrdiff_t{positions + 2} * lanes, row = channels * channel_stride;
  const Rows in = rows_of(6 * row), out = rows_of(4 * row), scratch = rows_of(winograd3x3_scratch(channels, channels));
  for (ptrdiff_t i = 0; i < 6 * row; ++i) in[static_cast<size_t>(i)] = random.real(-1, 1);
  // filter(o, c): nine values, row by row.
  const std::vector<double> filters = random_values(random, static_cast<size_t>(channels * channels * 9));
  const auto filter = [&](int o, int c, int y, int x) {
    return filters[static_cast<size_t>(((o * channels + c) * 3 + y) * 3 + x)];
  };
  const Matrix g = filter_transform(2, 3);
  std::vector<float> weights;
  std::vector<OutputBlock> blocks;
  pack(weights, blocks, gemm.most_outputs, channels, 36, channels, [&](int point, int c, int o) {
    double sum = 0;
    for (int i = 0; i < 9; ++i) {
      sum += g[static_cast<size_t>(point / 6)][static_cast<size_t>(i / 3)] *
             g[static_cast<size_t>(point % 6)][static_cast<size_t>(i % 3)] * filter(o, c, i / 3, i % 3);
    }
    return sum;
  });
  const std::vector<float> bias(static_cast<size_t>(channels), 0.0F), slope(static_cast<size_t>(channels), 1.0F);
  Winograd3x3 w{};
  for (int y = 0; y < 6; ++y) w.in_rows[y] = in.get() + y * row + 2 * lanes;
  for (int y = 0; y < 4; ++y) w.out_rows[y] = out.get() + y * row + 2 * lanes;
  w.in_channel_stride = w.out_channel_stride = channel_stride;
  w.inputs = w.outputs = channels;
  w.positions = positions;
  w.blocks = blocks.data();
  w.block_count = static_cast<int>(blocks.size());
  w.bias = bias.data();
  w.slope = slope.data();
  w.gemm = gemm.gemm;
  w.scratch = scratch.get();
  kernels.winograd3x3(w);
  Accuracy accuracy;
  for (int o = 0; o < channels; ++o) {
    for (int y = 0; y < 4; ++y) {
      for (int i = 0; i < positions * lanes; ++i) {
        double truth = 0;
        for (int c = 0; c < channels; ++c) {
          for (int k = 0; k < 9; ++k) {
            truth += filter(o, c, k / 3, k % 3) *
                     in[static_cast<size_t>((y + k / 3) * row + c * channel_stride + i + k % 3 * lanes)];
          }
        }
        accuracy.add(w.out_rows[y][o * channel_stride + i], truth);
      }
    }
  }
  return accuracy;
}

// F(4x4, 3x3) in both directions: some 1e-6 of the largest output, where the usual points, 1 and 2, give 7e-6.
TEST(ToomCook, ThreeTapsInBothDirectionsAreNearlyAsExactAsFloat32) {
  for (const std::string& cpu : cpu_names()) {
    if (cpu == "reference") continue;
    for (const int channels : {1, 2, 5, 12, 16}) {
      for (uint32_t seed = test::first_seed(); seed < test::first_seed() + 5; ++seed) {
        const Accuracy accuracy = accuracy_of_3x3(cpu, channels, seed);
        ASSERT_GT(accuracy.largest, 1);
        EXPECT_LE(accuracy.error / accuracy.largest, 2e-6) << cpu << ", " << channels << " channels, seed " << seed;
      }
    }
  }
}

// F(4, 5) down the columns, with the taps of a row side by side: the first layer, 5x5.
TEST(ToomCook, FiveTapsInOneDirectionAreAsExactAsFloat32) {
  constexpr int kPositions = 6, kPoints = toom_cook_points(3), kTaps = toom_cook_taps(3);
  for (const std::string& cpu : cpu_names()) {
    if (cpu == "reference") continue;
    const FusedKernels& kernels = *fused_kernels(cpu);
    const int lanes = kernels.lanes;
    for (uint32_t seed = test::first_seed(); seed < test::first_seed() + 20; ++seed) {
      Random random(seed);
      const int channels = random.of(1, 12);
      const ptrdiff_t row = ptrdiff_t{kPositions + kTaps - 1} * lanes, out_row = ptrdiff_t{kPositions} * lanes;
      const Rows in = rows_of(kPoints * row), points = rows_of(kPoints * row), out = rows_of(4 * channels * out_row);
      for (ptrdiff_t i = 0; i < kPoints * row; ++i) in[static_cast<size_t>(i)] = random.real(-1, 1);
      const std::vector<double> filters = random_values(random, static_cast<size_t>(channels * kTaps * kTaps));
      const auto filter = [&](int o, int y, int x) {
        return filters[static_cast<size_t>((o * kTaps + y) * kTaps + x)];
      };
      const Matrix g = filter_transform(3, kTaps);
      std::vector<float> weights;
      std::vector<OutputBlock> blocks;
      pack(weights, blocks, kernels.feature_outputs, channels, kPoints, kTaps, [&](int point, int x, int o) {
        double sum = 0;
        for (int y = 0; y < kTaps; ++y) sum += g[static_cast<size_t>(point)][static_cast<size_t>(y)] * filter(o, y, x);
        return sum;
      });
      const float* rows[kPoints];
      for (int y = 0; y < kPoints; ++y) rows[y] = in.get() + y * row;
      kernels.points_from_input_rows(rows, kPositions + kTaps - 1, points.get(), row);
      const std::vector<float> bias(static_cast<size_t>(channels), 0.0F), slope(static_cast<size_t>(channels), 1.0F);
      kernels.feature_rows({.points = points.get(),
                            .point_stride = row,
                            .positions = kPositions,
                            .blocks = blocks.data(),
                            .block_count = static_cast<int>(blocks.size()),
                            .bias = bias.data(),
                            .slope = slope.data(),
                            .out = out.get(),
                            .out_row_stride = channels * out_row,
                            .out_channel_stride = out_row});
      Accuracy accuracy;
      for (int o = 0; o < channels; ++o) {
        for (int y = 0; y < 4; ++y) {
          for (int i = 0; i < kPositions * lanes; ++i) {
            double truth = 0;
            for (int k = 0; k < kTaps * kTaps; ++k) {
              truth += filter(o, k / kTaps, k % kTaps) * rows[y + k / kTaps][i + k % kTaps * lanes];
            }
            accuracy.add(out[static_cast<size_t>((y * channels + o) * out_row + i)], truth);
          }
        }
      }
      EXPECT_LE(accuracy.error / accuracy.largest, 2e-6) << cpu << ", seed " << seed;
    }
  }
}

// The transposes of F(4, 3) and F(4, 5): four rows of a 1x1 layer's output, seen through it, add to as many rows of the
// tail as there are points.
TEST(ToomCook, TransposesAreAsExactAsFloat32) {
  constexpr int kPositions = 7;
  for (const std::string& cpu : cpu_names()) {
    if (cpu == "reference") continue;
    const FusedKernels& kernels = *fused_kernels(cpu);
    const GemmKernels& gemm = *gemm_kernels(cpu);
    for (uint32_t seed = test::first_seed(); seed < test::first_seed() + 20; ++seed) {
      for (const int pairs : {2, 3}) {
        Random random(seed);
        const int lanes = kernels.lanes, n = toom_cook_points(pairs), taps = toom_cook_taps(pairs);
        const int channels = random.of(1, 12);
        const ptrdiff_t stride = ptrdiff_t{kPositions} * lanes, floats = stride;
        const Rows in = rows_of(4 * channels * stride), points = rows_of(n * channels * stride);
        const Rows products = rows_of(n * stride), before = rows_of(n * stride), out = rows_of(n * stride);
        for (ptrdiff_t i = 0; i < 4 * channels * stride; ++i) in[static_cast<size_t>(i)] = random.real(0, 1);
        // A 1x1 layer that leaves its inputs as they are; the tail's filter of one phase and one column.
        std::vector<float> unit, weights;
        std::vector<OutputBlock> unit_blocks;
        pack(unit, unit_blocks, kernels.expanded_outputs, channels, 1, channels,
             [](int, int c, int o) { return c == o ? 1 : 0; });
        const std::vector<float> bias(static_cast<size_t>(channels), 0.0F), slope(static_cast<size_t>(channels), 1.0F);
        ExpandedPoints e{};
        for (int y = 0; y < 4; ++y) {
          e.in_rows[y] = in.get() + y * channels * stride;
          e.row_inside[y] = true;
        }
        e.in_channel_stride = e.channel_stride = stride;
        e.in_channels = channels;
        e.positions = kPositions;
        e.blocks = unit_blocks.data();
        e.block_count = static_cast<int>(unit_blocks.size());
        e.bias = bias.data();
        e.slope = slope.data();
        e.points = points.get();
        e.point_stride = channels * stride;
        kernels.expanded_points(pairs, e);
        const std::vector<double> filters = random_values(random, static_cast<size_t>(channels * taps));
        const Matrix g = filter_transform(pairs, taps);
        std::vector<OutputBlock> blocks;
        pack(weights, blocks, 1, 1, n, channels, [&](int point, int c, int) {
          double sum = 0;
          for (int k = 0; k < taps; ++k) {
            sum += g[static_cast<size_t>(point)][static_cast<size_t>(k)] * filters[static_cast<size_t>(c * taps + k)];
          }
          return sum;
        });
        gemm.gemm(1, {.in = points.get(),
                      .in_channel_stride = stride,
                      .channels = channels,
                      .taps = 1,
                      .tap_offsets = kNoOffset,
                      .weights = weights.data(),
                      .out = products.get(),
                      .out_channel_stride = stride,
                      .vectors = kPositions,
                      .batch = n,
                      .in_batch_stride = channels * stride,
                      .weights_batch_stride = channels,
                      .out_batch_stride = stride});
        const std::vector<TailSum> sums(static_cast<size_t>(n), {.first = 0, .count = 1, .back = 0});
        TailRows tail{.before = before.get(),
                      .products = products.get(),
                      .product_stride = stride,
                      .point_stride = stride,
                      .positions = kPositions,
                      .sums = sums.data(),
                      .phases = 1,
                      .values = n,
                      .rows = {},
                      .phase_stride = stride};
        for (int y = 0; y < n; ++y) tail.rows[y] = out.get() + y * stride;
        kernels.add_tail_rows(pairs, tail);
        Accuracy accuracy;
        for (int y = 0; y < n; ++y) {
          for (ptrdiff_t i = 0; i < floats; ++i) {
            double truth = 0;
            for (int c = 0; c < channels; ++c) {
              for (int k = 0; k < taps; ++k) {
                if (y - k < 0 || y - k >= 4) continue;
                truth += filters[static_cast<size_t>(c * taps + k)] * e.in_rows[y - k][c * stride + i];
              }
            }
            accuracy.add(tail.rows[y][i], truth);
          }
        }
        EXPECT_LE(accuracy.error / accuracy.largest, 2e-6) << cpu << ", " << pairs << " pairs, seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace fsrcnn
