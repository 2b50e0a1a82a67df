#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// True if the bytes begin as TensorFlow's GraphDef does, with a node.
bool looks_like_tensorflow(Bytes bytes);

/// Reads a frozen TensorFlow graph as OpenCV's dnn_superres has them: Conv2D (NHWC, stride 1, SAME), Add or BiasAdd,
/// PReLU written as Relu(x) + alpha * (x - |x|) * 0.5, and DepthToSpace with a bias before or after it. Kernels are
/// brought from HWIO to OIHW. `source` names the file in messages. Throws Error(model), naming the node.
StateDict parse_tensorflow(Bytes bytes, const std::string& source);

/// The bytes of such a graph, for OpenCV: input "IteratorGetNext", output "NCHW_output". Throws Error(model) for a
/// network with a deconvolution, or that replicates its edges.
std::vector<std::byte> format_tensorflow(const Model& model);

}  // namespace fsrcnn
