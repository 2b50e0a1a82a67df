// The kernels of the fused engine beside plain loops; see tests/support/kernel_check.hpp.

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/fused_kernels.hpp"
#include "engine/toom_cook.hpp"
#include "support/kernel_check.hpp"
#include "support/kernel_layout.hpp"
#include "support/toom_cook_matrices.hpp"

namespace fsrcnn::test {
namespace {

const ToomCookMatrices& matrices(int pairs) {
  static const ToomCookMatrices two({std::sqrt(0.5), std::sqrt(2.0)}), three({1, 2, 0.5});
  return pairs == 2 ? two : three;
}

// Weights in blocks, [batch][product][output of the block], and biases and slopes of all outputs.
struct Weights {
  Guarded<float> weights, bias, slope;
  std::vector<OutputBlock> blocks;
  int products;

  Weights(KernelRandom& random, int outputs, int most_of_block, int batch, int products_)
      : weights(ptrdiff_t{batch} * products_ * outputs), bias(outputs), slope(outputs), products(products_) {
    random.fill(weights, 0, ptrdiff_t{batch} * products * outputs);
    random.fill(bias, 0, outputs);
    for (int o = 0; o < outputs; ++o) slope[o] = random.real(-1.5F, 1);
    for (int begin = 0; begin < outputs;) {
      const int count = std::min(outputs - begin, random.size(1, most_of_block, most_of_block));
      blocks.push_back({begin, count, weights.data() + ptrdiff_t{batch} * products * begin});
      begin += count;
    }
  }
  double at(int batch, int product, int output) const {
    const OutputBlock& block =
        *std::find_if(blocks.begin(), blocks.end(), [&](const OutputBlock& b) { return output < b.begin + b.count; });
    return block.weights[(ptrdiff_t{batch} * products + product) * block.count + output - block.begin];
  }
};

// One dimension of a transform: what row `row` of a matrix makes of values.
template <class At>
Sum transformed(const std::vector<double>& row, const At& at) {
  Sum sum;
  for (size_t k = 0; k < row.size(); ++k) sum.add(at(static_cast<int>(k)), row[k]);
  return sum;
}

Sum of(double value) { return {value, std::abs(value), 0}; }

KernelRun prepare_winograd3x3(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const GemmKernels& gemm = *gemm_kernels(cpu);
  const int lanes = kernels.lanes, step = kTile * (kFloatsAtOnce / lanes);
  const int inputs = random.size(1, 14, 12), outputs = random.size(1, 30, 12);
  const int positions = step * random.size(1, 3, 4);
  struct State {
    Weights weights;
    Guarded<float> in, out, scratch;
    Winograd3x3 w{};
  };
  // Two positions before the first are read.
  const Layout from(random, 6, inputs, positions + 2, lanes), to(random, 4, outputs, positions + 2, lanes);
  const ptrdiff_t scratch = winograd3x3_scratch(inputs, outputs);
  auto state = std::make_shared<State>(State{Weights(random, outputs, gemm.most_outputs, 36, inputs), from.memory(),
                                             to.memory(), Guarded<float>(scratch, 64)});
  State& s = *state;
  from.fill(s.in, random);
  s.out.remember();
  s.scratch.allow(0, scratch);
  const ToomCookMatrices& m = matrices(2);
  for (int p = 0; p < positions; p += kTile) {
    for (int lane = 0; lane < lanes; ++lane) {
      std::vector<Sum> points;  // [channel][36]
      for (int c = 0; c < inputs; ++c) {
        for (int t = 0; t < 36; ++t) {
          points.push_back(transformed(m.to[static_cast<size_t>(t / 6)], [&](int y) {
            return transformed(m.to[static_cast<size_t>(t % 6)],
                               [&](int x) { return of(s.in[from.at(y, c, (p + x) * lanes + lane)]); });
          }));
        }
      }
      for (int o = 0; o < outputs; ++o) {
        Sum products[36];
        for (int t = 0; t < 36; ++t) {
          for (int c = 0; c < inputs; ++c) {
            products[t].add(points[static_cast<size_t>(c * 36 + t)], s.weights.at(t, c, o));
          }
        }
        for (int i = 0; i < 16; ++i) {
          Sum sum = transformed(m.from[static_cast<size_t>(i / 4)], [&](int y) {
            return transformed(m.from[static_cast<size_t>(i % 4)], [&](int x) { return products[6 * y + x]; });
          });
          sum.add(s.weights.bias[o]);
          sum = sum.prelu(s.weights.slope[o]);
          s.out.expect(to.at(i / 4, o, (p + 2 + i % 4) * lanes + lane), sum.value, sum.tolerance());
        }
      }
    }
  }
  for (int y = 0; y < 6; ++y) s.w.in_rows[y] = s.in.data() + from.at(y, 0, 2 * lanes);
  for (int y = 0; y < 4; ++y) s.w.out_rows[y] = s.out.data() + to.at(y, 0, 2 * lanes);
  s.w.in_channel_stride = from.channel_stride;
  s.w.out_channel_stride = to.channel_stride;
  s.w.inputs = inputs;
  s.w.outputs = outputs;
  s.w.positions = positions;
  s.w.blocks = s.weights.blocks.data();
  s.w.block_count = static_cast<int>(s.weights.blocks.size());
  s.w.bias = s.weights.bias.data();
  s.w.slope = s.weights.slope.data();
  s.w.gemm = gemm.gemm;
  s.w.scratch = s.scratch.data();
  return {[state, &kernels] { kernels.winograd3x3(state->w); },
          [state] {
            const std::string beside = state->scratch.difference();
            return beside.empty() ? state->out.difference() : "scratch: " + beside;
          },
          2.0 * 9 * inputs * outputs * positions * lanes * 4};
}

KernelRun prepare_points_from_input_rows(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, vectors = random.size(1, 9, 100);
  struct State {
    Guarded<float> in, out;
    const float* rows[8];
    ptrdiff_t stride;
  };
  const Layout from(random, 8, 1, vectors, lanes), to(random, 8, 1, vectors, lanes);
  auto state = std::make_shared<State>(State{from.memory(), to.memory(), {}, to.row_stride});
  State& s = *state;
  from.fill(s.in, random);
  s.out.remember();
  for (int y = 0; y < 8; ++y) s.rows[y] = s.in.data() + from.at(7 - y, 0, 0);  // rings have them in any order
  for (int t = 0; t < 8; ++t) {
    for (int i = 0; i < vectors * lanes; ++i) {
      const Sum sum = transformed(matrices(3).to[static_cast<size_t>(t)], [&](int y) { return of(s.rows[y][i]); });
      s.out.expect(to.at(t, 0, i), sum.value, sum.tolerance());
    }
  }
  return {[state, &kernels, vectors] {
            kernels.points_from_input_rows(state->rows, vectors, state->out.data(), state->stride);
          },
          [state] { return state->out.difference(); }};
}

KernelRun prepare_feature_rows(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, positions = random.size(1, 7, 32), channels = random.size(1, 14, 56);
  constexpr int kTaps = 5;
  struct State {
    Weights weights;
    Guarded<float> in, out;
    FeatureRows f{};
  };
  const Layout from(random, 8, 1, positions + kTaps - 1, lanes), to(random, 4, channels, positions, lanes);
  auto state = std::make_shared<State>(
      State{Weights(random, channels, kernels.feature_outputs, 8, kTaps), from.memory(), to.memory()});
  State& s = *state;
  from.fill(s.in, random);
  s.out.remember();
  for (int o = 0; o < channels; ++o) {
    for (int i = 0; i < positions * lanes; ++i) {
      Sum points[8];
      for (int t = 0; t < 8; ++t) {
        for (int tap = 0; tap < kTaps; ++tap) {
          points[t].add(s.in[from.at(t, 0, i + tap * lanes)] * s.weights.at(t, tap, o));
        }
      }
      for (int y = 0; y < 4; ++y) {
        Sum sum = transformed(matrices(3).from[static_cast<size_t>(y)], [&](int t) { return points[t]; });
        sum.add(s.weights.bias[o]);
        sum = sum.prelu(s.weights.slope[o]);
        s.out.expect(to.at(y, o, i), sum.value, sum.tolerance());
      }
    }
  }
  s.f = {.points = s.in.data(),
         .point_stride = from.row_stride,
         .positions = positions,
         .blocks = s.weights.blocks.data(),
         .block_count = static_cast<int>(s.weights.blocks.size()),
         .bias = s.weights.bias.data(),
         .slope = s.weights.slope.data(),
         .out = s.out.data(),
         .out_row_stride = to.row_stride,
         .out_channel_stride = to.channel_stride};
  return {[state, &kernels] { kernels.feature_rows(state->f); }, [state] { return state->out.difference(); },
          2.0 * 25 * channels * positions * lanes * 4};
}

template <int kPairs>
KernelRun prepare_expanded_points(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, positions = random.size(1, 7, 16);
  const int channels = random.size(1, 14, 56), in_channels = random.size(1, 14, 12);
  constexpr int kPoints = kPairs == 0 ? kTile : toom_cook_points(kPairs);
  struct State {
    Weights weights;
    Guarded<float> in, mask, out;
    ExpandedPoints e{};
  };
  const Layout from(random, 4, in_channels, positions, lanes), to(random, kPoints, channels, positions, lanes);
  auto state =
      std::make_shared<State>(State{Weights(random, channels, kernels.expanded_outputs, 1, in_channels), from.memory(),
                                    Layout(random, 1, 1, positions, lanes).memory(), to.memory()});
  State& s = *state;
  from.fill(s.in, random);
  const bool masked = random.flip(false);
  std::vector<bool> shown(static_cast<size_t>(positions * lanes), true);
  for (int i = 0; i < positions * lanes; ++i) {
    if (masked) shown[static_cast<size_t>(i)] = random.of(0, 1) == 1;
    const uint32_t bits = shown[static_cast<size_t>(i)] ? ~uint32_t{0} : 0;
    std::memcpy(&s.mask[i], &bits, sizeof bits);
  }
  for (bool& inside : s.e.row_inside) inside = random.of(0, 3) != 0 || random.flip(true);
  s.out.remember();
  for (int o = 0; o < channels; ++o) {
    for (int i = 0; i < positions * lanes; ++i) {
      Sum rows[4];
      for (int y = 0; y < 4; ++y) {
        if (!s.e.row_inside[y] || !shown[static_cast<size_t>(i)]) continue;
        rows[y].add(s.weights.bias[o]);
        for (int c = 0; c < in_channels; ++c) rows[y].add(s.in[from.at(y, c, i)] * s.weights.at(0, c, o));
        rows[y] = rows[y].prelu(s.weights.slope[o]);
      }
      for (int t = 0; t < kPoints; ++t) {
        Sum point = rows[t % kTile];
        if (kPairs != 0) {
          point = Sum();
          for (int y = 0; y < kTile; ++y) {
            point.add(rows[y], matrices(kPairs).from[static_cast<size_t>(y)][static_cast<size_t>(t)]);
          }
        }
        s.out.expect(to.at(t, o, i), point.value, point.tolerance());
      }
    }
  }
  for (int y = 0; y < 4; ++y) s.e.in_rows[y] = s.in.data() + from.at(y, 0, 0);
  s.e.in_channel_stride = from.channel_stride;
  s.e.in_channels = in_channels;
  s.e.positions = positions;
  s.e.blocks = s.weights.blocks.data();
  s.e.block_count = static_cast<int>(s.weights.blocks.size());
  s.e.bias = s.weights.bias.data();
  s.e.slope = s.weights.slope.data();
  s.e.mask = masked ? s.mask.data() : nullptr;
  s.e.points = s.out.data();
  s.e.point_stride = to.row_stride;
  s.e.channel_stride = to.channel_stride;
  return {[state, &kernels] { kernels.expanded_points(kPairs, state->e); }, [state] { return state->out.difference(); },
          2.0 * in_channels * channels * positions * lanes * 4};
}

template <int kPairs>
KernelRun prepare_add_tail_rows(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, positions = random.size(1, 9, 16), phases = random.size(1, 16, 4);
  constexpr int kPoints = kPairs == 0 ? 1 : toom_cook_points(kPairs);
  const int values = kPairs == 0 ? random.size(1, 8, 5) : kPoints;
  const int begun = kPairs == 0 ? 1 : kTile;  // rows that hold nothing yet
  struct State {
    std::vector<TailSum> sums;
    Guarded<float> before, products, out;
    TailRows r{};
  };
  // Each sum has up to five tap columns of its own, and shares some with others.
  std::vector<TailSum> sums;
  int outputs = 1;
  for (int i = 0; i < phases * values; ++i) {
    const int back = random.size(0, kTile, 4), count = random.size(0, back + 1, 5);
    sums.push_back({.first = random.of(0, outputs), .count = count, .back = back});
    if (kPairs != 0 && i % values != 0 && i % values != values - 1) sums.back() = sums[static_cast<size_t>(i - 1)];
    outputs = std::max(outputs, sums.back().first + count);
  }
  // Both have the same strides.
  Layout layout(random, kPoints, outputs, std::max(positions, kTile), lanes);
  const Layout to(random, values, phases, positions, lanes);
  auto state = std::make_shared<State>(State{sums, layout.memory(), layout.memory(), to.memory()});
  State& s = *state;
  layout.positions = kTile;
  layout.fill(s.before, random);
  layout.positions = positions;
  layout.fill(s.products, random);
  for (int v = 0; v < values - begun; ++v) {
    for (int phase = 0; phase < phases; ++phase) random.fill(s.out, to.at(v, phase, 0), to.floats());
  }
  s.out.remember();
  for (int phase = 0; phase < phases; ++phase) {
    for (int i = 0; i < positions * lanes; ++i) {
      const auto sum_of = [&](int v) {
        const TailSum& t = sums[static_cast<size_t>(phase * values + v)];
        Sum sum;
        for (int k = 0; k < t.count; ++k) {
          const int from = i - (t.back - k) * lanes;
          const int point = kPairs == 0 ? 0 : v;
          sum.add(from >= 0 ? s.products[layout.at(point, t.first + k, from)]
                            : s.before[layout.at(point, t.first + k, from + kTile * lanes)]);
        }
        return sum;
      };
      for (int v = 0; v < values; ++v) {
        Sum sum;
        if (kPairs == 0) sum = sum_of(v);
        for (int t = 0; kPairs != 0 && t < kPoints; ++t) {
          sum.add(sum_of(t), matrices(kPairs).to[static_cast<size_t>(t)][static_cast<size_t>(v)]);
        }
        if (v < values - begun) sum.add(s.out[to.at(v, phase, i)]);
        const bool exact = kPairs != 2 && random.values() == Values::integers;
        s.out.expect(to.at(v, phase, i), sum.value, exact ? 0 : sum.tolerance());
      }
    }
  }
  s.r.before = s.before.data();
  s.r.products = s.products.data();
  s.r.product_stride = layout.channel_stride;
  s.r.point_stride = kPairs == 0 ? 0 : layout.row_stride;
  s.r.positions = positions;
  s.r.sums = s.sums.data();
  s.r.phases = phases;
  s.r.values = values;
  for (int v = 0; v < values; ++v) s.r.rows[v] = s.out.data() + to.at(v, 0, 0);
  s.r.phase_stride = to.channel_stride;
  return {[state, &kernels] { kernels.add_tail_rows(kPairs, state->r); }, [state] { return state->out.difference(); }};
}

}  // namespace

std::vector<KernelCase> fused_kernel_cases() {
  return {{"winograd3x3", prepare_winograd3x3},
          {"points_from_input_rows", prepare_points_from_input_rows},
          {"feature_rows", prepare_feature_rows},
          {"expanded_points_0", prepare_expanded_points<0>},
          {"expanded_points_2", prepare_expanded_points<2>},
          {"expanded_points_3", prepare_expanded_points<3>},
          {"add_tail_rows_0", prepare_add_tail_rows<0>},
          {"add_tail_rows_2", prepare_add_tail_rows<2>},
          {"add_tail_rows_3", prepare_add_tail_rows<3>}};
}

}  // namespace fsrcnn::test
