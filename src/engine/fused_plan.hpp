#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/plane.hpp"
#include "engine/fused_kernels.hpp"
#include "engine/looks.hpp"
#include "engine/lowering.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {

/// Rows that go through a layer together: a tile of the transforms.
inline constexpr int kRowsAtOnce = kTile;
/// The output kernels' largest.
inline constexpr int kMostFusedScale = 4;
/// Positions that every ring keeps before a lane's walk, at least.
inline constexpr int kLeastHalo = 4;

/// The weights of a layer as the kernels read them.
struct PackedLayer {
  int outputs = 0;
  std::vector<float> weights;
  std::vector<OutputBlock> blocks;  ///< into `weights`
  std::vector<float> bias, slope;   ///< one for each output
};

/// A feature map in a strip: the rows that are still to be read, in a ring.
struct PlanValue {
  int channels = 0;
  int lag = 0;             ///< rows and columns that it is behind the input
  int rows = kRowsAtOnce;  ///< of the ring
  int halo = kLeastHalo;   ///< positions before a lane's walk that are read
  int border = 0;          ///< pixels outside the picture that are its edge; beyond them are zeros
  int start = 0;           ///< its first step relative to that of the first rows of output, in steps of four rows
  bool read_back = false;  ///< some position before its own is read
  int invalid = 0;         ///< columns at a strip's left that cannot be computed there
};

/// One operation on four rows of a value.
struct PlanStep {
  enum class Op {
    head,      ///< k x k from one channel and 1x1, together
    winograd,  ///< 3x3 by transforms in both directions
    direct,    ///< any taps
    copy,      ///< channels of another value
  };
  Op op = Op::direct;
  int input = 0, output = 0;
  bool accumulates = false;  ///< adds to the result of the previous step
  TapRange rows{0, 0}, columns{0, 0};
  PackedLayer layer = {};       ///< of the head its k x k
  PackedLayer second = {};      ///< of the head its 1x1
  std::vector<Pair> taps = {};  ///< of a direct step: rows and columns relative to the output's
  std::vector<int> copied = {};
  /// An activation other than a PReLU with slopes up to 1; applied after the value's last step.
  Layer::Activation activation = Layer::Activation::none;
  std::vector<float> slope = {};
  float low = 0, high = 1;
  double StageTimes::*stage = nullptr;
};

/// What the tail computes from the values at one point (or of one row): products of all channels with the weights of
/// each phase and tap column, (px * scale + py, dx) in this order.
struct TailPoint {
  int outputs = 0;
  std::vector<float> weights = {};
  std::vector<OutputBlock> blocks = {};
};

/// The last layer, which adds the products of a pixel to the output pixels around it, and the 1x1 layer before it, if
/// there is one.
struct PlanTail {
  int input = 0;               ///< the value that the 1x1 layer reads, or the last one
  int channels = 0;            ///< that the last layer reads
  PackedLayer expanding = {};  ///< without blocks: there is none
  int border = 0;              ///< pixels around the last layer's input that are its edge; beyond them are zeros
  int phases = 0;
  int pairs = 0;                       ///< of Toom-Cook points; 0: direct
  std::vector<TailPoint> points = {};  ///< of each point; without points, one for all rows
  std::vector<TailSum> sums = {};      ///< [phase][values()]
  std::vector<float> bias = {};        ///< of each phase
  int before = 0, after = 0;           ///< the most taps above (left) and below (right)

  int taps() const { return before + after + 1; }
  /// Rows of values that four rows of its input stand for, and rows of output they add to.
  int point_rows() const { return pairs == 0 ? kRowsAtOnce : toom_cook_points(pairs); }
  int rows() const { return pairs == 0 ? kRowsAtOnce + taps() - 1 : point_rows(); }
  /// The sums of the products at each point (or, without points, of each tap row).
  int values() const { return pairs == 0 ? taps() : point_rows(); }
};

/// Everything about a network that does not depend on the picture: the steps, how far each lags behind the input, and
/// transformed weights, cut into the blocks of an instruction set.
struct FusedPlan {
  /// `cpu` is one of cpu_names() that there are kernels for.
  FusedPlan(const LoweredNetwork& network, Precision precision, std::string_view cpu, const Looks& looks = {});

  /// Whether the kernels support the output's scale and the strips' size.
  static bool fits(const LoweredNetwork& network);

  FusedPlan(const FusedPlan&) = delete;  // blocks point into weights
  FusedPlan& operator=(const FusedPlan&) = delete;

  const FusedKernels* kernels;
  const GemmKernels* gemm;
  Precision precision;
  Looks looks;
  Levels levels;
  int scale, colours;
  std::vector<PlanValue> values;  ///< the first is the input
  std::vector<PlanStep> steps;    ///< in order; those of a value follow each other
  std::optional<PlanTail> tail;
  int output;  ///< the value that holds the output's phases, or is added to the tail's; -1: none
  int output_lag;
  int invalid_columns;  ///< at a strip's left: read, but computed only at the picture's left edge
  int outside_columns;  ///< beyond the picture that a step whose output reaches out of it reads
  /// Of each phase (px * scale + py): the input rows and columns that it depends on.
  std::vector<TapRange> rows_read, columns_read;

  int phases() const { return scale * scale; }
  /// Steps before the first output's step at which loading rows, and computing, starts.
  int warm_up() const { return -values.front().start; }
  /// Rows of the input above those of a first output that a strip reads.
  int rows_above() const { return std::max(0, kRowsAtOnce * warm_up() - output_lag); }
  int first_step;
  int most_halo() const;
  /// Of values that are computed; the input's is read.
  int most_copied_halo() const;
  /// Rows above its own that an output depends on.
  int most_rows_back() const;
};

}  // namespace fsrcnn
