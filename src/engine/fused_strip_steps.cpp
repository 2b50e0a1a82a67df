#include <algorithm>
#include <cstring>

#include "engine/fused_strip.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {

void FusedStrip::run(const PlanStep& step, int64_t y) {
  switch (step.op) {
    case PlanStep::Op::head: head(step, y); break;
    case PlanStep::Op::winograd: winograd(step, y); break;
    case PlanStep::Op::direct: direct(step, y); break;
    case PlanStep::Op::copy: copy(step, y); break;
  }
  if (step.activation != Layer::Activation::none) activate(step, y);
}

// Some positions at a time through both layers: what is between them is read while it is in the first cache.
void FusedStrip::head(const PlanStep& step, int64_t y) {
  const PackedLayer &first = step.layer, &second = step.second;
  const Ring &from = rings_[static_cast<size_t>(step.input)], &to = rings_[static_cast<size_t>(step.output)];
  const int channels = first.outputs;
  const bool exact = plan_->precision == Precision::exact;
  const ptrdiff_t block = ptrdiff_t{block_} * lanes_;
  float* const features = scratch_.features;
  // Of the five taps the output reads its own pixel and four positions back.
  const int back = to.value->lag - step.columns.first;
  const float* rows[8];
  for (int i = 0; i < 8; ++i) rows[i] = row(from, y + step.rows.first + i) - back * lanes_;
  ptrdiff_t offsets[25];
  const ptrdiff_t point_stride = from.stride;
  if (!exact) kernels_->points_from_input_rows(rows, back + range_.positions, scratch_.input_points, point_stride);
  for (int p = 0; p < range_.positions; p += block_) {
    if (!exact) {
      kernels_->feature_rows({.points = scratch_.input_points + p * lanes_,
                              .point_stride = point_stride,
                              .positions = block_,
                              .blocks = first.blocks.data(),
                              .block_count = static_cast<int>(first.blocks.size()),
                              .bias = first.bias.data(),
                              .slope = first.slope.data(),
                              .out = features,
                              .out_row_stride = channels * block,
                              .out_channel_stride = block});
    }
    for (int r = 0; r < kRowsAtOnce; ++r) {
      if (exact) {
        for (int i = 0; i < 25; ++i) offsets[i] = rows[r + i / 5] - rows[r] + i % 5 * lanes_;
        for (const OutputBlock& b : first.blocks) {
          plan_->gemm->gemm(b.count, {.in = rows[r] + p * lanes_,
                                      .in_channel_stride = 0,
                                      .channels = 1,
                                      .taps = 25,
                                      .tap_offsets = offsets,
                                      .weights = b.weights,
                                      .out = features + (r * channels + b.begin) * block,
                                      .out_channel_stride = block,
                                      .bias = first.bias.data() + b.begin,
                                      .slope = first.slope.data() + b.begin,
                                      .vectors = block_});
        }
      }
      for (const OutputBlock& b : second.blocks) {
        plan_->gemm->gemm(b.count, {.in = features + r * channels * block,
                                    .in_channel_stride = block,
                                    .channels = channels,
                                    .taps = 1,
                                    .tap_offsets = kNoOffset,
                                    .weights = b.weights,
                                    .out = row(to, y + r) + b.begin * to.stride + p * lanes_,
                                    .out_channel_stride = to.stride,
                                    .bias = second.bias.data() + b.begin,
                                    .slope = second.slope.data() + b.begin,
                                    .vectors = block_});
      }
    }
  }
}

void FusedStrip::winograd(const PlanStep& step, int64_t y) {
  const Ring &from = rings_[static_cast<size_t>(step.input)], &to = rings_[static_cast<size_t>(step.output)];
  Winograd3x3 w{};
  // The kernel's output lags one position behind its input.
  for (int i = 0; i < 6; ++i) w.in_rows[i] = input_row(from, to, y - 1 + i) + lanes_;
  for (int i = 0; i < kRowsAtOnce; ++i) w.out_rows[i] = row(to, y + i);
  w.in_channel_stride = from.stride;
  w.out_channel_stride = to.stride;
  w.inputs = from.value->channels;
  w.outputs = to.value->channels;
  w.positions = range_.positions;
  w.blocks = step.layer.blocks.data();
  w.block_count = static_cast<int>(step.layer.blocks.size());
  w.bias = step.layer.bias.data();
  w.slope = step.layer.slope.data();
  w.gemm = plan_->gemm->gemm;
  w.scratch = scratch_.winograd;
  kernels_->winograd3x3(w);
}

void FusedStrip::direct(const PlanStep& step, int64_t y) {
  const Ring &from = rings_[static_cast<size_t>(step.input)], &to = rings_[static_cast<size_t>(step.output)];
  std::vector<ptrdiff_t> offsets(step.taps.size());
  for (int r = 0; r < kRowsAtOnce; ++r) {
    const float* const in = input_row(from, to, y + r);
    for (size_t i = 0; i < offsets.size(); ++i) {
      offsets[i] = input_row(from, to, y + r + step.taps[i].h) - in + step.taps[i].w * lanes_;
    }
    for (const OutputBlock& b : step.layer.blocks) {
      plan_->gemm->gemm(b.count, {.in = in,
                                  .in_channel_stride = from.stride,
                                  .channels = from.value->channels,
                                  .taps = static_cast<int>(offsets.size()),
                                  .tap_offsets = offsets.data(),
                                  .weights = b.weights,
                                  .out = row(to, y + r) + b.begin * to.stride,
                                  .out_channel_stride = to.stride,
                                  .bias = step.layer.bias.data() + b.begin,
                                  .slope = step.layer.slope.data() + b.begin,
                                  .accumulate = step.accumulates,
                                  .vectors = range_.positions});
    }
  }
}

// A product with 1 (or with what makes a folded slope good) is exact.
void FusedStrip::copy(const PlanStep& step, int64_t y) {
  const Ring &from = rings_[static_cast<size_t>(step.input)], &to = rings_[static_cast<size_t>(step.output)];
  for (int r = 0; r < kRowsAtOnce; ++r) {
    for (size_t o = 0; o < step.copied.size(); ++o) {
      plan_->gemm->gemm(1, {.in = input_row(from, to, y + r) + step.copied[o] * from.stride,
                            .in_channel_stride = 0,
                            .channels = 1,
                            .taps = 1,
                            .tap_offsets = kNoOffset,
                            .weights = step.layer.weights.data() + o,
                            .out = row(to, y + r) + static_cast<ptrdiff_t>(o) * to.stride,
                            .out_channel_stride = 0,
                            .bias = step.layer.bias.data() + o,
                            .slope = step.layer.slope.data() + o,
                            .accumulate = step.accumulates,
                            .vectors = range_.positions});
    }
  }
}

void FusedStrip::activate(const PlanStep& step, int64_t y) {
  const Ring& to = rings_[static_cast<size_t>(step.output)];
  for (int r = 0; r < kRowsAtOnce; ++r) {
    for (int c = 0; c < to.value->channels; ++c) {
      kernels_->activate(step.activation, step.slope.empty() ? 0 : step.slope[static_cast<size_t>(c)], step.low,
                         step.high, range_.positions, row(to, y + r) + c * to.stride);
    }
  }
}

}  // namespace fsrcnn
