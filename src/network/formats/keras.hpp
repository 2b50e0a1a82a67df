#pragma once

#include <optional>
#include <string>

#include "base/file.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// True if the zip archive is a .keras file.
bool looks_like_keras(Bytes archive, const std::string& source);

/// Reads a Keras model: a .keras file, an .h5 file of a whole model, or one with only weights. The layers of a whole
/// model are read from its configuration: Conv2D, Conv2DTranspose, PReLU (one slope per channel, or one), ReLU,
/// LeakyReLU, Activation, Add, Subtract, Concatenate of one picture, UpSampling2D, ZeroPadding2D, Rescaling, and depth
/// to space as a Lambda, a function or a custom layer. If there are only weights, the tensors are chained by shape and
/// order (layer_chain.hpp), with Keras' padding "same"; a transposed convolution then needs `scale`. `source` names the
/// file in messages. Throws Error(model), naming the layer.
Network parse_keras(Bytes bytes, const std::string& source, std::optional<int64_t> scale);

}  // namespace fsrcnn
