#include "engine/fused_strip.hpp"

#include <algorithm>
#include <cstring>

#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

constexpr int kRows = kRowsAtOnce;
// Positions of the tail's input in the cache at once, in floats of a vector.
constexpr int kTailFloats = 128;
// Columns beyond the picture that a tile which reaches into it reads.
constexpr int64_t kOutsideColumns = 8;

int64_t modulo(int64_t y, int64_t n) { return ((y % n) + n) % n; }

}  // namespace

int FusedStrip::invalid_columns(const FusedPlan& plan) {
  // A tile of a mapping layer looks 2 positions back, into the tile before; the tail up to 4. What the first layer
  // looks back at is loaded.
  return plan.m * kTile + kHalo;
}

FusedStrip::FusedStrip(const FusedPlan& plan, int max_positions)
    : plan_(&plan),
      kernels_(plan.kernels),
      lanes_(plan.kernels->lanes),
      max_positions_(max_positions),
      channel_stride_(spread(ptrdiff_t{kHalo + max_positions} * lanes_)),
      tail_block_(kTailFloats / lanes_),
      tail_stride_(spread(kTailFloats)),
      products_of_point_(plan.tail.front().outputs * tail_stride_),
      block_(32 / lanes_) {
  const size_t lanes = static_cast<size_t>(lanes_), stride = static_cast<size_t>(channel_stride_);
  const size_t d = static_cast<size_t>(plan.d), s = static_cast<size_t>(plan.s);
  const size_t points = static_cast<size_t>(plan.tail_points()), phases = static_cast<size_t>(plan.phases());
  const size_t block = static_cast<size_t>(block_) * lanes;
  const int last_rows = plan.tail_border > 0 ? 2 * kRows : kRows;
  size_t total = 0;
  const auto take = [&](size_t floats) {
    const size_t at = total;
    total += (floats + 15) / 16 * 16;
    return at;
  };
  const size_t input = take(8 * stride), input_luma = take(stride);
  std::vector<size_t> maps;
  for (int l = 0; l <= plan.m; ++l) maps.push_back(take((l == plan.m ? last_rows : 6) * s * stride));
  const size_t input_points = take(8 * stride), features = take(4 * d * block);
  const size_t scratch = take(36 * 2 * s * kFloatsAtOnce);
  const size_t tail_points = take(points * d * static_cast<size_t>(tail_stride_));
  const size_t products = take(3 * points * static_cast<size_t>(products_of_point_));
  const size_t sums = take(static_cast<size_t>(plan.tail_rows()) * phases * stride), mask = take(stride);
  const size_t output_row = take(static_cast<size_t>(plan.scale) * stride);
  memory_ = hwy::AllocateAligned<float>(total);
  if (!memory_) throw std::bad_alloc();
  float* const base = memory_.get();
  // What lies outside the picture is computed from what lies there, and thrown away: it must only be finite.
  std::fill_n(base, total, 0.0F);
  input_ = {8, 1, base + input};
  for (int l = 0; l <= plan.m; ++l) {
    maps_.push_back({l == plan.m ? last_rows : 6, plan.s, base + maps[static_cast<size_t>(l)]});
  }
  input_luma_ = base + input_luma;
  input_points_ = base + input_points;
  features_ = base + features;
  mapping_scratch_ = base + scratch;
  points_ = base + tail_points;
  products_ = base + products;
  sums_ = base + sums;
  mask_ = base + mask;
  output_row_ = base + output_row;
}

void FusedStrip::start(const StripRange& range, int64_t width, int64_t height, int64_t first_row) {
  range_ = range;
  width_ = width;
  height_ = height;
  first_row_ = first_row;
  sums_begin_ = 0;
  unusable_.clear();
  group_ = first_row - kRows * (plan_->m + 1);
  next_input_ = group_ + plan_->output_lag() - kRows;
  const int64_t begin = column(plan_->lag(plan_->m), 0, 0), end = begin + int64_t{lanes_} * range.positions;
  const int border = plan_->tail_border;
  masked_ = begin < -border || end > width + border;
  for (int p = 0; masked_ && p < range.positions; ++p) {
    for (int lane = 0; lane < lanes_; ++lane) {
      const int64_t x = column(plan_->lag(plan_->m), lane, p);
      const uint32_t bits = x >= -border && x < width + border ? ~uint32_t{0} : 0;
      std::memcpy(mask_ + p * lanes_ + lane, &bits, sizeof bits);
    }
  }
}

