#include <algorithm>

#include "engine/fused_strip.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {

// The tail's input at some positions of rows y ... y + 3, as values at its points.
void FusedStrip::expand(int64_t y, int position, int positions) {
  const PlanTail& tail = *plan_->tail;
  const Ring& from = rings_[static_cast<size_t>(tail.input)];
  ExpandedPoints e{};
  for (int r = 0; r < kRowsAtOnce; ++r) {
    e.in_rows[r] = row(from, y + r) + position * lanes_;
    e.row_inside[r] = is_endless() || (y + r >= -tail.border && y + r < height_ + tail.border);
  }
  e.in_channel_stride = from.stride;
  e.in_channels = from.value->channels;
  e.positions = positions;
  e.blocks = tail.expanding.blocks.data();
  e.block_count = static_cast<int>(tail.expanding.blocks.size());
  e.bias = tail.expanding.bias.data();
  e.slope = tail.expanding.slope.data();
  e.mask = masked_ ? scratch_.mask + position * lanes_ : nullptr;
  e.points = scratch_.points;
  e.channel_stride = tail_stride_;
  e.point_stride = tail.channels * e.channel_stride;
  kernels_->expanded_points(tail.pairs, e);
}

// The products of what `expand` left. Those of a point's blocks come one after the other, while its values are in the
// first cache.
void FusedStrip::tail_products(int positions, float* products) {
  const PlanTail& tail = *plan_->tail;
  const ptrdiff_t stride = tail_stride_;
  for (int t = 0; t < tail.point_rows(); ++t) {
    for (const OutputBlock& b : tail.points[tail.pairs == 0 ? 0 : static_cast<size_t>(t)].blocks) {
      plan_->gemm->gemm(b.count, {.in = scratch_.points + t * tail.channels * stride,
                                  .in_channel_stride = stride,
                                  .channels = tail.channels,
                                  .taps = 1,
                                  .tap_offsets = kNoOffset,
                                  .weights = b.weights,
                                  .out = products + t * products_of_point_ + b.begin * stride,
                                  .out_channel_stride = stride,
                                  .vectors = positions});
    }
  }
}

void FusedStrip::expanding_and_tail(int64_t y, StageTimes* times) {
  const PlanTail& tail = *plan_->tail;
  sums_begin_ += kRowsAtOnce;
  if (!reaches(y, tail.border)) {
    for (int r = tail.rows() - kRowsAtOnce; r < tail.rows(); ++r) {
      std::fill_n(sums_row(r), tail.phases * sums_stride_, 0.0F);
    }
    return;
  }
  Stopwatch watch(times);
  const auto make_products = [&](int position, int positions, float* to) {
    expand(y, position, positions);
    watch.lap(&StageTimes::expanding);
    tail_products(positions, to);
    watch.lap(&StageTimes::deconvolution);
  };
  // A lane's walk begins with the products of the last positions of the lane beside: they are made first, and kept.
  const ptrdiff_t floats = tail.point_rows() * products_of_point_;
  float *before = scratch_.products, *next = scratch_.products + floats, *const last = scratch_.products + 2 * floats;
  const int rest = range_.positions % tail_block_, last_positions = rest == 0 ? tail_block_ : rest;
  const int last_begin = range_.positions - last_positions;
  make_products(last_begin, last_positions, last);
  const float* kept = last + (last_positions - kLeastHalo) * lanes_;
  for (ptrdiff_t i = 0; i < floats; i += tail_stride_) {
    std::copy_n(kept + i, kLeastHalo * lanes_ - 1, before + i + 1);
    for (int p = 0; p < kLeastHalo; ++p) before[i + p * lanes_] = 0;
  }
  int before_begin = 0;
  for (int p = 0; p < range_.positions; p += tail_block_) {
    float* const products = p == last_begin ? last : next;
    const int positions = p == last_begin ? last_positions : tail_block_;
    if (p != last_begin) make_products(p, positions, products);
    // Without points each of the rows has products of its own, for as many rows as there are taps.
    for (int r = 0; r < (tail.pairs == 0 ? kRowsAtOnce : 1); ++r) {
      TailRows rows{.before = before + before_begin * lanes_ + r * products_of_point_,
                    .products = products + r * products_of_point_,
                    .product_stride = tail_stride_,
                    .point_stride = products_of_point_,
                    .positions = positions,
                    .sums = tail.sums.data(),
                    .phases = tail.phases,
                    .values = tail.values(),
                    .rows = {},
                    .phase_stride = sums_stride_};
      for (int i = 0; i < rows.values; ++i) rows.rows[i] = sums_row(r + i) + p * lanes_;
      kernels_->add_tail_rows(tail.pairs, rows);
    }
    next = before;
    before = products;
    before_begin = positions - kLeastHalo;
    watch.lap(&StageTimes::deconvolution);
  }
}

}  // namespace fsrcnn
