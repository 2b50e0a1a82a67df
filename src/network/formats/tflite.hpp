#pragma once

#include <string>

#include "base/file.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// True if the bytes have the identifier of a TensorFlow Lite model.
bool looks_like_tflite(Bytes bytes);

/// Reads a TensorFlow Lite model of a picture: CONV_2D, TRANSPOSE_CONV, DEPTH_TO_SPACE, PRELU, LEAKY_RELU, RELU and its
/// like, TANH, LOGISTIC, ADD, SUB, MUL, NEG, MAXIMUM, MINIMUM, CONCATENATION of one picture, RESIZE_BILINEAR,
/// RESIZE_NEAREST_NEIGHBOR, PAD, MIRROR_PAD by one pixel with the edge, QUANTIZE and DEQUANTIZE. Weights of 16 or 32
/// bit floats or of integers become floats; scales and zero points are kept (quantisation.hpp). A model whose pixels
/// range from 0 to 255 is converted to 0 to 1. `source` names the file in messages. Throws Error(model), naming the
/// operator.
Network parse_tflite(Bytes bytes, const std::string& source);

}  // namespace fsrcnn