float* FusedStrip::row(const Ring& ring, int64_t y) const {
  return ring.data + modulo(y, ring.rows) * ring.channels * channel_stride_ + kHalo * lanes_;
}

void FusedStrip::fill_column(const Ring& ring, float* to, int64_t index, int64_t from_index) {
  const int64_t p = range_.positions;
  for (int c = 0; c < ring.channels; ++c, to += channel_stride_) {
    to[index % p * lanes_ + index / p] = from_index < 0 ? 0.0F : to[from_index % p * lanes_ + from_index / p];
  }
}

// Makes rows y ... y + 3 of a layer what the next layer's padding says where they lie outside the picture, and copies
// the halo.
void FusedStrip::fill_outside(const Ring& ring, int64_t y, int lag) {
  const bool replicate = plan_->padding_mode == PaddingMode::replicate;
  const int64_t begin = range_.input_begin - lag, end = begin + int64_t{lanes_} * range_.positions;
  const ptrdiff_t row_floats = ring.channels * channel_stride_;
  for (int64_t r = y; r < y + kRows; ++r) {
    float* const to = row(ring, r);
    if (!inside(r)) {
      if (replicate && r >= height_) {
        std::copy_n(row(ring, r - 1) - kHalo * lanes_, row_floats, to - kHalo * lanes_);
      } else {
        std::fill_n(to - kHalo * lanes_, row_floats, 0.0F);
      }
      continue;
    }
    for (int64_t x = begin; x < 0; ++x) fill_column(ring, to, x - begin, replicate ? -begin : -1);
    for (int64_t x = width_; x < std::min(end, width_ + kOutsideColumns); ++x) {
      fill_column(ring, to, x - begin, replicate ? width_ - 1 - begin : -1);
    }
    if (&ring != &maps_.back()) copy_halo(ring, to, lag);
  }
  if (replicate && y <= 0 && y + kRows > 0) {
    for (int64_t r = y + kRows - ring.rows; r < 0; ++r) {
      std::copy_n(row(ring, 0) - kHalo * lanes_, row_floats, row(ring, r) - kHalo * lanes_);
    }
  }
}

void FusedStrip::copy_halo(const Ring& ring, float* to, int lag) {
  const bool replicate = plan_->padding_mode == PaddingMode::replicate && range_.input_begin == 0;
  const size_t bytes = sizeof(float) * static_cast<size_t>(lanes_ - 1);
  for (int c = 0; c < ring.channels; ++c, to += channel_stride_) {
    for (int p = -kHalo; p < 0; ++p) {
      to[p * lanes_] = replicate ? to[lag * lanes_] : 0.0F;  // column 0 of the picture is at position `lag`
      std::memcpy(to + p * lanes_ + 1, to + (range_.positions + p) * lanes_, bytes);
    }
  }
}

void FusedStrip::feature_extraction_and_shrinking(int64_t y) {
  const FusedPlan& plan = *plan_;
  const int channels = plan.d;
  const bool exact = plan.precision == Precision::exact;
  const ptrdiff_t block = ptrdiff_t{block_} * lanes_;
  const float* rows[8];
  for (int i = 0; i < 8; ++i) rows[i] = row(input_, y - 2 + i) - kHalo * lanes_;
  ptrdiff_t offsets[25];
  constexpr ptrdiff_t kNoOffset[1] = {0};
  if (!exact) kernels_->points_from_input_rows(rows, kHalo + range_.positions, input_points_, channel_stride_);
  for (int p = 0; p < range_.positions; p += block_) {
    if (!exact) {
      kernels_->feature_rows({.points = input_points_ + p * lanes_,
                              .point_stride = channel_stride_,
                              .positions = block_,
                              .blocks = plan.feature_extraction.blocks.data(),
                              .block_count = static_cast<int>(plan.feature_extraction.blocks.size()),
                              .bias = plan.feature_extraction.bias.data(),
                              .slope = plan.feature_extraction.slope.data(),
                              .out = features_,
                              .out_row_stride = channels * block,
                              .out_channel_stride = block});
    }
    for (int r = 0; r < kRows; ++r) {
      if (exact) {
        for (int i = 0; i < 25; ++i) offsets[i] = rows[r + i / 5] - rows[r] + i % 5 * lanes_;
        for (const OutputBlock& b : plan.feature_extraction.blocks) {
          plan.gemm->gemm(b.count, {.in = rows[r] + p * lanes_,
                                    .in_channel_stride = 0,
                                    .channels = 1,
                                    .taps = 25,
                                    .tap_offsets = offsets,
                                    .weights = b.weights,
                                    .out = features_ + (r * channels + b.begin) * block,
                                    .out_channel_stride = block,
                                    .bias = plan.feature_extraction.bias.data() + b.begin,
                                    .slope = plan.feature_extraction.slope.data() + b.begin,
                                    .vectors = block_});
        }
      }
      for (const OutputBlock& b : plan.shrinking.blocks) {
        plan.gemm->gemm(b.count, {.in = features_ + r * channels * block,
                                  .in_channel_stride = block,
                                  .channels = channels,
                                  .taps = 1,
                                  .tap_offsets = kNoOffset,
                                  .weights = b.weights,
                                  .out = row(maps_[0], y + r) + b.begin * channel_stride_ + p * lanes_,
                                  .out_channel_stride = channel_stride_,
                                  .bias = plan.shrinking.bias.data() + b.begin,
                                  .slope = plan.shrinking.slope.data() + b.begin,
                                  .vectors = block_});
      }
    }
  }
}

