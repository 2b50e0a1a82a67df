#include "engine/fused_kernels.hpp"

#include <algorithm>
#include <cstring>

#include "base/cpu.hpp"
#include "engine/toom_cook.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/fused_kernels.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"
#include "base/simd_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

constexpr int kFeatureOutputs = kManyRegisters ? 3 : 1;   // times eight points
constexpr int kExpandedOutputs = kManyRegisters ? 6 : 3;  // times four rows

// ---- Toom-Cook -----------------------------------------------------------------------------------------------------

// sum + x * factor; sums are cheaper than products where there are units for both.
template <class Factor>
HWY_INLINE V add_scaled(V x, Factor factor, V sum) {
  return factor == 1 ? hn::Add(sum, x) : hn::MulAdd(x, hn::Set(d, static_cast<float>(factor)), sum);
}

// out = the n points of n inputs, for a convolution (Winograd's B^T d).
template <int kPairs>
HWY_INLINE void to_points(const V* HWY_RESTRICT in, V* HWY_RESTRICT out) {
  constexpr auto kAll = toom_cook_polynomial<kPairs>(-1);
  V zero = in[2 * kPairs], infinity = in[2 * kPairs + 1];
  HWY_UNROLL(16)
  for (int k = kPairs - 1; k >= 0; --k) {
    zero = add_scaled(in[2 * k], kAll[static_cast<size_t>(k)], zero);
    infinity = add_scaled(in[2 * k + 1], kAll[static_cast<size_t>(k)], infinity);
  }
  out[0] = zero;
  out[2 * kPairs + 1] = infinity;
  const auto pair = [&]<int kI>() HWY_ATTR {
    constexpr auto kOthers = toom_cook_polynomial<kPairs>(kI);
    constexpr double kA = ToomCook<kPairs>::points[kI];
    V even = in[2 * kPairs], odd = hn::Mul(in[2 * kPairs - 1], hn::Set(d, static_cast<float>(kA)));
    HWY_UNROLL(16)
    for (int k = kPairs - 2; k >= 0; --k) {
      even = hn::MulAdd(in[2 * k + 2], hn::Set(d, static_cast<float>(kOthers[k])), even);
      odd = hn::MulAdd(in[2 * k + 1], hn::Set(d, static_cast<float>(kA * kOthers[k])), odd);
    }
    out[2 * kI + 1] = hn::Add(even, odd);
    out[2 * kI + 2] = hn::Sub(even, odd);
  };
  pair.template operator()<0>();
  pair.template operator()<1>();
  if constexpr (kPairs == 3) pair.template operator()<2>();
}

// out = the four outputs of n points, for a convolution (Winograd's A^T m).
template <int kPairs>
HWY_INLINE void from_points(const V* HWY_RESTRICT in, V* HWY_RESTRICT out) {
  V sum = hn::Add(in[1], in[2]), difference = hn::Sub(in[1], in[2]);
  constexpr float a = ToomCook<kPairs>::points[0];
  out[0] = hn::Add(in[0], sum);
  if constexpr (a == 1.0F) {
    out[1] = difference;
    out[2] = sum;
    out[3] = hn::Add(in[2 * kPairs + 1], difference);
  } else {
    out[1] = hn::Mul(difference, hn::Set(d, a));
    out[2] = hn::Mul(sum, hn::Set(d, a * a));
    out[3] = hn::MulAdd(difference, hn::Set(d, a * a * a), in[2 * kPairs + 1]);
  }
  HWY_UNROLL(16)
  for (int i = 1; i < kPairs; ++i) {
    const float b = ToomCook<kPairs>::points[static_cast<size_t>(i)];
    sum = hn::Add(in[2 * i + 1], in[2 * i + 2]);
    difference = hn::Sub(in[2 * i + 1], in[2 * i + 2]);
    out[0] = hn::Add(out[0], sum);
    out[1] = hn::MulAdd(difference, hn::Set(d, b), out[1]);
    out[2] = hn::MulAdd(sum, hn::Set(d, b * b), out[2]);
    out[3] = hn::MulAdd(difference, hn::Set(d, b * b * b), out[3]);
  }
}

// out = the values of the polynomial with coefficients x0 ... x3 at the n points (transposed convolution).
template <int kPairs>
HWY_INLINE void evaluate(V x0, V x1, V x2, V x3, V* HWY_RESTRICT out) {
  out[0] = x0;
  out[2 * kPairs + 1] = x3;
  HWY_UNROLL(16)
  for (int i = 0; i < kPairs; ++i) {
    const float a = ToomCook<kPairs>::points[static_cast<size_t>(i)];
    V even, odd;
    if (a == 1.0F) {
      even = hn::Add(x0, x2);
      odd = hn::Add(x1, x3);
    } else {
      even = hn::MulAdd(x2, hn::Set(d, a * a), x0);
      odd = hn::MulAdd(x3, hn::Set(d, a * a * a), hn::Mul(x1, hn::Set(d, a)));
    }
    out[2 * i + 1] = hn::Add(even, odd);
    out[2 * i + 2] = hn::Sub(even, odd);
  }
}

