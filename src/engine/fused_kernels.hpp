#pragma once

#include <cstddef>
#include <string_view>

#include "base/plane.hpp"
#include "network/network.hpp"
#include "nn/gemm.hpp"

namespace fsrcnn {

/// Floats that the vectors of one step hold, on every instruction set.
inline constexpr int kFloatsAtOnce = 16;

/// A 3x3 layer by Toom and Cook's transforms in both directions: 4x4 outputs from 6x6 inputs at 36 points.
struct Winograd3x3 {
  const float* in_rows[6];  ///< at position 0 of channel 0; the tile at p reads positions p - 2 ... p + 3
  float* out_rows[4];
  ptrdiff_t in_channel_stride, out_channel_stride;
  int inputs, outputs;  ///< channels
  int positions;
  const OutputBlock* blocks;  ///< weights [36][inputs][count]
  int block_count;
  const float *bias, *slope;
  void (*gemm)(int outputs, const Gemm&);
  float* scratch;  ///< winograd3x3_scratch(inputs, outputs) floats
};

/// Floats from a point to the next: the points of a channel are in different sets of the cache.
constexpr ptrdiff_t winograd3x3_point(int channels) { return spread(ptrdiff_t{channels} * kFloatsAtOnce); }
constexpr ptrdiff_t winograd3x3_scratch(int inputs, int outputs) {
  return 36 * (winograd3x3_point(inputs) + winograd3x3_point(outputs));
}

/// The first layer: four output rows from the values of eight input rows at the Toom-Cook points of five taps.
struct FeatureRows {
  const float* points;  ///< [8], point_stride apart; the outputs at position 0 read positions 0 ... 4
  ptrdiff_t point_stride;
  int positions;
  const OutputBlock* blocks;  ///< weights [point][tap][count]
  int block_count;
  const float *bias, *slope;
  float* out;  ///< [4][channels][positions]
  ptrdiff_t out_row_stride, out_channel_stride;
};

/// A 1x1 layer whose output the tail reads: the values of four of its rows at the tail's points. Without blocks, of the
/// input's own rows.
struct ExpandedPoints {
  const float* in_rows[4];  ///< at position 0 of channel 0
  ptrdiff_t in_channel_stride;
  int in_channels, positions;
  const OutputBlock* blocks;  ///< weights [in_channels][count]
  int block_count;
  const float *bias, *slope;
  const float* mask;   ///< [positions], all bits set or none; null: all set
  bool row_inside[4];  ///< the others are zero
  float* points;       ///< [n][channels][positions]
  ptrdiff_t point_stride, channel_stride;
};

/// Products of the tail that belong together: those of `count` tap columns from the `first` output on, the first of
/// them `back` positions before the sum and each other one position after the one before.
struct TailSum {
  int first = 0, count = 0, back = 0;
};

/// Some positions of the rows that the tail adds to.
struct TailRows {
  const float *before, *products;  ///< [points][outputs]: of the four positions before and of these
  ptrdiff_t product_stride;
  ptrdiff_t point_stride;  ///< 0: all values are sums of the same products
  int positions;
  const TailSum* sums;  ///< [phases][values]
  int phases, values;
  float* rows[8];  ///< [values], each [phases]; the last four of points' and the last of others are begun
  ptrdiff_t phase_stride;
};

/// One row of the output: sums of its phases become samples in the order of columns.
struct OutputRow {
  const float* sums;  ///< [scale][positions], phase_stride apart
  ptrdiff_t phase_stride;
  const float* bias;  ///< of the phases
  int positions;      ///< a multiple of 4
  float factor;       ///< the sample that stands for 1.0
  float most;         ///< the largest sample
  std::byte* out;     ///< for each lane its positions * scale samples
};

/// guard_range of the 3x3 pixels around each.
struct GuardLimits {
  const float* rows[3];  ///< at position 0 of the row in the middle and of its neighbours; from position -1 on
  int positions;         ///< of the limits; one more is read
  float *low, *high;     ///< [positions]
};

/// Some phases of a row of sums become what the guard leaves of them; see guard_overshoot.
struct GuardRow {
  float* sums;  ///< [phases][positions], phase_stride apart
  ptrdiff_t phase_stride;
  const float* bias;  ///< of the phases; part of the result
  int phases, positions;
  const float *low, *high;  ///< [positions]
  float kept;               ///< the share of the overshoot
};

/// The inner loops for one instruction set. All pointers are aligned to a vector, and no function reads or writes
/// outside the ranges stated above.
struct FusedKernels {
  const char* cpu;  ///< its name
  int lanes;        ///< floats in a vector
  /// The most outputs that a block of weights may have, for each function.
  int feature_outputs, expanded_outputs;
  void (*winograd3x3)(const Winograd3x3&);
  /// n rows of one channel to n points: in[row] at position 0 -> out[point * stride].
  void (*points_from_input_rows)(const float* const* in_rows, int vectors, float* out, ptrdiff_t stride);
  void (*feature_rows)(const FeatureRows&);
  void (*expanded_points)(int pairs, const ExpandedPoints&);  ///< pairs 0: the rows themselves
  /// rows += the rows that the sums (values at n points) transform to; pairs 0: the sums themselves.
  void (*add_tail_rows)(int pairs, const TailRows&);
  /// x = the activation of x; PReLU with any slope.
  void (*activate)(Layer::Activation activation, float slope, float low, float high, int vectors, float* x);
  void (*guard_limits)(const GuardLimits&);
  void (*guard_row)(const GuardRow&);
  /// Samples are clamp((sum + bias) * factor, 0, most), integers rounded to the nearest.
  void (*output_row)(SampleType type, int scale, const OutputRow&);
};

/// Null if there are none for this name of cpu_names().
const FusedKernels* fused_kernels(std::string_view cpu);

}  // namespace fsrcnn