void FusedStrip::mapping(int layer, int64_t y) {
  const FusedPlan& plan = *plan_;
  const PackedLayer& packed = plan.mapping[static_cast<size_t>(layer - 1)];
  const Ring &from = maps_[static_cast<size_t>(layer - 1)], &to = maps_[static_cast<size_t>(layer)];
  if (plan.precision == Precision::fast) {
    Winograd3x3 w{};
    for (int i = 0; i < 6; ++i) w.in_rows[i] = row(from, y - 1 + i);
    for (int i = 0; i < kRows; ++i) w.out_rows[i] = row(to, y + i);
    w.channel_stride = channel_stride_;
    w.channels = plan.s;
    w.positions = range_.positions;
    w.blocks = packed.blocks.data();
    w.block_count = static_cast<int>(packed.blocks.size());
    w.bias = packed.bias.data();
    w.slope = packed.slope.data();
    w.gemm = plan.gemm->gemm;
    w.scratch = mapping_scratch_;
    kernels_->winograd3x3(w);
    return;
  }
  for (int r = 0; r < kRows; ++r) {
    const float* const in = row(from, y + r);
    ptrdiff_t offsets[9];
    for (int i = 0; i < 9; ++i) offsets[i] = row(from, y + r - 1 + i / 3) - in + (i % 3 - 2) * lanes_;
    for (const OutputBlock& b : packed.blocks) {
      plan.gemm->gemm(b.count, {.in = in,
                                .in_channel_stride = channel_stride_,
                                .channels = plan.s,
                                .taps = 9,
                                .tap_offsets = offsets,
                                .weights = b.weights,
                                .out = row(to, y + r) + b.begin * channel_stride_,
                                .out_channel_stride = channel_stride_,
                                .bias = packed.bias.data() + b.begin,
                                .slope = packed.slope.data() + b.begin,
                                .vectors = range_.positions});
    }
  }
}

// The tail's input at some positions of rows y ... y + 3, as values at its points.
void FusedStrip::expand(int64_t y, int position, int positions) {
  const FusedPlan& plan = *plan_;
  ExpandedPoints e{};
  for (int r = 0; r < kRows; ++r) {
    e.in_rows[r] = row(maps_.back(), y + r) + position * lanes_;
    e.row_inside[r] = y + r >= -plan.tail_border && y + r < height_ + plan.tail_border;
  }
  e.in_channel_stride = channel_stride_;
  e.in_channels = plan.s;
  e.positions = positions;
  e.blocks = plan.expanding.blocks.data();
  e.block_count = static_cast<int>(plan.expanding.blocks.size());
  e.bias = plan.expanding.bias.data();
  e.slope = plan.expanding.slope.data();
  e.mask = masked_ ? mask_ + position * lanes_ : nullptr;
  e.points = points_;
  e.channel_stride = tail_stride_;
  e.point_stride = plan.d * e.channel_stride;
  kernels_->expanded_points(plan.tail_pairs, e);
}

