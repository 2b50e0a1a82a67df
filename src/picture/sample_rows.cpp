#include "picture/sample_rows.hpp"

#include <vips/vips.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/add_seconds.hpp"
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/colour.hpp"

namespace fsrcnn {
namespace {

/// What 8 bits need is exact in floats but for ties; 16 bits need doubles.
template <class Sample>
using Level = std::conditional_t<sizeof(Sample) == 1, float, double>;

/// Rows of so many planes, sample after sample, to pixel after pixel. The compiler must know how many.
template <int kPlanes, class Sample>
void interleave(const Sample* rows, int64_t width, Sample* pixels) {
  for (int64_t x = 0; x < width; ++x) {
    for (int k = 0; k < kPlanes; ++k) pixels[x * kPlanes + k] = rows[k * width + x];
  }
}

template <class Sample>
void interleave(const Tensor<float>& planes, Sample* samples) {
  const auto [n, c, h, w] = planes.shape();
  const auto white = static_cast<Level<Sample>>(std::numeric_limits<Sample>::max());
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    std::vector<Sample> rows(static_cast<size_t>(c * w));
    for (int64_t k = 0; k < c; ++k) {
      const float* const row = planes.row(0, k, y);
      Sample* const to = rows.data() + k * w;
      for (int64_t x = 0; x < w; ++x) {
        const Level<Sample> level = row[x] * white + Level<Sample>(0.5);
        // 0 for NaN too.
        to[x] = static_cast<Sample>(level > 0 ? std::min(level, white) : 0);
      }
    }
    Sample* const pixels = samples + y * w * c;
    switch (c) {
      case 1: interleave<1>(rows.data(), w, pixels); break;
      case 2: interleave<2>(rows.data(), w, pixels); break;
      case 3: interleave<3>(rows.data(), w, pixels); break;
      default: interleave<4>(rows.data(), w, pixels);
    }
  });
}

void interleave_floats(const Tensor<float>& planes, bool linear, int colour_planes, float* samples) {
  const auto [n, c, h, w] = planes.shape();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    for (int64_t k = 0; k < c; ++k) {
      const float* const row = planes.row(0, k, y);
      float* const to = samples + y * w * c + k;
      const bool decode = linear && k < colour_planes;
      for (int64_t x = 0; x < w; ++x) to[x * c] = decode ? linear_from_srgb(row[x]) : row[x];
    }
  });
}

}  // namespace

RowBlock SampleRows::next(int64_t most) {
  if (rest_.rows == 0) {
    const AddSeconds timer(waited_s_);
    std::optional<RowBlock> block = queue_.pop();
    if (!block) fail(ErrorCode::io, "row {} of the picture is missing", rest_.first_row);
    rest_ = *std::move(block);
  }
  const int64_t rows = std::min(most, rest_.rows), row_bytes = std::ssize(rest_.samples) / rest_.rows;
  RowBlock block{rest_.first_row, rows, std::move(rest_.samples)};
  rest_.samples.assign(block.samples.begin() + rows * row_bytes, block.samples.end());
  block.samples.resize(static_cast<size_t>(rows * row_bytes));
  rest_.first_row += rows;
  rest_.rows -= rows;
  return block;
}

void SampleRows::run(const PictureHeader& picture, int bits, const RowSource& source) {
  try {
    int64_t next_row = 0;
    for (;;) {
      const Tensor<float> planes = source();
      if (planes.count() == 0) break;
      RowBlock block{next_row, planes.shape().h, {}};
      block.samples.resize(static_cast<size_t>(planes.count() * bits / 8));
      switch (bits) {
        case 8: interleave(planes, reinterpret_cast<uint8_t*>(block.samples.data())); break;
        case 16: interleave(planes, reinterpret_cast<uint16_t*>(block.samples.data())); break;
        default:
          interleave_floats(planes, picture.linear, picture.colour_planes,
                            reinterpret_cast<float*>(block.samples.data()));
      }
      next_row += block.rows;
      if (!queue_.push(std::move(block))) break;
    }
    queue_.close();
  } catch (...) {
    queue_.close(std::current_exception());
  }
  vips_thread_shutdown();
}

}  // namespace fsrcnn
