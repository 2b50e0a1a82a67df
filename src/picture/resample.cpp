#include "picture/resample.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "engine/looks.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kBlockRows = 64;  // that resize_bicubic passes on together

void check_sizes(int64_t width, int64_t height, int64_t output_width, int64_t output_height) {
  if (width < 1 || height < 1 || output_width < 1 || output_height < 1) {
    fail(ErrorCode::input, "a {}x{} picture cannot be resized to {}x{}: sizes must be positive", width, height,
         output_width, output_height);
  }
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double lanczos3(double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }

ResampleTaps make_taps(int64_t size_in, int64_t size_out, ResampleKernel kernel) {
  const auto value = kernel == ResampleKernel::cubic ? cubic_kernel : lanczos3;
  const double scale = static_cast<double>(size_out) / static_cast<double>(size_in);
  const double kernel_scale = std::min(scale, 1.0);
  const double radius = (kernel == ResampleKernel::cubic ? 2 : 3) / kernel_scale;
  const auto reach = static_cast<int64_t>(std::ceil(2 * radius)) + 2;
  std::vector<std::vector<double>> weights;
  ResampleTaps taps;
  for (int64_t out = 0; out < size_out; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) / scale - 0.5;
    int64_t first = static_cast<int64_t>(std::floor(centre - radius));
    std::vector<double> row;
    double sum = 0;
    for (int64_t i = first; i < first + reach; ++i) {
      row.push_back(value((centre - static_cast<double>(i)) * kernel_scale));
      sum += row.back();
    }
    for (double& weight : row) weight /= sum;
    const auto begin = std::find_if(row.begin(), row.end(), [](double weight) { return weight != 0; });
    first += begin - row.begin();
    row.erase(row.begin(), begin);
    while (row.back() == 0) row.pop_back();
    taps.count = std::max(taps.count, static_cast<int64_t>(row.size()));
    taps.first.push_back(first);
    weights.push_back(std::move(row));
  }
  taps.weight.reserve(static_cast<size_t>(size_out * taps.count));
  for (std::vector<double>& row : weights) {
    row.resize(static_cast<size_t>(taps.count));
    taps.weight.insert(taps.weight.end(), row.begin(), row.end());
  }
  return taps;
}

constexpr int kPillowBits = 22;  // of its weights' fraction

/// Pillow's taps of one output pixel: all within the input.
struct PillowTaps {
  int64_t first;
  std::vector<int64_t> weight;
};

std::vector<PillowTaps> make_pillow_taps(int64_t size_in, int64_t size_out) {
  const double scale = static_cast<double>(size_in) / static_cast<double>(size_out);
  const double kernel_scale = std::max(scale, 1.0), radius = 2 * kernel_scale;
  std::vector<PillowTaps> taps;
  for (int64_t out = 0; out < size_out; ++out) {
    const double centre = (static_cast<double>(out) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(centre - radius + 0.5));
    const int64_t end = std::min(size_in, static_cast<int64_t>(centre + radius + 0.5));
    std::vector<double> row;
    double sum = 0;
    for (int64_t i = first; i < end; ++i) {
      row.push_back(cubic_kernel((static_cast<double>(i) - centre + 0.5) * (1 / kernel_scale)));
      sum += row.back();
    }
    taps.push_back({first, {}});
    for (const double weight : row) {
      taps.back().weight.push_back(static_cast<int64_t>(std::round(weight / sum * (1 << kPillowBits))));
    }
  }
  return taps;
}

/// in[first * step], in[(first + 1) * step], ... weighted, in 8 bits.
float pillow_sample(const PillowTaps& taps, const float* in, int64_t step) {
  int64_t sum = int64_t{1} << (kPillowBits - 1);
  in += taps.first * step;
  for (const int64_t weight : taps.weight) {
    sum += weight * static_cast<int64_t>(*in);
    in += step;
  }
  return static_cast<float>(std::clamp<int64_t>(sum >> kPillowBits, 0, 255));
}

}  // namespace

