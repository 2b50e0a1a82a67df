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
void to_luma(const std::byte* from, const ConstPlane& plane, int64_t begin, int64_t end, float* to) {
  const auto* const samples = reinterpret_cast<const Sample*>(from);
  const auto [black, range] = luma_levels(plane);
  if (std::is_same_v<Sample, float> && plane.one == 1 && !plane.full_range) {
    std::copy(samples + begin, samples + end, to + begin);
    return;
  }
  for (int64_t x = begin; x < end; ++x) to[x] = static_cast<float>(samples[x]) / plane.one * range + black;
}

bool all_usable(const float* begin, const float* end) {
  int unusable = 0;
  for (const float* x = begin; x != end; ++x) unusable |= std::abs(*x) <= kLargest ? 0 : 1;
  return unusable == 0;
}

}  // namespace

void FusedStrip::load_row(int64_t y, const ConstPlane& input, int64_t first_input_row) {
  float* const to = row(input_, y);
  const bool replicate = plan_->padding_mode == PaddingMode::replicate;
  if (!inside(y) && !replicate) {
    std::fill_n(to - kHalo * lanes_, channel_stride_, 0.0F);
    return;
  }
  const std::byte* const from = input.row(std::clamp<int64_t>(y, 0, height_ - 1) - first_input_row);
  // First the columns one after the other, then each lane's.
  const int64_t begin = column(0, 0, -kHalo), end = column(0, lanes_ - 1, range_.positions);
  const int64_t left = std::max<int64_t>(begin, 0), right = std::min(end, width_);
  float* const luma = input_luma_ - begin;
  switch (input.type) {
    case SampleType::u8: to_luma<uint8_t>(from, input, left, right, luma); break;
    case SampleType::u16: to_luma<uint16_t>(from, input, left, right, luma); break;
    case SampleType::f32:
      to_luma<float>(from, input, left, right, luma);
      if (all_usable(luma + left, luma + right)) break;
      for (int64_t x = left; x < right; ++x) {
        if (std::abs(luma[x]) <= kLargest) continue;
        luma[x] = 0;
        if (inside(y)) unusable_.push_back({y, x});
      }
  }
  std::fill(luma + begin, luma + left, replicate ? luma[left] : 0.0F);
  std::fill(luma + right, luma + end, replicate ? luma[right - 1] : 0.0F);
  for (int lane = 0; lane < lanes_; ++lane) {
    const float* const of_lane = luma + column(0, lane, 0);
    for (int p = -kHalo; p < range_.positions; ++p) to[p * lanes_ + lane] = of_lane[p];
  }
}

// Makes NaN of those outputs of LR row y whose receptive field has unusable pixels.
void FusedStrip::spoil(int64_t y, const Plane& output, int64_t output_row) const {
  if (output.type != SampleType::f32) return;
  const int scale = plan_->scale, around = plan_->lag(plan_->m);
  const auto reads = [&](const TapRange& taps, int64_t at, int64_t pixel) {
    return pixel >= at + taps.first - around && pixel <= at + taps.last + around;
  };
  for (const Pixel& pixel : unusable_) {
    const int64_t begin = std::max(range_.output_begin, pixel.x - plan_->output_lag() - kHalo);
    const int64_t end = std::min(range_.output_end, pixel.x + plan_->output_lag() + kHalo + 1);
    for (int py = 0; py < scale; ++py) {
      if (!reads(plan_->tail_range[static_cast<size_t>(py)], y, pixel.y)) continue;
      auto* const to = reinterpret_cast<float*>(output.row(output_row + py));
      for (int64_t x = begin; x < end; ++x) {
        for (int px = 0; px < scale; ++px) {
          if (reads(plan_->tail_range[static_cast<size_t>(px)], x, pixel.x)) {
            to[scale * x + px] = std::numeric_limits<float>::quiet_NaN();
          }
        }
      }
    }
  }
}

void FusedStrip::store(const Plane& output, int64_t output_begin, int64_t end, StageTimes* times) {
  Stopwatch watch(times);
  const int scale = plan_->scale;
  const int64_t first = group_ - kRowsAtOnce, sample = bytes_of(output.type);
  const int64_t lane_bytes = range_.positions * scale * sample;
  const auto [black, level_range] = luma_levels(output);
  for (int64_t y = std::max(first, first_row_); y < std::min(first + kRowsAtOnce, end); ++y) {
    const int64_t output_row = scale * (y - output_begin);
    for (int py = 0; py < scale; ++py) {
      std::array<float, 4> bias{};  // no scale is larger
      for (int px = 0; px < scale; ++px)
        bias[static_cast<size_t>(px)] = plan_->tail_bias[static_cast<size_t>(px * scale + py)] - black;
      kernels_->output_row(output.type, scale,
                           {.sums = sums_row(static_cast<int>(y - first)) + py * channel_stride_,
                            .phase_stride = scale * channel_stride_,
                            .bias = bias.data(),
                            .positions = range_.positions,
                            .factor = output.one / level_range,
                            .most = output.one,
                            .out = reinterpret_cast<std::byte*>(output_row_)});
      for (int lane = 0; lane < lanes_; ++lane) {
        const int64_t lane_column = column(plan_->output_lag(), lane, 0);
        const int64_t x = std::max(lane_column, range_.output_begin);
        const int64_t x_end = std::min(lane_column + range_.positions, range_.output_end);
        if (x >= x_end) continue;
        std::memcpy(output.row(output_row + py) + scale * x * sample,
                    reinterpret_cast<std::byte*>(output_row_) + lane * lane_bytes + (x - lane_column) * scale * sample,
                    static_cast<size_t>((x_end - x) * scale * sample));
      }
    }
    if (!unusable_.empty()) spoil(y, output, output_row);
  }
  if (!unusable_.empty()) {
    std::erase_if(unusable_, [&](const Pixel& p) { return p.y < first - plan_->output_lag() - kHalo; });
  }
  watch.lap(&StageTimes::output);
}

bool FusedStrip::reads_the_same(const StripRange& range, const ConstPlane& a, const ConstPlane& b, int64_t y,
                                int64_t end) const {
  // From the warm-up of the first layer to what it looks ahead in the last group of rows; see start().
  const int64_t lag = plan_->output_lag();
  const int64_t first = std::max<int64_t>(0, y - kRowsAtOnce * (plan_->m + 2) + lag);
  const int64_t last = std::min(a.height, (end + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce + lag);
  const int64_t right = std::min(a.width, range.input_begin + int64_t{lanes_} * range.positions);
  const int64_t left = std::max<int64_t>(0, range.input_begin - kHalo);
  const int64_t offset = left * bytes_of(a.type);
  const auto bytes = static_cast<size_t>((right - left) * bytes_of(a.type));
  for (int64_t row = first; row < last; ++row) {
    if (std::memcmp(a.row(row) + offset, b.row(row) + offset, bytes) != 0) return false;
  }
  return true;
}

}  // namespace fsrcnn