// The products of what `expand` left. Those of a point's blocks come one after the other, while its values are in the
// first cache.
void FusedStrip::tail_products(int positions, float* products) {
  const FusedPlan& plan = *plan_;
  constexpr ptrdiff_t kNoOffset[1] = {0};
  const ptrdiff_t stride = tail_stride_;
  for (int t = 0; t < plan.tail_points(); ++t) {
    for (const OutputBlock& b : plan.tail[plan.tail_pairs == 0 ? 0 : static_cast<size_t>(t)].blocks) {
      plan.gemm->gemm(b.count, {.in = points_ + t * plan.d * stride,
                                .in_channel_stride = stride,
                                .channels = plan.d,
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
  const FusedPlan& plan = *plan_;
  sums_begin_ += kRows;
  if (y + kRows <= -plan.tail_border || y >= height_ + plan.tail_border) {
    for (int r = plan.tail_rows() - kRows; r < plan.tail_rows(); ++r) {
      std::fill_n(sums_row(r), plan.phases() * channel_stride_, 0.0F);
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
  const ptrdiff_t floats = plan.tail_points() * products_of_point_;
  float *before = products_, *next = products_ + floats, *const last = products_ + 2 * floats;
  const int rest = range_.positions % tail_block_, last_positions = rest == 0 ? tail_block_ : rest;
  const int last_begin = range_.positions - last_positions;
  make_products(last_begin, last_positions, last);
  const float* kept = last + (last_positions - kHalo) * lanes_;
  for (ptrdiff_t i = 0; i < floats; i += tail_stride_) {
    std::copy_n(kept + i, kHalo * lanes_ - 1, before + i + 1);
    for (int p = 0; p < kHalo; ++p) before[i + p * lanes_] = 0;
  }
  int before_begin = 0;
  for (int p = 0; p < range_.positions; p += tail_block_) {
    float* const products = p == last_begin ? last : next;
    const int positions = p == last_begin ? last_positions : tail_block_;
    if (p != last_begin) make_products(p, positions, products);
    // Without points each of the rows has products of its own, for as many rows as there are taps.
    for (int r = 0; r < (plan.tail_pairs == 0 ? kRows : 1); ++r) {
      TailRows tail{.before = before + before_begin * lanes_ + r * products_of_point_,
                    .products = products + r * products_of_point_,
                    .product_stride = tail_stride_,
                    .point_stride = products_of_point_,
                    .positions = positions,
                    .sums = plan.tail_sums.data(),
                    .phases = plan.phases(),
                    .values = plan.tail_values(),
                    .rows = {},
                    .phase_stride = channel_stride_};
      for (int i = 0; i < tail.values; ++i) tail.rows[i] = sums_row(r + i) + p * lanes_;
      kernels_->add_tail_rows(plan.tail_pairs, tail);
    }
    next = before;
    before = products;
    before_begin = positions - kHalo;
    watch.lap(&StageTimes::deconvolution);
  }
}

void FusedStrip::step(const ConstPlane& input, int64_t first_input_row, StageTimes* times) {
  const FusedPlan& plan = *plan_;
  const int64_t ahead = group_ + plan.output_lag();
  Stopwatch watch(times);
  for (; next_input_ < ahead + kRows; ++next_input_) load_row(next_input_, input, first_input_row);
  watch.lap(&StageTimes::input);
  const auto needed = [&](int layer) { return group_ >= first_row_ - kRows * (plan.m - layer + 1); };
  const auto outside = [&](int64_t y) { return y + kRows <= 0 || y >= height_; };
  for (int layer = 0; layer <= plan.m; ++layer) {
    const int64_t y = ahead - plan.lag(layer);
    if (!needed(layer)) break;
    if (!outside(y)) layer == 0 ? feature_extraction_and_shrinking(y) : mapping(layer, y);
    fill_outside(maps_[static_cast<size_t>(layer)], y, plan.lag(layer));
    watch.lap(layer == 0 ? &StageTimes::feature_extraction : &StageTimes::mapping);
  }
  if (group_ == first_row_ - kRows) {
    std::fill_n(sums_, plan.tail_rows() * plan.phases() * channel_stride_, 0.0F);
  }
  if (group_ >= first_row_ - kRows) expanding_and_tail(ahead - plan.lag(plan.m), times);
  group_ += kRows;
}

}  // namespace fsrcnn
