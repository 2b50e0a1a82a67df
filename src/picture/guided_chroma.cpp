#include "picture/guided_chroma.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "engine/looks.hpp"
#include "picture/resample.hpp"

namespace fsrcnn {

NearAxis::NearAxis(int64_t size_in, int64_t size_out) {
  if (size_in < 1 || size_out < size_in)
    fail(ErrorCode::input, "{} pixels cannot be enlarged to {}", size_in, size_out);
  constexpr int kOffsets[4] = {-2, -1, 1, 2};
  for (int64_t out = 0; out < size_out; ++out) {
    // In whole numbers, so that outputs at the same place among their samples have the same weights.
    const int64_t place = (2 * out + 1) * size_in, nearest = place / (2 * size_out);
    const double beyond =
        static_cast<double>(place - 2 * size_out * nearest - size_out) / static_cast<double>(2 * size_out);
    nearest_.push_back(static_cast<int32_t>(nearest));
    for (int k = 0; k < 4; ++k) cubic_[k].push_back(static_cast<float>(cubic_kernel(beyond - kOffsets[k])));
    linear_[0].push_back(static_cast<float>(std::max(0.0, -beyond)));
    linear_[1].push_back(static_cast<float>(std::max(0.0, beyond)));
  }
}

int64_t NearAxis::first_at(int64_t sample) const {
  return std::lower_bound(nearest_.begin(), nearest_.end(), sample) - nearest_.begin();
}

NearSamples NearAxis::from(int64_t output) const {
  NearSamples samples = {nearest_.data() + output, {}, {}};
  for (int k = 0; k < 4; ++k) samples.cubic[k] = cubic_[k].data() + output;
  for (int k = 0; k < 2; ++k) samples.linear[k] = linear_[k].data() + output;
  return samples;
}

GuidedChroma::GuidedChroma(int64_t width, int64_t height, int64_t output_width, int64_t output_height,
                           std::string_view cpu)
    : width_(width),
      height_(height),
      columns_(width, output_width),
      lines_(height, output_height),
      kernels_(guided_chroma_kernels(cpu)) {}

void GuidedChroma::mirror_ends(float* row) const {
  for (int64_t x = 1; x <= kMargin; ++x) {
    row[-x] = row[mirrored(-x, width_)];
    row[width_ - 1 + x] = row[mirrored(width_ - 1 + x, width_)];
  }
}

/// Rows that have slopes: the next row must be known.
int64_t GuidedChroma::slope_rows() const { return end_ == height_ ? height_ : std::max<int64_t>(0, end_ - 1); }

void GuidedChroma::push(const ConstPlane& luma, const ConstPlane& cb, const ConstPlane& cr) {
  const std::array planes = {&luma, &cb, &cr};
  for (const ConstPlane* plane : planes) {
    if (plane->width != width_ || plane->height != luma.height || plane->type != SampleType::f32 ||
        end_ + plane->height > height_) {
      fail(ErrorCode::input, "pushed {} rows of {} samples, but the picture has {}x{} floats and {} rows were pushed",
           plane->height, plane->width, width_, height_, end_);
    }
  }
  const int64_t first = end_, first_slope = slope_rows();
  end_ += luma.height;
  rows_.resize(static_cast<size_t>((end_ - begin_) * kPlanes * stride()));
  parallel_for(luma.height, [&](int64_t y) {
    for (int p = 0; p < 3; ++p) {
      float* const to = row(first + y, p);
      std::memcpy(to, planes[static_cast<size_t>(p)]->row(y), static_cast<size_t>(width_) * sizeof(float));
      mirror_ends(to);
    }
  });
  parallel_for(slope_rows() - first_slope, [&](int64_t i) {
    const int64_t y = first_slope + i;
    const auto guide = [&](int64_t at) {
      const int64_t source = mirrored(at, height_);
      return ChromaGuideRow{row(source, 0), row(source, 1), row(source, 2)};
    };
    kernels_.slopes({guide(y - 1), guide(y), guide(y + 1)}, width_, {row(y, 3), row(y, 4)});
    mirror_ends(row(y, 3));
    mirror_ends(row(y, 4));
  });
}

int64_t GuidedChroma::completed() const {
  // The nearest row and two more: for the cubic, and for the slopes of the next.
  return end_ == height_ ? lines_.size() : lines_.first_at(end_ - 2);
}

void GuidedChroma::compute_row(int64_t y, const float* luma, float* cb, float* cr) const {
  constexpr int64_t kColumns = 256;  // at once, so that what is between stays in the nearest cache
  float between[kPlanes][kColumns + 2 * kMargin + ChromaColumns::kPadding];
  const int64_t nearest = lines_.nearest(y);
  const NearSamples weights = lines_.from(y);
  const float cubic[] = {*weights.cubic[0], *weights.cubic[1], *weights.cubic[2], *weights.cubic[3]};
  const float linear[] = {*weights.linear[0], *weights.linear[1]};
  int64_t x = 0;
  for (int64_t first = 0; first < width_; first += kColumns) {
    const int64_t count = std::min(kColumns, width_ - first), with_margins = count + 2 * kMargin;
    const auto line = [&](int offset, int plane) {
      return row(mirrored(nearest + offset, height_), plane) + first - kMargin;
    };
    for (int p = 0; p < 3; ++p) {
      kernels_.between_rows({line(-2, p), line(-1, p), line(0, p), line(1, p), line(2, p)}, cubic, with_margins,
                            between[p]);
    }
    for (int p = 3; p < kPlanes; ++p) {
      kernels_.between_slopes({line(-1, p), line(0, p), line(1, p)}, linear, with_margins, between[p]);
    }
    ChromaColumns in = {{}, first};
    for (int p = 0; p < kPlanes; ++p) in.planes[p] = between[p] + kMargin;
    const int64_t begin = x;
    x = columns_.first_at(first + count);
    kernels_.across(in, columns_.from(begin), x - begin, luma + begin, cb + begin, cr + begin);
  }
}

void GuidedChroma::drop(int64_t y) {
  const int64_t needed = y >= lines_.size() ? height_ : lines_.nearest(y) - 2;
  const int64_t keep = std::clamp(needed, begin_, end_);
  rows_.erase(rows_.begin(), rows_.begin() + (keep - begin_) * kPlanes * stride());
  begin_ = keep;
}

}  // namespace fsrcnn
