#include "engine/fused_kernels.hpp"

#include "base/cpu.hpp"
#include "base/targets.hpp"
#include "engine/toom_cook.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/fused_kernels.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"
#include "engine/guard_row-inl.hpp"
#include "engine/output_row-inl.hpp"
#include "engine/toom_cook-inl.hpp"

// After what it needs of Highway.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

constexpr int kFeatureOutputs = 3;                        // times eight points, or four
constexpr int kExpandedOutputs = kManyRegisters ? 6 : 3;  // times four rows

// The 36 points of a 6x6 tile of one channel, by rows of points: those of one pair are made together and leave the
// registers before the next, so that nothing but the points is stored.
HWY_INLINE void tile_to_points(const float* const in_rows[6], ptrdiff_t at, float* to, ptrdiff_t stride) {
  const auto load = [&](int y, int x) HWY_ATTR { return hn::Load(d, in_rows[y] + at + x * kLanes); };
  const auto store_row = [&](int row, const V* values) HWY_ATTR {
    V points[6];
    to_points<2>(values, points);
    HWY_UNROLL(16)
    for (int x = 0; x < 6; ++x) hn::Store(points[x], d, to + (row * 6 + x) * stride);
  };
  const auto column = [&](int x) HWY_ATTR { return [&, x](int y) HWY_ATTR { return load(y, x); }; };
  V ends[2][6];
  HWY_UNROLL(16)
  for (int x = 0; x < 6; ++x) ends_to_points<2>(column(x), ends[0][x], ends[1][x]);
  store_row(0, ends[0]);
  store_row(5, ends[1]);
  const auto pair = [&]<int kI>() HWY_ATTR {
    V plus[6], minus[6];
    HWY_UNROLL(16)
    for (int x = 0; x < 6; ++x) pair_to_points<2, kI>(column(x), plus[x], minus[x]);
    store_row(2 * kI + 1, plus);
    store_row(2 * kI + 2, minus);
  };
  pair.template operator()<0>();
  pair.template operator()<1>();
}

void winograd3x3(const Winograd3x3& w) {
  constexpr int kTiles = kFloatsAtOnce / kLanes;  // at once
  float* const inputs = w.scratch;
  // A block that has all outputs has read its inputs before it writes: they can share the cache.
  const bool in_place = w.block_count == 1 && w.outputs <= w.inputs;
  float* const sums = in_place ? inputs : inputs + 36 * winograd3x3_point(w.inputs);
  const ptrdiff_t in_point = winograd3x3_point(w.inputs);
  const ptrdiff_t point = winograd3x3_point(in_place ? w.inputs : w.outputs);
  for (int p = 0; p < w.positions; p += kTile * kTiles) {
    for (int c = 0; c < w.inputs; ++c) {
      for (int tile = 0; tile < kTiles; ++tile) {
        tile_to_points(w.in_rows, c * w.in_channel_stride + (p + kTile * tile - 2) * kLanes,
                       inputs + c * kFloatsAtOnce + tile * kLanes, in_point);
      }
    }
    for (int b = 0; b < w.block_count; ++b) {
      const OutputBlock& block = w.blocks[b];
      w.gemm(block.count, {.in = inputs,
                           .in_channel_stride = kFloatsAtOnce,
                           .channels = w.inputs,
                           .taps = 1,
                           .tap_offsets = kNoOffset,
                           .weights = block.weights,
                           .out = sums + block.begin * kFloatsAtOnce,
                           .out_channel_stride = kFloatsAtOnce,
                           .vectors = kTiles,
                           .batch = 36,
                           .in_batch_stride = in_point,
                           .weights_batch_stride = w.inputs * block.count,
                           .out_batch_stride = point});
    }
    for (int c = 0; c < w.outputs; ++c) {
      const V bias = hn::Set(d, w.bias[c]), slope = hn::Set(d, w.slope[c]);
      for (int tile = 0; tile < kTiles; ++tile) {
        const float* from = sums + c * kFloatsAtOnce + tile * kLanes;
        V rows[6][4];  // [vertical point][output column]
        for (int y = 0; y < 6; ++y) {
          V points[6];
          HWY_UNROLL(16)
          for (int x = 0; x < 6; ++x, from += point) points[x] = hn::Load(d, from);
          begin_from_points<2>(points[0], points[1], points[2], points[5], rows[y]);
          add_from_points<2, 1>(points[3], points[4], rows[y]);
        }
        const ptrdiff_t at = c * w.out_channel_stride + (p + kTile * tile) * kLanes;
        for (int x = 0; x < 4; ++x) {
          V outputs[4];
          begin_from_points<2>(rows[0][x], rows[1][x], rows[2][x], rows[5][x], outputs);
          add_from_points<2, 1>(rows[3][x], rows[4][x], outputs);
          HWY_UNROLL(16)
          for (int y = 0; y < 4; ++y) {
            hn::Store(prelu_to_one(hn::Add(outputs[y], bias), slope), d, w.out_rows[y] + at + x * kLanes);
          }
        }
      }
    }
  }
}

