#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// True if the bytes begin as TensorFlow's GraphDef does, with a node.
bool looks_like_tensorflow(Bytes bytes);

/// Reads a frozen TensorFlow graph as OpenCV's dnn_superres has them: Conv2D (NHWC, stride 1, SAME), Add or BiasAdd,
/// PReLU written as Relu(x) + alpha * (x - |x|) * 0.5, and DepthToSpace with a bias before or after it. Kernels are
/// brought from HWIO to OIHW. `source` names the file in messages. Throws Error(model), naming the node.
Network parse_tensorflow(Bytes bytes, const std::string& source);

/// What TensorFlow's padding "SAME" crops from a transposed convolution's output along an axis, before and after it,
/// and what it adds after it. If the number is odd, TensorFlow crops the larger half at the end, PyTorch's networks at
/// the start.
struct TransposedCut {
  int64_t before, after, added;
};
TransposedCut same_cut(int64_t kernel, int64_t stride);

/// The bytes of such a graph, for OpenCV: input "IteratorGetNext", output "NCHW_output". Throws Error(model) unless the
/// network is an FSRCNN for luma with a sub-pixel convolution and zero padding; `destination` names the file.
std::vector<std::byte> format_tensorflow(const Network& network, const std::string& destination);

}  // namespace fsrcnn
