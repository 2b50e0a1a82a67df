#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "model/formats/onnx_graph.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// Reads an ONNX model (onnx.proto, IR 3 and later) of the operators that PyTorch exports an FSRCNN to in opsets 11 to
/// 20: Conv, PRelu, Relu, LeakyRelu, ConvTranspose, DepthToSpace, Pad, Constant, Identity, one after the other, and a
/// Clip to [0, 1] at the end. Only float tensors, within the file or in those that read_beside gives. `source` names
/// the file in messages. Throws Error(model), naming the operator, and what read_beside throws.
StateDict parse_onnx(Bytes bytes, const std::string& source, const ReadBeside& read_beside);

/// The bytes of such a model, opset 13: what torch.onnx.export makes of the network, for pictures of any size; scale
/// and padding also as metadata. The model must have a scale.
std::vector<std::byte> format_onnx(const Model& model);

/// True if the bytes are a protocol buffer that begins as ONNX's ModelProto does.
bool looks_like_onnx(Bytes bytes);

}  // namespace fsrcnn
