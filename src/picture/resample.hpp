#pragma once

#include <cstdint>
#include <vector>

#include "base/plane.hpp"
#include "base/tensor.hpp"

namespace fsrcnn {

/// cubic: a = -0.5 (Keys 1981), as MATLAB's imresize(..., 'bicubic') has it; lanczos3: sinc windowed by sinc.
enum class ResampleKernel { cubic, lanczos3 };
/// The cubic at a distance in samples.
double cubic_kernel(double distance);

/// For each output pixel along one axis, the input pixels that it is made of, and their weights.
struct ResampleTaps {
  int64_t count = 0;           ///< for each output pixel
  std::vector<int64_t> first;  ///< (size_out): the leftmost of them; may lie outside, where the picture is mirrored
  std::vector<double> weight;  ///< (size_out, count), each row sums to 1
};

/// Resizes a plane row by row, from top to bottom, in memory that does not depend on its height. Pixel centres at half
/// integers, the kernel widened when shrinking (antialiasing), the picture mirrored at its edges. Neither rounded nor
/// clamped; computes in float64.
class RowResampler {
 public:
  /// Throws Error(input) if a size is not positive.
  RowResampler(int64_t width, int64_t height, int64_t output_width, int64_t output_height, ResampleKernel kernel);

  /// Rows of the output that a push of `count` rows completes.
  int64_t completed_by(int64_t count) const;
  /// Pushes the next rows, of floats. The completed rows are written to `output`, which must have exactly that many
  /// rows of floats.
  void push(const ConstPlane& rows, const Plane& output);

 private:
  void compute_row(int64_t y, float* output) const;
  template <int64_t kTaps>
  void compute_columns(const double* row, float* output) const;

  int64_t width_, height_, output_width_, output_height_;
  ResampleTaps vertical_, horizontal_;
  int64_t margin_left_ = 0, margin_right_ = 0;  // pixels that the horizontal taps reach beyond the picture
  std::vector<int64_t> last_row_;               // that an output row reads
  std::vector<int64_t> first_needed_;           // row that an output row or one after it reads
  int64_t rows_ = 0, input_begin_ = 0, output_rows_ = 0;
  std::vector<float> input_;
};

/// Every plane of `input` resized to height x width, as MATLAB's imresize(..., 'bicubic') does.
/// (N, C, H, W) -> (N, C, height, width). Throws Error(input) if a size is not positive.
Tensor<float> resize_bicubic(const Tensor<float>& input, int64_t height, int64_t width);

/// The same as Pillow's Image.resize(..., BICUBIC) does on 8-bit samples, to the bit: the same kernel, but cut off at
/// the edges and scaled to sum 1; weights in fixed point; along rows first, then columns, each rounded to 8 bits
/// (Pillow 13 takes columns first where the height shrinks much more than the width). `input` must hold whole numbers
/// in [0, 255], and so does the result. Throws Error(input) if a size is not positive.
Tensor<float> resize_bicubic_pillow(const Tensor<float>& input, int64_t height, int64_t width);

}  // namespace fsrcnn