double cubic_kernel(double x) {
  x = std::abs(x);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x <= 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

RowResampler::RowResampler(int64_t width, int64_t height, int64_t output_width, int64_t output_height,
                           ResampleKernel kernel)
    : width_(width), height_(height), output_width_(output_width), output_height_(output_height) {
  check_sizes(width, height, output_width, output_height);
  vertical_ = make_taps(height, output_height, kernel);
  horizontal_ = make_taps(width, output_width, kernel);
  const auto [left, right] = std::minmax_element(horizontal_.first.begin(), horizontal_.first.end());
  margin_left_ = std::max<int64_t>(0, -*left);
  margin_right_ = std::max<int64_t>(0, *right + horizontal_.count - width);
  for (const int64_t first : vertical_.first) {
    int64_t least = height, most = 0;
    for (int64_t i = first; i < first + vertical_.count; ++i) {
      least = std::min(least, mirrored(i, height));
      most = std::max(most, mirrored(i, height));
    }
    first_needed_.push_back(least);
    last_row_.push_back(most);
  }
  for (size_t y = first_needed_.size() - 1; y > 0; --y) {
    first_needed_[y - 1] = std::min(first_needed_[y - 1], first_needed_[y]);
  }
}

int64_t RowResampler::completed_by(int64_t count) const {
  int64_t end = output_rows_;
  while (end < output_height_ && last_row_[static_cast<size_t>(end)] < rows_ + count) ++end;
  return end - output_rows_;
}

void RowResampler::push(const ConstPlane& rows, const Plane& output) {
  if (rows.width != width_ || rows.type != SampleType::f32 || rows_ + rows.height > height_) {
    fail(ErrorCode::input,
         "pushed {} rows of {} samples, but the picture has {}x{} floats and {} rows were already pushed", rows.height,
         rows.width, width_, height_, rows_);
  }
  const int64_t count = completed_by(rows.height);
  if (count > 0 && (output.width != output_width_ || output.height != count || output.type != SampleType::f32)) {
    fail(ErrorCode::input, "the push completes {} rows of {} floats, but the output has {} of {}", count, output_width_,
         output.height, output.width);
  }
  for (int64_t y = 0; y < rows.height; ++y) {
    const auto* const row = reinterpret_cast<const float*>(rows.row(y));
    input_.insert(input_.end(), row, row + width_);
  }
  rows_ += rows.height;
  if (count == 0) return;
  parallel_for(count, [&](int64_t i) { compute_row(output_rows_ + i, reinterpret_cast<float*>(output.row(i))); });
  output_rows_ += count;
  const int64_t end = output_rows_;
  const int64_t keep = end == output_height_ ? rows_ : std::min(rows_, first_needed_[static_cast<size_t>(end)]);
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>((keep - input_begin_) * width_));
  input_begin_ = keep;
}

template <int64_t kTaps>
void RowResampler::compute_columns(const double* row, float* output) const {
  const int64_t count = kTaps > 0 ? kTaps : horizontal_.count;
  for (int64_t x = 0; x < output_width_; ++x) {
    const double* const weight = horizontal_.weight.data() + x * count;
    const double* const in = row + horizontal_.first[static_cast<size_t>(x)];
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) sum += weight[k] * in[k];
    output[x] = static_cast<float>(sum);
  }
}

void RowResampler::compute_row(int64_t y, float* output) const {
  std::vector<double> padded(static_cast<size_t>(margin_left_ + width_ + margin_right_));
  double* const row = padded.data() + margin_left_;
  for (int64_t k = 0; k < vertical_.count; ++k) {
    const double weight = vertical_.weight[static_cast<size_t>(y * vertical_.count + k)];
    if (weight == 0) continue;
    const int64_t source = mirrored(vertical_.first[static_cast<size_t>(y)] + k, height_);
    const float* const in = input_.data() + (source - input_begin_) * width_;
    for (int64_t x = 0; x < width_; ++x) row[x] += weight * in[x];
  }
  for (int64_t x = -margin_left_; x < 0; ++x) row[x] = row[mirrored(x, width_)];
  for (int64_t x = width_; x < width_ + margin_right_; ++x) row[x] = row[mirrored(x, width_)];
  // A number of taps that the compiler knows takes half the time.
  if (horizontal_.count == 4) return compute_columns<4>(row, output);
  if (horizontal_.count == 6) return compute_columns<6>(row, output);
  compute_columns<0>(row, output);
}

Tensor<float> resize_bicubic(const Tensor<float>& input, int64_t height, int64_t width) {
  const auto [n, c, h, w] = input.shape();
  Tensor<float> output({n, c, std::max<int64_t>(0, height), std::max<int64_t>(0, width)});
  for (int64_t plane = 0; plane < n * c; ++plane) {
    RowResampler resampler(w, h, width, height, ResampleKernel::cubic);
    Plane next{reinterpret_cast<std::byte*>(output.plane(plane / c, plane % c)), width, 0,
               width * static_cast<ptrdiff_t>(sizeof(float))};
    for (int64_t y = 0; y < h; y += kBlockRows) {
      const int64_t count = std::min(kBlockRows, h - y);
      next.height = resampler.completed_by(count);
      resampler.push({reinterpret_cast<const std::byte*>(input.row(plane / c, plane % c, y)), w, count,
                      w * static_cast<ptrdiff_t>(sizeof(float))},
                     next);
      next.data = next.row(next.height);
    }
  }
  return output;
}

Tensor<float> resize_bicubic_pillow(const Tensor<float>& input, int64_t height, int64_t width) {
  const auto [n, c, h, w] = input.shape();
  check_sizes(w, h, width, height);
  const std::vector<PillowTaps> rows = make_pillow_taps(h, height), columns = make_pillow_taps(w, width);
  Tensor<float> output({n, c, height, width}), narrow({1, 1, h, width});
  for (int64_t plane = 0; plane < n * c; ++plane) {
    const float* const in = input.plane(plane / c, plane % c);
    parallel_for(h, [&, w = w](int64_t y) {
      for (int64_t x = 0; x < width; ++x) narrow(0, 0, y, x) = pillow_sample(columns[x], in + y * w, 1);
    });
    float* const out = output.plane(plane / c, plane % c);
    parallel_for(height, [&](int64_t y) {
      for (int64_t x = 0; x < width; ++x) out[y * width + x] = pillow_sample(rows[y], narrow.data() + x, width);
    });
  }
  return output;
}

}  // namespace fsrcnn
