#include "engine/fused_strip.hpp"

#include <algorithm>
#include <cstring>

#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

// Positions of the tail's input in the cache at once, in floats of a vector.
constexpr int kTailFloats = 128;

int64_t modulo(int64_t y, int64_t n) { return ((y % n) + n) % n; }

}  // namespace

FusedStrip::FusedStrip(const FusedPlan& plan, int max_positions)
    : plan_(&plan),
      kernels_(plan.kernels),
      lanes_(plan.kernels->lanes),
      max_positions_(max_positions),
      tail_block_(kTailFloats / lanes_),
      tail_stride_(spread(kTailFloats)),
      block_(32 / lanes_) {
  const auto stride_of = [&](int halo) { return spread(ptrdiff_t{halo + max_positions} * lanes_); };
  sums_stride_ = stride_of(kLeastHalo);
  ptrdiff_t total = 0;
  const auto take = [&](ptrdiff_t floats) {
    const ptrdiff_t at = total;
    total += (floats + 15) / 16 * 16;
    return at;
  };
  const ptrdiff_t widest = stride_of(plan.most_halo());
  output_stride_ = sums_stride_ * plan.scale;
  std::vector<ptrdiff_t> rings;
  for (const PlanValue& value : plan.values) {
    const ptrdiff_t stride = stride_of(value.halo);
    rings_.push_back({&value, stride, nullptr});
    rings.push_back(take(value.rows * value.channels * stride));
  }
  ptrdiff_t features = 0, winograd = 0;
  for (const PlanStep& step : plan.steps) {
    if (step.op == PlanStep::Op::head) {
      features = std::max(features, ptrdiff_t{kRowsAtOnce} * step.layer.outputs * block_ * lanes_);
    }
    if (step.op == PlanStep::Op::winograd) {
      const int inputs = plan.values[static_cast<size_t>(step.input)].channels;
      winograd = std::max(winograd, winograd3x3_scratch(inputs, step.layer.outputs));
    }
  }
  ptrdiff_t points = 0, products = 0, sums = 0;
  if (plan.tail) {
    products_of_point_ = plan.tail->points.front().outputs * tail_stride_;
    points = ptrdiff_t{plan.tail->point_rows()} * plan.tail->channels * tail_stride_;
    products = 3 * plan.tail->point_rows() * products_of_point_;
    sums = ptrdiff_t{plan.tail->rows()} * plan.tail->phases * sums_stride_;
  }
  const bool guards = plan.looks.guard > 0;
  const ptrdiff_t parts[] = {take(widest),
                             take(features == 0 ? 0 : 8 * widest),
                             take(features),
                             take(winograd),
                             take(points),
                             take(products),
                             take(sums),
                             take(sums_stride_),
                             take(output_stride_),
                             take(guards ? sums_stride_ : 0),
                             take(guards ? sums_stride_ : 0)};
  bytes_ = static_cast<int64_t>(total * sizeof(float));
  memory_ = allocate_aligned(static_cast<size_t>(total));
  float* const base = memory_.get();
  // What lies outside the picture is computed from what lies there, and thrown away: it must only be finite.
  std::fill_n(base, total, 0.0F);
  for (size_t v = 0; v < rings_.size(); ++v) rings_[v].data = base + rings[v];
  scratch_ = {base + parts[0], base + parts[1], base + parts[2], base + parts[3], base + parts[4], base + parts[5],
              base + parts[6], base + parts[7], base + parts[8], base + parts[9], base + parts[10]};
}

void FusedStrip::start(const StripRange& range, int64_t width, int64_t height, int64_t first_row) {
  range_ = range;
  width_ = width;
  height_ = height;
  first_row_ = first_row;
  sums_begin_ = 0;
  unusable_.clear();
  next_input_ = first_row - kRowsAtOnce * plan_->warm_up() + plan_->output_lag;
  group_ = first_row + kRowsAtOnce * plan_->first_step;
  if (!plan_->tail) return;
  const int lag = plan_->values[static_cast<size_t>(plan_->tail->input)].lag, border = plan_->tail->border;
  const int64_t begin = column(lag, 0, 0), end = begin + int64_t{lanes_} * range.positions;
  masked_ = !is_endless() && (begin < -border || end > width + border);
  for (int p = 0; masked_ && p < range.positions; ++p) {
    for (int lane = 0; lane < lanes_; ++lane) {
      const int64_t x = column(lag, lane, p);
      const uint32_t bits = x >= -border && x < width + border ? ~uint32_t{0} : 0;
      std::memcpy(scratch_.mask + p * lanes_ + lane, &bits, sizeof bits);
    }
  }
}