// sums += the n coefficients of the polynomial with these values at the n points: the transpose of to_points.
template <int kPairs>
HWY_INLINE void add_interpolated(const V* HWY_RESTRICT in, V* HWY_RESTRICT sums) {
  constexpr auto kAll = toom_cook_polynomial<kPairs>(-1);
  HWY_UNROLL(16)
  for (int k = 0; k <= kPairs; ++k) {
    sums[2 * k] = add_scaled(in[0], kAll[static_cast<size_t>(k)], sums[2 * k]);
    sums[2 * k + 1] = add_scaled(in[2 * kPairs + 1], kAll[static_cast<size_t>(k)], sums[2 * k + 1]);
  }
  const auto pair = [&]<int kI>() HWY_ATTR {
    constexpr auto kOthers = toom_cook_polynomial<kPairs>(kI);
    constexpr double kA = ToomCook<kPairs>::points[kI];
    const V even = hn::Add(in[2 * kI + 1], in[2 * kI + 2]), odd = hn::Sub(in[2 * kI + 1], in[2 * kI + 2]);
    HWY_UNROLL(16)
    for (int k = 0; k < kPairs; ++k) {
      sums[2 * k + 2] = hn::MulAdd(even, hn::Set(d, static_cast<float>(kOthers[k])), sums[2 * k + 2]);
      sums[2 * k + 1] = hn::MulAdd(odd, hn::Set(d, static_cast<float>(kA * kOthers[k])), sums[2 * k + 1]);
    }
  };
  pair.template operator()<0>();
  pair.template operator()<1>();
  if constexpr (kPairs == 3) pair.template operator()<2>();
}

void winograd3x3(const Winograd3x3& w) {
  constexpr int kTiles = kFloatsAtOnce / kLanes;  // at once
  float* const inputs = w.scratch;
  // A block that has all outputs has read its inputs before it writes: they can share the cache.
  float* const sums = w.block_count == 1 ? inputs : inputs + 36 * w.in_channels * kFloatsAtOnce;
  const ptrdiff_t in_point = w.in_channels * kFloatsAtOnce, out_point = w.out_channels * kFloatsAtOnce;
  constexpr ptrdiff_t kNoOffset[1] = {0};
  for (int p = 0; p < w.positions; p += kTile * kTiles) {
    for (int c = 0; c < w.in_channels; ++c) {
      for (int tile = 0; tile < kTiles; ++tile) {
        const ptrdiff_t at = c * w.channel_stride + (p + kTile * tile - 2) * kLanes;
        V columns[6][6];  // [position][vertical point]
        for (int x = 0; x < 6; ++x) {
          V rows[6];
          HWY_UNROLL(16)
          for (int y = 0; y < 6; ++y) {
            rows[y] = hn::Load(d, w.in_rows[y] + at + x * kLanes);
            keep_in_register(rows[y]);
          }
          to_points<2>(rows, columns[x]);
        }
        float* to = inputs + c * kFloatsAtOnce + tile * kLanes;
        for (int y = 0; y < 6; ++y) {
          const V row[6] = {columns[0][y], columns[1][y], columns[2][y], columns[3][y], columns[4][y], columns[5][y]};
          V points[6];
          to_points<2>(row, points);
          HWY_UNROLL(16)
          for (int x = 0; x < 6; ++x, to += in_point) hn::Store(points[x], d, to);
        }
      }
    }
    for (int b = 0; b < w.block_count; ++b) {
      const OutputBlock& block = w.blocks[b];
      w.gemm(block.count, {.in = inputs,
                           .in_channel_stride = kFloatsAtOnce,
                           .channels = w.in_channels,
                           .taps = 1,
                           .tap_offsets = kNoOffset,
                           .weights = block.weights,
                           .out = sums + block.begin * kFloatsAtOnce,
                           .out_channel_stride = kFloatsAtOnce,
                           .vectors = kTiles,
                           .batch = 36,
                           .in_batch_stride = in_point,
                           .weights_batch_stride = w.in_channels * block.count,
                           .out_batch_stride = out_point});
    }
    for (int c = 0; c < w.out_channels; ++c) {
      const V bias = hn::Set(d, w.bias[c]), slope = hn::Set(d, w.slope[c]);
      for (int tile = 0; tile < kTiles; ++tile) {
        const float* from = sums + c * kFloatsAtOnce + tile * kLanes;
        V rows[6][4];  // [vertical point][output column]
        for (int y = 0; y < 6; ++y) {
          V points[6];
          HWY_UNROLL(16)
          for (int x = 0; x < 6; ++x, from += out_point) points[x] = hn::Load(d, from);
          from_points<2>(points, rows[y]);
        }
        const ptrdiff_t at = c * w.channel_stride + (p + kTile * tile) * kLanes;
        for (int x = 0; x < 4; ++x) {
          const V column[6] = {rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x], rows[5][x]};
          V outputs[4];
          from_points<2>(column, outputs);
          HWY_UNROLL(16)
          for (int y = 0; y < 4; ++y) {
            hn::Store(prelu_to_one(hn::Add(outputs[y], bias), slope), d, w.out_rows[y] + at + x * kLanes);
          }
        }
      }
    }
  }
}

