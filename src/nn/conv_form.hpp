#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/tensor.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// One direction of a convolution, plain or transposed. Position i of a grid reads the input at i * in_stride + offset
/// for each tap, and writes the output at i * out_stride + phase for each phase. A plain convolution has one phase; a
/// transposed one has in_stride 1 and as phases those of the `stride` remainders that any kernel value reaches, so that
/// no zero is ever inserted.
struct ConvAxis {
  int64_t in_stride = 1, out_stride = 1;
  std::vector<int64_t> offsets;  ///< of the taps, rising
  std::vector<int64_t> phases;   ///< rising
  std::vector<int> kernel;       ///< [tap][phase]: index into the kernel, or -1 where the tap adds nothing

  int taps() const { return static_cast<int>(offsets.size()); }
  int phase_count() const { return static_cast<int>(phases.size()); }
  int kernel_at(int tap, int phase) const {
    return kernel[static_cast<size_t>(tap) * phases.size() + static_cast<size_t>(phase)];
  }
  int64_t span() const { return offsets.back() - offsets.front(); }
  /// Positions that cover an output of this size.
  int64_t grid(int64_t out) const { return (out + out_stride - 1) / out_stride; }
  /// Whether some outputs are reached by no tap; these are just the bias.
  bool has_gaps() const { return phase_count() < out_stride; }
};

ConvAxis conv_axis(int64_t kernel, int64_t stride, int64_t padding, int64_t dilation);
ConvAxis conv_transpose_axis(int64_t kernel, int64_t stride, int64_t padding, int64_t dilation);

/// Groups of indices: taps with the phases that all of them have, or phases with the taps that all of them have.
struct ConvClass {
  std::vector<int> taps, phases;
};
std::vector<ConvClass> taps_by_phases(const ConvAxis& axis);
std::vector<ConvClass> phases_by_taps(const ConvAxis& axis);

/// A convolution, plain or transposed, without its weights.
struct ConvForm {
  ConvAxis y, x;
  int64_t groups, in_per_group, out_per_group;
  PaddingMode padding_mode;

  /// Outputs of a group at a position of the grid, in the order (channel, phase of y, phase of x).
  int64_t slots() const { return out_per_group * y.phase_count() * x.phase_count(); }
};

ConvForm conv2d_form(const Shape& weight, const Conv2dParams& params);
ConvForm conv_transpose2d_form(const Shape& weight, const ConvTranspose2dParams& params);

/// (output channel of all, input channel of its group, ky, kx)
using WeightAt = std::function<float(int64_t, int64_t, int, int)>;

}  // namespace fsrcnn
