#pragma once

#include <string>

#include "network/network.hpp"

namespace fsrcnn {

/// "FSRCNN(56, 12, 4)", or "unknown network".
std::string family_of(const Network& network);

/// "luma" or "3 channels in: RGB": the network's input and output.
std::string channels_text(const Network& network);

/// "convolution", "transposed convolution, stride 2", "depth to space by 4", "addition", "bicubic interpolation by 2".
std::string operator_text(const Layer& layer);

/// What a layer reads: "input" or the numbers of layers, counted from 1: "3, input". Empty: only the layer before it.
std::string inputs_text(const Network& network, size_t layer);

/// "2 zero", "2 replicate", "(1, 2) zero"; of a transposed convolution "4", with "border 1" if it has one. Empty: none.
std::string padding_text(const Layer& layer);

/// "PReLU, 56 slopes", "PReLU, one slope", "ReLU", "tanh", "clamp 0 to 1". Empty: none.
std::string activation_text(const Layer& layer);
/// Scales and zero points: "scale 0.0123, zero point 0, int8; weights 0.0026". Empty: none.
std::string quantisation_text(const Layer& layer);

}  // namespace fsrcnn
