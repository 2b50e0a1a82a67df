#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/formats/onnx_graph.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// Reads an ONNX model (onnx.proto, IR 3 and later, opsets 7 and later) for a picture of 1 (luma) or 3 (RGB) channels,
/// of fixed or of any size: convolutions, plain and transposed, activations, Pad before a convolution, depth to space
/// (also as Reshape, Transpose, Reshape), sums, constants added and multiplied, Resize by a whole factor, and
/// computations of sizes. Anything else that changes the output is named and refused. Weights are floats of 16, 32 or
/// 64 bits, in the file or in files from read_beside. `source` names the file in messages. Throws Error(model), naming
/// the operator, and what read_beside throws.
Network parse_onnx(Bytes bytes, const std::string& source, const ReadBeside& read_beside);

/// The bytes of such a model, opset 13, for pictures of any size; scale and range also as metadata. The network must
/// have a scale.
std::vector<std::byte> format_onnx(const Network& network);

/// True if the bytes are a protocol buffer that begins as ONNX's ModelProto does.
bool looks_like_onnx(Bytes bytes);

}  // namespace fsrcnn