template <int kPairs>
void points_from_input_rows_of(const float* const* in_rows, int vectors, float* out, ptrdiff_t stride) {
  constexpr int kPoints = toom_cook_points(kPairs);
  for (int v = 0; v < vectors; ++v) {
    V rows[kPoints], points[kPoints];
    HWY_UNROLL(16)
    for (int y = 0; y < kPoints; ++y) rows[y] = hn::Load(d, in_rows[y] + v * kLanes);
    to_points<kPairs>(rows, points);
    HWY_UNROLL(16)
    for (int t = 0; t < kPoints; ++t) hn::Store(points[t], d, out + t * stride + v * kLanes);
  }
}

// ---- the first layer and the tail's input --------------------------------------------------------------------------

template <int kOutputs>
void feature_rows_of(const FeatureRows& f, const OutputBlock& block, int p) {
  constexpr int kPoints = toom_cook_points(3), kTaps = toom_cook_taps(3);
  V sums[kOutputs][kPoints];
  const float* weights = block.weights;
  HWY_UNROLL(16)
  for (int t = 0; t < kPoints; ++t) {
    const float* x = f.points + t * f.point_stride + p * kLanes;
    HWY_UNROLL(16)
    for (int tap = 0; tap < kTaps; ++tap, weights += kOutputs) {
      V value = hn::Load(d, x + tap * kLanes);
      keep_in_register(value);
      HWY_UNROLL(16)
      for (int o = 0; o < kOutputs; ++o) {
        const V weight = hn::Set(d, weights[o]);
        sums[o][t] = tap == 0 ? hn::Mul(value, weight) : hn::MulAdd(value, weight, sums[o][t]);
      }
    }
  }
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    V rows[4];
    from_points<3>(sums[o], rows);
    const V bias = hn::Set(d, f.bias[block.begin + o]), slope = hn::Set(d, f.slope[block.begin + o]);
    float* out = f.out + (block.begin + o) * f.out_channel_stride + p * kLanes;
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) hn::Store(prelu_to_one(hn::Add(rows[y], bias), slope), d, out + y * f.out_row_stride);
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
  HWY_UNROLL(16)
  for (int y = 0; y < 4; ++y) {
    const V all = hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), ~uint32_t{0}));
    masks[y] = !e.row_inside[y] ? hn::Zero(d) : e.mask != nullptr ? hn::Load(d, e.mask + p * kLanes) : all;
  }
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    V rows[4];
    const V slope = hn::Set(d, e.slope[block.begin + o]);
    HWY_UNROLL(16)
    for (int y = 0; y < 4; ++y) rows[y] = hn::And(prelu_to_one(sums[o][y], slope), masks[y]);
    constexpr int kPoints = kPairs == 0 ? 4 : toom_cook_points(kPairs);
    V points[kPoints];
    if constexpr (kPairs == 0) {
      for (int y = 0; y < 4; ++y) points[y] = rows[y];
    } else {
      evaluate<kPairs>(rows[0], rows[1], rows[2], rows[3], points);
    }
    float* out = e.points + (block.begin + o) * e.channel_stride + p * kLanes;
    HWY_UNROLL(16)
    for (int t = 0; t < kPoints; ++t) hn::Store(points[t], d, out + t * e.point_stride);
  }
}

void expanded_points(int pairs, const ExpandedPoints& e) {
  for (int p = 0; p < e.positions; ++p) {
    for (int b = 0; b < e.block_count; ++b) {
      const OutputBlock& block = e.blocks[b];
      with_constant<kExpandedOutputs>(block.count, [&]<int kOutputs>() {
        if (pairs == 0) expanded_points_of<0, kOutputs>(e, block, p);
        if (pairs == 2) expanded_points_of<2, kOutputs>(e, block, p);
        if (pairs == 3) expanded_points_of<3, kOutputs>(e, block, p);
      });
    }
  }
}

