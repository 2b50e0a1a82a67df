#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/aligned.hpp"
#include "base/plane.hpp"
#include "engine/fused_plan.hpp"

namespace fsrcnn {

/// Adds the time between laps to `stages`, if it is not null.
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
  int64_t input_begin;               ///< a multiple of 4; below 0 where edges are extended
  int64_t output_begin, output_end;  ///< what it computes
  int positions;                     ///< columns of each lane: a multiple of FusedStrip::position_step
};

/// A strip of columns, processed from the top of a picture to its bottom, four rows at a time, through all layers.
///
/// Lane l of a vector at position p holds column l * positions + p of the strip: every lane walks over its own columns,
/// so a neighbouring column is a neighbouring vector, and only the ends of the walks (the halo before position 0) are
/// copied from lane to lane. Each layer lags behind the one before it by as many rows and columns as its taps look
/// ahead, so all of them only look back: at rows of the ring, and at positions before theirs.
///
/// Every output is one lane's sums in a fixed order, and the tiles of the transforms lie at fixed rows and columns of
/// the picture, so no result depends on the strip.
class FusedStrip {
 public:
  FusedStrip(const FusedPlan& plan, int max_positions);

  /// Starts at `first_row`, a multiple of 4.
  void start(const StripRange& range, int64_t width, int64_t height, int64_t first_row);
  /// The first row that the next `step` computes.
  int64_t next_row() const { return group_; }
  /// Computes four rows of the picture, from next_row() on. `input.row(y - first_input_row)` must be row y for those
  /// rows that were not needed before, up to output_lag + 3 below next_row(). One plane for each of the network's.
  void step(const ConstPlane* input, int64_t first_input_row, StageTimes* times = nullptr);
  /// Writes the output of the four rows that were computed last, as far as they lie before LR row `end` (and not before
  /// the first row that was asked for): row y to the rows of `output` from scale * (y - output_begin) on.
  void store(const Plane* output, int64_t output_begin, int64_t end, StageTimes* times = nullptr);
  /// Whether rows y ... end - 1 of a strip depend on samples that are equal byte by byte in two planes.
  bool reads_the_same(const StripRange& range, const ConstPlane& a, const ConstPlane& b, int64_t y, int64_t end) const;
  int max_positions() const { return max_positions_; }
  int64_t bytes() const { return bytes_; }

  static int position_step(const FusedKernels& kernels) { return 64 / kernels.lanes; }

 private:
  /// The rows of a value that are still to be read.
  struct Ring {
    const PlanValue* value = nullptr;
    ptrdiff_t stride = 0;  ///< floats of a channel of a row: (halo + positions) * lanes
    float* data = nullptr;
  };
  /// The rest of the memory, each a part of it.
  struct Scratch {
    float *input_luma, *input_points, *features, *winograd, *points, *products, *sums, *mask, *output_row;
    float *low, *high;  ///< the guard's limits in a row
  };

  /// The sums of a colour's phases in a row, `stride` floats apart.
  struct Sums {
    float* data;
    ptrdiff_t stride;
  };

  float* row(const Ring& ring, int64_t y) const;
  /// Where the output at position 0 reads its own pixel.
  const float* input_row(const Ring& from, const Ring& to, int64_t y) const;
  void load_row(int64_t y, const ConstPlane* input, int64_t first_input_row);
  void load_plane_row(int64_t y, const ConstPlane& input, int64_t first_input_row, float* to);
  void load_samples(const std::byte* row, const ConstPlane& input, int64_t begin, int64_t end, float* to) const;
  Sums sums_of(int64_t y, int colour) const;
  void guard(int64_t y, int colour, const Sums& sums);
  void limit_at_edge(const GuardLimits& limits, int64_t x);
  void store_row(const Sums& sums, int colour, int py, const Plane& output, int64_t output_row);
  void spoil(int64_t y, const Plane& output, int64_t output_row) const;
  template <class Sample>
  void spoil_samples(int64_t y, const Plane& output, int64_t output_row) const;
  std::pair<int64_t, int64_t> read_span(int64_t begin, int64_t end, int64_t size) const;
  void run(const PlanStep& step, int64_t y);
  void head(const PlanStep& step, int64_t y);
  void winograd(const PlanStep& step, int64_t y);
  void direct(const PlanStep& step, int64_t y);
  void copy(const PlanStep& step, int64_t y);
  void activate(const PlanStep& step, int64_t y);
  void expanding_and_tail(int64_t y, StageTimes* times);
  void expand(int64_t y, int position, int positions);
  void tail_products(int positions, float* products);
  void fill_outside(const Ring& ring, int64_t y);
  void fill_column(const Ring& ring, float* row, int64_t column, int64_t from_column);
  void copy_halo(const Ring& ring, float* row);
  int64_t column(int lag, int lane, int position) const {
    return range_.input_begin - lag + int64_t{lane} * range_.positions + position;
  }
  // Row r of those that the tail adds to, counted from the first that it completes.
  float* sums_row(int r) const {
    return scratch_.sums + (sums_begin_ + r) % plan_->tail->rows() * plan_->tail->phases * sums_stride_;
  }
  bool inside(int64_t y) const { return y >= 0 && y < height_; }
  // With extended edges every layer is computed outside the picture, as if that went on for ever, and no padding is
  // reached.
  bool is_endless() const { return plan_->looks.extend_edges; }
  // Whether some of rows y ... y + 3 are computed.
  bool reaches(int64_t y, int border = 0) const {
    return is_endless() || (y + kRowsAtOnce > -border && y < height_ + border);
  }

  const FusedPlan* plan_;
  const FusedKernels* kernels_;
  int lanes_, max_positions_;
  int64_t bytes_ = 0;
  StripRange range_{};
  int64_t width_ = 0, height_ = 0, first_row_ = 0, group_ = 0, next_input_ = 0, sums_begin_ = 0;
  ptrdiff_t sums_stride_ = 0;        // floats of a phase of a row of the tail's sums
  ptrdiff_t output_stride_ = 0;      // the same of a row of samples, with room for floats
  int tail_block_;                   // positions of a block in the tail
  ptrdiff_t tail_stride_;            // floats of a block, for a channel of the points or of the products
  ptrdiff_t products_of_point_ = 0;  // floats of the tail's products at a point
  int block_;                        // positions of a block in the head
  bool masked_ = false;
  struct Pixel {
    int64_t y, x;
  };
  std::vector<Pixel> unusable_;  // NaNs and infinities of the input, replaced by 0
  AlignedFloats memory_;
  std::vector<Ring> rings_;  // of each value
  Scratch scratch_{};
};

}  // namespace fsrcnn
