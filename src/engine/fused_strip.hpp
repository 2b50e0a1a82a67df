#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "base/plane.hpp"
#include "engine/fused_plan.hpp"

namespace fsrcnn {

/// Adds the time between laps to stages, if there is somebody who wants to know it.
class Stopwatch {
 public:
  explicit Stopwatch(StageTimes* times) : times_(times) {
    if (times_ != nullptr) begin_ = Clock::now();
  }
  void lap(double StageTimes::*stage) {
    if (times_ == nullptr) return;
    const auto now = Clock::now();
    times_->*stage += std::chrono::duration<double>(now - begin_).count();
    begin_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  StageTimes* times_;
  Clock::time_point begin_;
};

/// Columns of a picture that run through all layers together, in LR pixels.
struct StripRange {
  int64_t input_begin;               ///< a multiple of 4
  int64_t output_begin, output_end;  ///< what it computes
  int positions;                     ///< columns of each lane: a multiple of FusedStrip::position_step
};

/// A strip of columns on its way from the top of a picture to its bottom, four rows at a time, through all layers.
///
/// Lane l of a vector at position p holds column l * positions + p of the strip: every lane walks over columns of its
/// own, so a neighbouring column is a neighbouring vector, and only the ends of the walks (the halo before position 0)
/// are copied from lane to lane. Each layer lags behind the one before it by as many rows and columns as its taps look
/// ahead, so all of them only look back: at rows of the ring, and at positions before theirs.
///
/// Every output is one lane's sums in a fixed order, and the tiles of the transforms lie at fixed rows and columns of
/// the picture, so no result depends on the strip.
class FusedStrip {
 public:
  FusedStrip(const FusedPlan& plan, int max_positions);

  /// Rows of the picture are computed anew from `first_row`, a multiple of 4.
  void start(const StripRange& range, int64_t width, int64_t height, int64_t first_row);
  /// The first row that the next `step` computes.
  int64_t next_row() const { return group_; }
  /// Computes four rows of the picture, from next_row() on. `input.row(y - first_input_row)` must be row y for those
  /// rows that were not needed before, up to output_lag() + 3 below next_row().
  void step(const ConstPlane& input, int64_t first_input_row, StageTimes* times = nullptr);
  /// Writes the output of the four rows that were computed last, as far as they lie before LR row `end` (and not before
  /// the first row that was asked for): row y to the rows of `output` from scale * (y - output_begin) on.
  void store(const Plane& output, int64_t output_begin, int64_t end, StageTimes* times = nullptr);
  /// Whether rows y ... end - 1 of a strip depend on samples that are equal byte by byte in two planes.
  bool reads_the_same(const StripRange& range, const ConstPlane& a, const ConstPlane& b, int64_t y, int64_t end) const;
  int max_positions() const { return max_positions_; }

  static int position_step(const FusedKernels& kernels) { return 64 / kernels.lanes; }
  /// Columns at a strip's left that it reads but cannot compute (but at the picture's left edge, where it can).
  static int invalid_columns(const FusedPlan& plan);

 private:
  struct Ring {
    int rows = 0, channels = 0;
    float* data = nullptr;
  };

  // Positions before a lane's walk: the most that a layer looks back.
  static constexpr int kHalo = 4;

  float* row(const Ring& ring, int64_t y) const;
  void load_row(int64_t y, const ConstPlane& input, int64_t first_input_row);
  void spoil(int64_t y, const Plane& output, int64_t output_row) const;
  void feature_extraction_and_shrinking(int64_t y);
  void mapping(int layer, int64_t y);
  void expanding_and_tail(int64_t y, StageTimes* times);
  void expand(int64_t y, int position, int positions);
  void tail_products(int positions, float* products);
  void fill_outside(const Ring& ring, int64_t y, int lag);
  void fill_column(const Ring& ring, float* row, int64_t column, int64_t from_column);
  void copy_halo(const Ring& ring, float* row, int lag);
  int64_t column(int lag, int lane, int position) const {
    return range_.input_begin - lag + int64_t{lane} * range_.positions + position;
  }
  // Row r of those that the tail adds to, counted from the first that it completes.
  float* sums_row(int r) const {
    return sums_ + (sums_begin_ + r) % plan_->tail_rows() * plan_->phases() * channel_stride_;
  }
  bool inside(int64_t y) const { return y >= 0 && y < height_; }

  const FusedPlan* plan_;
  const FusedKernels* kernels_;
  int lanes_, max_positions_;
  StripRange range_{};
  int64_t width_ = 0, height_ = 0, first_row_ = 0, group_ = 0, next_input_ = 0, sums_begin_ = 0;
  ptrdiff_t channel_stride_ = 0;  // (halo + positions) * lanes
  int tail_block_;                // positions of a block in the tail
  ptrdiff_t tail_stride_;         // floats of a block, for a channel of the points or of the products
  ptrdiff_t products_of_point_;   // floats of the tail's products at a point
  int block_;                     // positions of a block in the first layers
  bool masked_ = false;
  struct Pixel {
    int64_t y, x;
  };
  std::vector<Pixel> unusable_;  // NaNs and infinities of the input, computed with as 0
  hwy::AlignedFreeUniquePtr<float[]> memory_;
  Ring input_;
  std::vector<Ring> maps_;  // m + 1: what the mapping layers read and the last writes
  float *input_luma_, *input_points_, *features_, *mapping_scratch_, *points_, *products_, *sums_, *mask_, *output_row_;
};

}  // namespace fsrcnn