float* FusedStrip::row(const Ring& ring, int64_t y) const {
  return ring.data + modulo(y, ring.value->rows) * ring.value->channels * ring.stride + ring.value->halo * lanes_;
}

const float* FusedStrip::input_row(const Ring& from, const Ring& to, int64_t y) const {
  return row(from, y) - (to.value->lag - from.value->lag) * lanes_;
}

void FusedStrip::fill_column(const Ring& ring, float* to, int64_t index, int64_t from_index) {
  const int64_t p = range_.positions;
  for (int c = 0; c < ring.value->channels; ++c, to += ring.stride) {
    to[index % p * lanes_ + index / p] = from_index < 0 ? 0.0F : to[from_index % p * lanes_ + from_index / p];
  }
}

// Makes rows y ... y + 3 of a value what the padding of those who read it says where they lie outside the picture, and
// copies the halo.
void FusedStrip::fill_outside(const Ring& ring, int64_t y) {
  const int lag = ring.value->lag, border = ring.value->border;
  const int64_t begin = range_.input_begin - lag, end = begin + int64_t{lanes_} * range_.positions;
  const ptrdiff_t row_floats = ring.value->channels * ring.stride, halo = ring.value->halo * lanes_;
  for (int64_t r = y; r < y + kRowsAtOnce; ++r) {
    float* const to = row(ring, r);
    if (is_endless()) {
      if (ring.value->read_back) copy_halo(ring, to);
      continue;
    }
    if (!inside(r)) {
      if (r >= height_ && r < height_ + border) {
        std::copy_n(row(ring, r - 1) - halo, row_floats, to - halo);
      } else {
        std::fill_n(to - halo, row_floats, 0.0F);
      }
      continue;
    }
    for (int64_t x = begin; x < 0; ++x) fill_column(ring, to, x - begin, x >= -border ? -begin : -1);
    for (int64_t x = width_; x < std::min(end, width_ + plan_->outside_columns); ++x) {
      fill_column(ring, to, x - begin, x < width_ + border ? width_ - 1 - begin : -1);
    }
    if (ring.value->read_back) copy_halo(ring, to);
  }
  if (!is_endless() && border > 0 && y <= 0 && y + kRowsAtOnce > 0) {
    for (int64_t r = std::max<int64_t>(y + kRowsAtOnce - ring.value->rows, -border); r < 0; ++r) {
      std::copy_n(row(ring, 0) - halo, row_floats, row(ring, r) - halo);
    }
  }
}

void FusedStrip::copy_halo(const Ring& ring, float* to) {
  const int lag = ring.value->lag, halo = ring.value->halo;
  const size_t bytes = sizeof(float) * static_cast<size_t>(lanes_ - 1);
  for (int c = 0; c < ring.value->channels; ++c, to += ring.stride) {
    for (int p = -halo; p < 0; ++p) {
      // At the picture's left edge column 0 is at position `lag`, and position p beyond it.
      const bool edge = !is_endless() && range_.input_begin == 0 && lag - p <= ring.value->border;
      to[p * lanes_] = edge ? to[lag * lanes_] : 0.0F;
      std::memcpy(to + p * lanes_ + 1, to + (range_.positions + p) * lanes_, bytes);
    }
  }
}

void FusedStrip::step(const ConstPlane* input, int64_t first_input_row, StageTimes* times) {
  const FusedPlan& plan = *plan_;
  const int64_t ahead = group_ + plan.output_lag;
  Stopwatch watch(times);
  for (; next_input_ < ahead + kRowsAtOnce; ++next_input_) load_row(next_input_, input, first_input_row);
  watch.lap(&StageTimes::input);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlanStep& step = plan.steps[i];
    const Ring& to = rings_[static_cast<size_t>(step.output)];
    if (group_ < first_row_ + kRowsAtOnce * to.value->start) continue;
    const int64_t y = ahead - to.value->lag;
    if (reaches(y)) run(step, y);
    const bool is_last = i + 1 == plan.steps.size() || plan.steps[i + 1].output != step.output;
    if (is_last && step.output != plan.output) fill_outside(to, y);
    watch.lap(step.stage);
  }
  if (plan.tail && group_ >= first_row_ - kRowsAtOnce) {
    if (group_ == first_row_ - kRowsAtOnce)
      std::fill_n(scratch_.sums, plan.tail->rows() * plan.tail->phases * sums_stride_, 0.0F);
    expanding_and_tail(ahead - rings_[static_cast<size_t>(plan.tail->input)].value->lag, times);
  }
  group_ += kRowsAtOnce;
}

}  // namespace fsrcnn