// ---- the first layer and the tail's input --------------------------------------------------------------------------

void points_from_input_rows(const float* const* in_rows, int vectors, float* out, ptrdiff_t stride) {
  constexpr int kPoints = toom_cook_points(3);
  for (int v = 0; v < vectors; ++v) {
    V rows[kPoints], points[kPoints];
    HWY_UNROLL(16)
    for (int y = 0; y < kPoints; ++y) rows[y] = hn::Load(d, in_rows[y] + v * kLanes);
    to_points<3>(rows, points);
    HWY_UNROLL(16)
    for (int t = 0; t < kPoints; ++t) hn::Store(points[t], d, out + t * stride + v * kLanes);
  }
}

// Sums at four points of an output, or at all eight where there are registers for them.
template <int kOutputs>
void feature_rows_of(const FeatureRows& f, const OutputBlock& block, int p) {
  constexpr int kTaps = toom_cook_taps(3), kPoints = toom_cook_points(3), kAtOnce = kManyRegisters ? kPoints : 4;
  constexpr int kOrder[kPoints] = {0, 1, 2, 7, 3, 4, 5, 6};  // 0, the first pair, infinity; the other pairs
  V rows[kOutputs][4];
  HWY_UNROLL(16)
  for (int first = 0; first < kPoints; first += kAtOnce) {
    V sums[kOutputs][kAtOnce];
    HWY_UNROLL(16)
    for (int i = 0; i < kAtOnce; ++i) {
      const int t = kOrder[first + i];
      const float* x = f.points + t * f.point_stride + p * kLanes;
      const float* weights = block.weights + t * kTaps * kOutputs;
      HWY_UNROLL(16)
      for (int tap = 0; tap < kTaps; ++tap, weights += kOutputs) {
        V value = hn::Load(d, x + tap * kLanes);
        keep_in_register(value);
        HWY_UNROLL(16)
        for (int o = 0; o < kOutputs; ++o) {
          const V weight = hn::Set(d, weights[o]);
          sums[o][i] = tap == 0 ? hn::Mul(value, weight) : hn::MulAdd(value, weight, sums[o][i]);
        }
      }
    }
    HWY_UNROLL(16)
    for (int o = 0; o < kOutputs; ++o) {
      if (first == 0) begin_from_points<3>(sums[o][0], sums[o][1], sums[o][2], sums[o][3], rows[o]);
      if (kAtOnce == kPoints || first != 0) {
        add_from_points<3, 1>(sums[o][kAtOnce - 4], sums[o][kAtOnce - 3], rows[o]);
        add_from_points<3, 2>(sums[o][kAtOnce - 2], sums[o][kAtOnce - 1], rows[o]);
      }
    }
  }
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    const V bias = hn::Set(d, f.bias[block.begin + o]), slope = hn::Set(d, f.slope[block.begin + o]);
    float* out = f.out + (block.begin + o) * f.out_channel_stride + p * kLanes;
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) {
      hn::Store(prelu_to_one(hn::Add(rows[o][y], bias), slope), d, out + y * f.out_row_stride);
    }
  }
}

