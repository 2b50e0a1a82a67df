#pragma once

#include <cstddef>
#include <vector>

#include "engine/fused_kernels.hpp"
#include "engine/toom_cook.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// Rows that go through a layer together: a tile of the transforms.
inline constexpr int kRowsAtOnce = kTile;

/// The weights of a layer as the kernels read them.
struct PackedLayer {
  std::vector<float> weights;
  std::vector<OutputBlock> blocks;  ///< into `weights`
  std::vector<float> bias, slope;   ///< one for each output
};

/// What the tail makes of the values at one point (or of one row): products of all channels with the weights of each
/// phase and tap column, (px * scale + py, dx) in this order.
struct TailPoint {
  int outputs = 0;
  std::vector<float> weights = {};
  std::vector<OutputBlock> blocks = {};
};

/// Input rows (or columns) relative to an output's that a phase reads.
struct TapRange {
  int first, last;
};

/// Everything about a model that the fused engine knows before it sees a picture: transformed weights, cut into the
/// blocks of an instruction set.
struct FusedPlan {
  /// The model must have a scale, which is 2, 3 or 4; `cpu` is one of cpu_names() that there are kernels for.
  FusedPlan(const Model& model, Precision precision, std::string_view cpu);

  FusedPlan(const FusedPlan&) = delete;  // blocks point into weights
  FusedPlan& operator=(const FusedPlan&) = delete;

  const FusedKernels* kernels;
  const GemmKernels* gemm;
  Precision precision;
  int d, s, m, scale;
  PaddingMode padding_mode;  ///< of the convolutions
  int tail_border;           ///< pixels around the last layer's input that are its edge; beyond them are zeros
  PackedLayer feature_extraction, shrinking, expanding;
  std::vector<PackedLayer> mapping;
  int tail_pairs;                    ///< of Toom-Cook points; 0: direct
  std::vector<TailPoint> tail;       ///< of each point; without points, one for all rows
  std::vector<TailSum> tail_sums;    ///< [phase][tail_values()]
  std::vector<float> tail_bias;      ///< of each phase
  std::vector<TapRange> tail_range;  ///< of each phase in one direction
  int tail_before, tail_after;       ///< the most of them, above (left) and below (right)

  void pack_tail(const Model& model, const std::vector<double>& factor);

  int phases() const { return scale * scale; }
  int tail_taps() const { return tail_before + tail_after + 1; }
  /// Rows of values that four rows of the tail's input stand for, and rows of output they add to.
  int tail_points() const { return tail_pairs == 0 ? kRowsAtOnce : toom_cook_points(tail_pairs); }
  int tail_rows() const { return tail_pairs == 0 ? kRowsAtOnce + tail_taps() - 1 : tail_points(); }
  /// What the products at each point (with each row: of each tap row) are added up to.
  int tail_values() const { return tail_pairs == 0 ? tail_taps() : tail_points(); }
  /// How far a layer's rows and columns lag behind the input's: 2 + 1 for each mapping layer so far.
  int lag(int mapping_layers) const { return 2 + mapping_layers; }
  int output_lag() const { return lag(m) + tail_after; }
};

}  // namespace fsrcnn
