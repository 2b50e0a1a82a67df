#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/plane.hpp"
#include "picture/guided_chroma_kernels.hpp"

namespace fsrcnn {

/// What all outputs along one axis are made of, pixel centres at half integers.
class NearAxis {
 public:
  /// Throws Error(input) unless 1 <= size_in <= size_out.
  NearAxis(int64_t size_in, int64_t size_out);

  int64_t size() const { return static_cast<int64_t>(nearest_.size()); }
  int64_t nearest(int64_t output) const { return nearest_[static_cast<size_t>(output)]; }
  /// The first output whose nearest sample is this or a later one.
  int64_t first_at(int64_t sample) const;
  /// From an output on.
  NearSamples from(int64_t output) const;

 private:
  std::vector<int32_t> nearest_;
  std::vector<float> cubic_[4], linear_[2];
};

/// Enlarges chroma with the details of a luma that was enlarged better than by cubic interpolation:
///   chroma = cubic(Cb) + slope * (luma - cubic(Y))
/// `slope` is that of the line through the luma and chroma of 3x3 pixels by least squares (weights 1 2 1 in both
/// directions), as a guided filter has it, times r^8, r being their correlation; both shrunk where luma or chroma
/// varies by no more than rounding does; linear between pixels. Where two colours meet it is their line, and their
/// mixtures stay on it; where a third is near, or luma says nothing of chroma, it is about 0. The picture is mirrored
/// at its edges. Constant chroma stays what it is to the bit.
/// Rows are pushed from top to bottom, in memory that does not depend on the height; blocks, threads and the
/// instruction set change no bit.
class GuidedChroma {
 public:
  /// cpu: of cpu_names(). Throws Error(input) if an axis is not enlarged or a size is not positive.
  GuidedChroma(int64_t width, int64_t height, int64_t output_width, int64_t output_height, std::string_view cpu);

  /// The next rows, of floats; what lies outside [0, 1] says nothing of slopes.
  void push(const ConstPlane& luma, const ConstPlane& cb, const ConstPlane& cr);
  /// The rows of the output, counted from the first, that what was pushed is enough for.
  int64_t completed() const;
  /// Row y of Cb and Cr for the enlarged luma, (output_width) each. 0 <= y < completed(), and no less than what was
  /// dropped; in any order, from several threads.
  void compute_row(int64_t y, const float* luma, float* cb, float* cr) const;
  /// Forgets what only rows before y need, which is at most completed().
  void drop(int64_t y);

 private:
  static constexpr int64_t kMargin = 2;  // samples at each end of a stored row, mirrored
  static constexpr int kPlanes = 5;      // luma, Cb, Cr, and the slopes of Cb and Cr

  int64_t stride() const { return width_ + 2 * kMargin; }
  int64_t slope_rows() const;
  /// The first sample of a stored row, and of its slopes.
  float* row(int64_t y, int plane) { return rows_.data() + ((y - begin_) * kPlanes + plane) * stride() + kMargin; }
  const float* row(int64_t y, int plane) const {
    return rows_.data() + ((y - begin_) * kPlanes + plane) * stride() + kMargin;
  }
  void mirror_ends(float* row) const;

  int64_t width_, height_;
  NearAxis columns_, lines_;
  const GuidedChromaKernels& kernels_;
  int64_t begin_ = 0, end_ = 0;  // the rows that are stored
  std::vector<float> rows_;
};

}  // namespace fsrcnn
