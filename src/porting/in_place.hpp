#pragma once

#include "nn/interpolate.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// After what a convolution overwrites its input with its output.
enum class InPlace { rows, pixels, channels };
const char* name_of(InPlace order);

/// A convolution with as many outputs as inputs whose output, activated, takes the place of its input while that is
/// still read. Gives what it makes before bias and activation.
Tensor<float> convolved_in_place(const LayerPort& port, const Tensor<float>& input, InPlace order);

/// A transposed convolution's output where the input was enlarged in another way than with zeros.
Tensor<float> convolution_of_enlarged(const LayerPort& port, const Tensor<float>& input, Interpolation mode);

/// conv_transpose2d with the stride for the padding and the other way round; what is too large is cut off at the bottom
/// and right.
Tensor<float> with_stride_and_padding_exchanged(const LayerPort& port, const Tensor<float>& input);

}  // namespace fsrcnn