void feature_rows(const FeatureRows& f) {
  for (int p = 0; p < f.positions; ++p) {
    for (int b = 0; b < f.block_count; ++b) {
      const OutputBlock& block = f.blocks[b];
      with_constant<kFeatureOutputs>(block.count, [&]<int kOutputs>() { feature_rows_of<kOutputs>(f, block, p); });
    }
  }
}

// The points of a channel's four rows, of which those outside of the picture are zero.
template <int kPairs>
HWY_INLINE void store_points(const V (&values)[4], const V (&masks)[4], const ExpandedPoints& e, int channel, int p) {
  V rows[4];
  HWY_UNROLL(16)
  for (int y = 0; y < 4; ++y) rows[y] = hn::And(values[y], masks[y]);
  constexpr int kPoints = kPairs == 0 ? 4 : toom_cook_points(kPairs);
  V points[kPoints];
  if constexpr (kPairs == 0) {
    for (int y = 0; y < 4; ++y) points[y] = rows[y];
  } else {
    evaluate<kPairs>(rows[0], rows[1], rows[2], rows[3], points);
  }
  float* out = e.points + channel * e.channel_stride + p * kLanes;
  HWY_UNROLL(16)
  for (int t = 0; t < kPoints; ++t) hn::Store(points[t], d, out + t * e.point_stride);
}

HWY_INLINE void load_masks(const ExpandedPoints& e, int p, V (&masks)[4]) {
  HWY_UNROLL(16)
  for (int y = 0; y < 4; ++y) {
    const V all = hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), ~uint32_t{0}));
    masks[y] = !e.row_inside[y] ? hn::Zero(d) : e.mask != nullptr ? hn::Load(d, e.mask + p * kLanes) : all;
  }
}

template <int kPairs, int kOutputs>
void expanded_points_of(const ExpandedPoints& e, const OutputBlock& block, int p) {
  V sums[kOutputs][4];
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) sums[o][y] = hn::Set(d, e.bias[block.begin + o]);
  }
  const float* weights = block.weights;
  ptrdiff_t at = p * kLanes;
  for (int c = 0; c < e.in_channels; ++c, at += e.in_channel_stride, weights += kOutputs) {
    V x[4];
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) x[y] = hn::Load(d, e.in_rows[y] + at);
    HWY_UNROLL(16)
    for (int o = 0; o < kOutputs; ++o) {
      const V weight = hn::Set(d, weights[o]);
      HWY_UNROLL(16)
      for (int y = 0; y < 4; ++y) sums[o][y] = hn::MulAdd(x[y], weight, sums[o][y]);
    }
  }
  V masks[4];
  load_masks(e, p, masks);
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    const V slope = hn::Set(d, e.slope[block.begin + o]);
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) sums[o][y] = prelu_to_one(sums[o][y], slope);
    store_points<kPairs>(sums[o], masks, e, block.begin + o, p);
  }
}

// Without a layer before: the input's own points.
template <int kPairs>
void points_of_rows(const ExpandedPoints& e, int p) {
  V masks[4];
  load_masks(e, p, masks);
  for (int c = 0; c < e.in_channels; ++c) {
    V rows[4];
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) rows[y] = hn::Load(d, e.in_rows[y] + c * e.in_channel_stride + p * kLanes);
    store_points<kPairs>(rows, masks, e, c, p);
  }
}

void expanded_points(int pairs, const ExpandedPoints& e) {
  for (int p = 0; e.block_count == 0 && p < e.positions; ++p) {
    if (pairs == 0) points_of_rows<0>(e, p);
    if (pairs == 2) points_of_rows<2>(e, p);
    if (pairs == 3) points_of_rows<3>(e, p);
  }
  for (int b = 0; b < e.block_count; ++b) {
    const OutputBlock& block = e.blocks[b];
    with_constant<kExpandedOutputs>(block.count, [&]<int kOutputs>() {
      for (int p = 0; p < e.positions; ++p) {
        if (pairs == 0) expanded_points_of<0, kOutputs>(e, block, p);
        if (pairs == 2) expanded_points_of<2, kOutputs>(e, block, p);
        if (pairs == 3) expanded_points_of<3, kOutputs>(e, block, p);
      }
    });
  }
}