template <int kPairs>
void add_rows_of_points_of(const float* points, ptrdiff_t point_stride, int vectors, float* sums,
                           ptrdiff_t row_stride) {
  constexpr int kPoints = toom_cook_points(kPairs);
  for (int v = 0; v < vectors; ++v) {
    V values[kPoints], rows[kPoints];
    HWY_UNROLL(16)
    for (int t = 0; t < kPoints; ++t) {
      values[t] = hn::Load(d, points + t * point_stride + v * kLanes);
      rows[t] = hn::Load(d, sums + t * row_stride + v * kLanes);
    }
    add_interpolated<kPairs>(values, rows);
    HWY_UNROLL(16)
    for (int t = 0; t < kPoints; ++t) hn::Store(rows[t], d, sums + t * row_stride + v * kLanes);
  }
}

void points_from_input_rows(int pairs, const float* const* in_rows, int vectors, float* out, ptrdiff_t stride) {
  (pairs == 2 ? points_from_input_rows_of<2> : points_from_input_rows_of<3>)(in_rows, vectors, out, stride);
}
void add_rows_of_points(int pairs, const float* points, ptrdiff_t point_stride, int vectors, float* sums,
                        ptrdiff_t row_stride) {
  (pairs == 2 ? add_rows_of_points_of<2> : add_rows_of_points_of<3>)(points, point_stride, vectors, sums, row_stride);
}

// ---- output --------------------------------------------------------------------------------------------------------

// Four positions make 4 * kScale samples in a row for each lane. As many as fit are put into a word of 32 bits, so that
// going from lane after lane to column after column takes a load and a store for each word.
template <class Sample, int kScale>
void output_row_of(const OutputRow& r) {
  constexpr int kInWord = 4 / sizeof(Sample), kWords = 4 * kScale / kInWord;
  using DI = hn::RebindToSigned<D>;
  const DI di;
  const V one = hn::Set(d, r.one);
  const ptrdiff_t lane_words = ptrdiff_t{r.positions} * kScale / kInWord;
  HWY_ALIGN int32_t words[kWords][kLanes];
  for (int p = 0; p < r.positions; p += 4) {
    HWY_UNROLL(16)
    for (int w = 0; w < kWords; ++w) {
      auto word = hn::Zero(di);
      HWY_UNROLL(16)
      for (int i = 0; i < kInWord; ++i) {
        const int sample = w * kInWord + i, phase = sample % kScale;
        V x = hn::Load(d, r.sums + phase * r.phase_stride + (p + sample / kScale) * kLanes);
        x = hn::Add(x, hn::Set(d, r.bias[phase * r.bias_stride]));
        // A NaN stays one, but where no integer stands for it.
        if constexpr (kInWord != 1) x = hn::IfThenElseZero(hn::Eq(x, x), x);
        x = hn::Mul(hn::Min(hn::Set(d, 1.0F), hn::Max(hn::Zero(d), x)), one);
        if constexpr (kInWord == 1) {
          word = hn::BitCast(di, x);
        } else {
          word = hn::Or(word, hn::ShiftLeftSame(hn::NearestInt(x), i * 32 / kInWord));
        }
      }
      hn::Store(word, di, words[w]);
    }
    std::byte* to = r.out + p / 4 * kWords * 4;
    for (int lane = 0; lane < kLanes; ++lane, to += lane_words * 4) {
      HWY_UNROLL(16)
      for (int w = 0; w < kWords; ++w) std::memcpy(to + 4 * w, &words[w][lane], 4);
    }
  }
}

template <class Sample>
void output_row_of(int scale, const OutputRow& r) {
  if (scale == 2) output_row_of<Sample, 2>(r);
  if (scale == 3) output_row_of<Sample, 3>(r);
  if (scale == 4) output_row_of<Sample, 4>(r);
}

void output_row(SampleType type, int scale, const OutputRow& r) {
  switch (type) {
    case SampleType::u8: return output_row_of<uint8_t>(scale, r);
    case SampleType::u16: return output_row_of<uint16_t>(scale, r);
    case SampleType::f32: return output_row_of<float>(scale, r);
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
    .add_rows_of_points = add_rows_of_points,
    .output_row = output_row,
};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

const FusedKernels* fused_kernels(std::string_view cpu) {
  static constexpr const FusedKernels* kAll[] = FSRCNN_KERNELS(kFusedKernels);
  return kernels_of(kAll, cpu);
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
