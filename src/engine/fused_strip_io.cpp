#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/fused_strip.hpp"

namespace fsrcnn {
namespace {

// Larger values would overflow in the network, and a transform would spread the infinities over whole tiles.
constexpr float kLargest = 1e30F;

template <class Sample>
void to_luma(const std::byte* from, const ConstPlane& plane, Levels levels, int64_t begin, int64_t end, float* to) {
  const auto* const samples = reinterpret_cast<const Sample*>(from);
  const auto [black, range] = levels_of(levels, plane);
  if (std::is_same_v<Sample, float> && plane.one == 1 && black == 0 && range == 1) {
    std::copy(samples + begin, samples + end, to + begin);
    return;
  }
  for (int64_t x = begin; x < end; ++x) to[x] = static_cast<float>(samples[x]) / plane.one * range + black;
}

// What stands for NaN among samples of this type.
template <class Sample>
constexpr Sample kSpoilt = std::is_same_v<Sample, float> ? std::numeric_limits<Sample>::quiet_NaN() : Sample{0};

bool all_usable(const float* begin, const float* end) {
  int unusable = 0;
  for (const float* x = begin; x != end; ++x) unusable |= std::abs(*x) <= kLargest ? 0 : 1;
  return unusable == 0;
}

}  // namespace

void FusedStrip::load_row(int64_t y, const ConstPlane* input, int64_t first_input_row) {
  const Ring& ring = rings_.front();
  const int border = ring.value->border;
  float* const to = row(ring, y);
  if (!is_endless() && (y < -border || y >= height_ + border)) {
    std::fill_n(to - ring.value->halo * lanes_, ring.value->channels * ring.stride, 0.0F);
    return;
  }
  for (int c = 0; c < plan_->colours; ++c) load_plane_row(y, input[c], first_input_row, to + c * ring.stride);
}

// Columns begin ... end - 1 of a row, to to[begin] ...
void FusedStrip::load_samples(const std::byte* row, const ConstPlane& input, int64_t begin, int64_t end,
                              float* to) const {
  switch (input.type) {
    case SampleType::u8: return to_luma<uint8_t>(row, input, plan_->levels, begin, end, to);
    case SampleType::u16: return to_luma<uint16_t>(row, input, plan_->levels, begin, end, to);
    case SampleType::f32: return to_luma<float>(row, input, plan_->levels, begin, end, to);
  }
}

void FusedStrip::load_plane_row(int64_t y, const ConstPlane& input, int64_t first_input_row, float* to) {
  const int border = rings_.front().value->border, halo = rings_.front().value->halo;
  const int64_t row = is_endless() ? mirrored(y, height_) : std::clamp<int64_t>(y, 0, height_ - 1);
  const std::byte* const from = input.row(row - first_input_row);
  // First the columns one after the other, then each lane's.
  const int64_t begin = column(0, 0, -halo), end = column(0, lanes_ - 1, range_.positions);
  const int64_t left = std::max<int64_t>(begin, 0), right = std::min(end, width_);
  float* const luma = scratch_.input_luma - begin;
  load_samples(from, input, left, right, luma);
  const int64_t first = is_endless() ? begin : left, last = is_endless() ? end : right;
  const auto load_image = [&](int64_t x) {
    const int64_t image = mirrored(x, width_);
    load_samples(from, input, image, image + 1, luma + (x - image));
  };
  for (int64_t x = first; x < left; ++x) load_image(x);
  for (int64_t x = right; x < last; ++x) load_image(x);
  if (input.type == SampleType::f32 && !all_usable(luma + first, luma + last)) {
    for (int64_t x = first; x < last; ++x) {
      if (std::abs(luma[x]) <= kLargest) continue;
      luma[x] = 0;
      // What reads a pixel's mirror image reads the pixel, too.
      if (inside(y) && x >= left && x < right) unusable_.push_back({y, x});
    }
  }
  if (!is_endless()) {
    const int64_t edge_left = std::max(begin, left - border), edge_right = std::min(end, right + border);
    std::fill(luma + begin, luma + edge_left, 0.0F);
    std::fill(luma + edge_left, luma + left, luma[left]);
    std::fill(luma + right, luma + edge_right, luma[right - 1]);
    std::fill(luma + edge_right, luma + end, 0.0F);
  }
  for (int lane = 0; lane < lanes_; ++lane) {
    const float* const of_lane = luma + column(0, lane, 0);
    for (int p = -halo; p < range_.positions; ++p) to[p * lanes_ + lane] = of_lane[p];
  }
}

// Makes NaN (0 as integers) of those outputs of LR row y whose receptive field has unusable pixels.
template <class Sample>
void FusedStrip::spoil_samples(int64_t y, const Plane& output, int64_t output_row) const {
  const int scale = plan_->scale;
  const auto reads = [](const TapRange& range, int64_t at, int64_t pixel) {
    return pixel >= at + range.first && pixel <= at + range.last;
  };
  for (int phase = 0; phase < plan_->phases(); ++phase) {
    const TapRange rows = plan_->rows_read[static_cast<size_t>(phase)];
    const TapRange columns = plan_->columns_read[static_cast<size_t>(phase)];
    auto* const to = reinterpret_cast<Sample*>(output.row(output_row + phase % scale));
    for (const Pixel& pixel : unusable_) {
      if (!reads(rows, y, pixel.y)) continue;
      const int64_t begin = std::max(range_.output_begin, pixel.x - columns.last);
      const int64_t end = std::min(range_.output_end, pixel.x - columns.first + 1);
      for (int64_t x = begin; x < end; ++x) to[scale * x + phase / scale] = kSpoilt<Sample>;
    }
  }
}

void FusedStrip::spoil(int64_t y, const Plane& output, int64_t output_row) const {
  switch (output.type) {
    case SampleType::u8: return spoil_samples<uint8_t>(y, output, output_row);
    case SampleType::u16: return spoil_samples<uint16_t>(y, output, output_row);
    case SampleType::f32: return spoil_samples<float>(y, output, output_row);
  }
}

void FusedStrip::store(const Plane* output, int64_t output_begin, int64_t end, StageTimes* times) {
  Stopwatch watch(times);
  const int scale = plan_->scale;
  const int64_t first = group_ - kRowsAtOnce;
  for (int64_t y = std::max(first, first_row_); y < std::min(first + kRowsAtOnce, end); ++y) {
    const int64_t output_row = scale * (y - output_begin);
    for (int colour = 0; colour < plan_->colours; ++colour) {
      const Sums sums = sums_of(y, colour);
      if (plan_->looks.guard > 0) guard(y, colour, sums);
      for (int py = 0; py < scale; ++py) store_row(sums, colour, py, output[colour], output_row + py);
      if (!unusable_.empty()) spoil(y, output[colour], output_row);
    }
  }
  if (!unusable_.empty()) {
    std::erase_if(unusable_, [&](const Pixel& p) { return p.y < first - plan_->most_rows_back(); });
  }
  watch.lap(&StageTimes::output);
}

// LR row y.
FusedStrip::Sums FusedStrip::sums_of(int64_t y, int colour) const {
  const int phases = plan_->phases(), begin = colour * phases;
  const Ring* const added = plan_->output < 0 ? nullptr : &rings_[static_cast<size_t>(plan_->output)];
  if (!plan_->tail) return {row(*added, y) + begin * added->stride, added->stride};
  float* const sums = sums_row(static_cast<int>(y - (group_ - kRowsAtOnce))) + begin * sums_stride_;
  for (int phase = 0; added != nullptr && phase < phases; ++phase) {
    const float* const from = row(*added, y) + (begin + phase) * added->stride;
    float* const to = sums + phase * sums_stride_;
    for (int i = 0; i < range_.positions * lanes_; ++i) to[i] += from[i];
  }
  return {sums, sums_stride_};
}

// Adds the bias, too.
void FusedStrip::guard(int64_t y, int colour, const Sums& sums) {
  const Ring& input = rings_.front();
  // The input is ahead of the output: where the output at position 0 has its own pixel.
  const auto at = [&](int64_t r) {
    return row(input, std::clamp<int64_t>(r, 0, height_ - 1)) + colour * input.stride - plan_->output_lag * lanes_;
  };
  const GuardLimits limits{
      .rows = {at(y - 1), at(y), at(y + 1)}, .positions = range_.positions, .low = scratch_.low, .high = scratch_.high};
  kernels_->guard_limits(limits);
  for (const int64_t x : {int64_t{0}, width_ - 1}) limit_at_edge(limits, x);
  static constexpr std::array<float, kMostFusedScale * kMostFusedScale> kNoBias{};
  kernels_->guard_row({.sums = sums.data,
                       .phase_stride = sums.stride,
                       .bias = plan_->tail ? plan_->tail->bias.data() + colour * plan_->phases() : kNoBias.data(),
                       .phases = plan_->phases(),
                       .positions = range_.positions,
                       .low = scratch_.low,
                       .high = scratch_.high,
                       .kept = 1 - plan_->looks.guard});
}

// The limits in the picture's first or last column, outside of which its edge goes on.
void FusedStrip::limit_at_edge(const GuardLimits& limits, int64_t x) {
  const int64_t index = x - column(plan_->output_lag, 0, 0);
  if (index < 0 || index >= int64_t{lanes_} * range_.positions) return;
  const int64_t at = index % range_.positions * lanes_ + index / range_.positions;
  float nine[9];
  for (int i = 0; i < 9; ++i) {
    nine[i] = limits.rows[i / 3][at + (std::clamp<int64_t>(x - 1 + i % 3, 0, width_ - 1) - x) * lanes_];
  }
  const auto [low, high] = guard_range(nine);
  limits.low[at] = low;
  limits.high[at] = high;
}

// The sub-pixels py of an LR row.
void FusedStrip::store_row(const Sums& sums, int colour, int py, const Plane& output, int64_t output_row) {
  const int scale = plan_->scale;
  const int64_t sample = bytes_of(output.type), lane_bytes = range_.positions * scale * sample;
  const auto [black, level_range] = levels_of(plan_->levels, output);
  const bool has_bias = plan_->tail && plan_->looks.guard == 0;  // that is still to be added
  std::array<float, kMostFusedScale> bias{};
  for (int px = 0; px < scale; ++px) {
    const int phase = colour * plan_->phases() + px * scale + py;
    bias[static_cast<size_t>(px)] = (has_bias ? plan_->tail->bias[static_cast<size_t>(phase)] : 0.0F) - black;
  }
  kernels_->output_row(output.type, scale,
                       {.sums = sums.data + py * sums.stride,
                        .phase_stride = scale * sums.stride,
                        .bias = bias.data(),
                        .positions = range_.positions,
                        .factor = output.one / level_range,
                        .most = output.one,
                        .out = reinterpret_cast<std::byte*>(scratch_.output_row)});
  for (int lane = 0; lane < lanes_; ++lane) {
    const int64_t lane_column = column(plan_->output_lag, lane, 0);
    const int64_t x = std::max(lane_column, range_.output_begin);
    const int64_t x_end = std::min(lane_column + range_.positions, range_.output_end);
    if (x >= x_end) continue;
    std::memcpy(
        output.row(output_row) + scale * x * sample,
        reinterpret_cast<std::byte*>(scratch_.output_row) + lane * lane_bytes + (x - lane_column) * scale * sample,
        static_cast<size_t>((x_end - x) * scale * sample));
  }
}

// The rows or columns of a picture that are read for those from begin to end - 1, some of which may lie outside.
std::pair<int64_t, int64_t> FusedStrip::read_span(int64_t begin, int64_t end, int64_t size) const {
  int64_t first = std::max<int64_t>(begin, 0), last = std::min(end, size);
  if (is_endless() && begin < 0) last = std::max(last, std::min(-begin, size));
  if (is_endless() && end > size) first = std::min(first, std::max<int64_t>(2 * size - end, 0));
  return {first, last};
}

bool FusedStrip::reads_the_same(const StripRange& range, const ConstPlane& a, const ConstPlane& b, int64_t y,
                                int64_t end) const {
  // From the warm-up of the first layer to what it looks ahead in the last group of rows; see start().
  const int64_t lag = plan_->output_lag;
  const auto [first, last] =
      read_span(y - plan_->rows_above(), (end + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce + lag, a.height);
  const auto [left, right] = read_span(range.input_begin - rings_.front().value->halo,
                                       range.input_begin + int64_t{lanes_} * range.positions, a.width);
  const int64_t offset = left * bytes_of(a.type);
  const auto bytes = static_cast<size_t>((right - left) * bytes_of(a.type));
  for (int64_t row = first; row < last; ++row) {
    if (std::memcmp(a.row(row) + offset, b.row(row) + offset, bytes) != 0) return false;
  }
  return true;
}

}  // namespace fsrcnn