template <int kPairs>
void add_tail_rows_of(const TailRows& r) {
  constexpr int kPoints = toom_cook_points(kPairs);
  for (int p = 0; p < r.positions; ++p) {
    const float* at[kTile + 1];  // so many positions back
    for (int back = 0; back <= kTile; ++back) {
      at[back] = p >= back ? r.products + (p - back) * kLanes : r.before + (p - back + kTile) * kLanes;
    }
    // Of kMost values that have as many products as the first of them.
    const auto add_up = [&]<int kMost>(const TailSum& s, ptrdiff_t point, V* values) HWY_ATTR {
      HWY_UNROLL(16)
      for (int t = 0; t < kMost; ++t) values[t] = hn::Zero(d);
      for (int i = 0; i < s.count; ++i) {
        const float* const from = at[s.back - i] + point + (s.first + i) * r.product_stride;
        HWY_UNROLL(16)
        for (int t = 0; t < kMost; ++t) values[t] = hn::Add(values[t], hn::Load(d, from + t * r.point_stride));
      }
    };
    for (int phase = 0; phase < r.phases; ++phase) {
      const TailSum* const sums = r.sums + phase * r.values;
      const ptrdiff_t to = phase * r.phase_stride + p * kLanes;
      if constexpr (kPairs == 0) {
        for (int t = 0; t < r.values; ++t) {
          V sum;
          add_up.template operator()<1>(sums[t], 0, &sum);
          if (t < r.values - 1) sum = hn::Add(sum, hn::Load(d, r.rows[t] + to));
          hn::Store(sum, d, r.rows[t] + to);
        }
      } else {
        V values[kPoints], rows[kPoints];
        add_up.template operator()<kPoints - 1>(sums[0], 0, values);
        add_up.template operator()<1>(sums[kPoints - 1], (kPoints - 1) * r.point_stride, values + kPoints - 1);
        HWY_UNROLL(16)
        for (int t = 0; t < kPoints; ++t) rows[t] = t < kPoints - kTile ? hn::Load(d, r.rows[t] + to) : hn::Zero(d);
        add_interpolated<kPairs>(values, rows);
        HWY_UNROLL(16)
        for (int t = 0; t < kPoints; ++t) hn::Store(rows[t], d, r.rows[t] + to);
      }
    }
  }
}

void add_tail_rows(int pairs, const TailRows& r) {
  (pairs == 0 ? add_tail_rows_of<0> : pairs == 2 ? add_tail_rows_of<2> : add_tail_rows_of<3>)(r);
}

void activate(Layer::Activation activation, float slope, float low, float high, int vectors, float* x) {
  const V a = hn::Set(d, slope), least = hn::Set(d, low), most = hn::Set(d, high);
  for (int v = 0; v < vectors; ++v, x += kLanes) {
    V value = hn::Load(d, x);
    switch (activation) {
      case Layer::Activation::none: break;
      case Layer::Activation::relu:
      case Layer::Activation::prelu:
        value = hn::IfThenElse(hn::Gt(value, hn::Zero(d)), value, hn::Mul(value, a));
        break;
      case Layer::Activation::clamp: value = hn::Min(most, hn::Max(least, value)); break;
      case Layer::Activation::tanh: value = hn::Tanh(d, value); break;
    }
    hn::Store(value, d, x);
  }
}

}  // namespace

extern const FusedKernels kFusedKernels;
const FusedKernels kFusedKernels = {
    .cpu = kCpuName,
    .lanes = kLanes,
    .feature_outputs = kFeatureOutputs,
    .expanded_outputs = kExpandedOutputs,
    .winograd3x3 = winograd3x3,
    .points_from_input_rows = points_from_input_rows,
    .feature_rows = feature_rows,
    .expanded_points = expanded_points,
    .add_tail_rows = add_tail_rows,
    .activate = activate,
    .guard_limits = guard_limits,
    .guard_row = guard_row,
    .output_row = output_row,
};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

FSRCNN_DECLARE_KERNELS(FusedKernels, kFusedKernels)

const FusedKernels* fused_kernels(std::string_view cpu) {
  static constexpr const FusedKernels* kAll[] = FSRCNN_KERNELS(FusedKernels, kFusedKernels);
  return kernels_of(kAll, cpu);
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
