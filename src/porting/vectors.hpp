#pragma once

#include <filesystem>
#include <string>

#include "base/tensor.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// How porters' vectors are written.
enum class VectorStyle {
  slides,  ///< of FSRCNN: weights as the slides' folder; tensors for numpy.loadtxt
  deepc,   ///< of FSRCNN: weights as DeepC's folder; tensors the same, one number a line
  zcu102,  ///< of FSRCNN: weights as 8-bit integers with scales, which the expected outputs are computed with; tensors
           ///< one a line
  npy,     ///< everything as .npy
  mem,     ///< everything as float32's bits for $readmemh
};

/// Writes golden vectors: weights/, the input (1, channels, H, W), what each layer should give (after its activation;
/// of the last after the clamp), manifest.json, and a C program that reads them and checks a user's function (check.c
/// with layer.h, layer.c, table.h). The folder appears whole or not at all. Returns the number of layers. Throws
/// Error(model) if the style cannot hold the network, or it has no scale; Error(io).
size_t write_vectors(const Network& network, const Tensor<float>& input, VectorStyle style,
                     const std::string& input_name, const std::filesystem::path& folder);

}  // namespace fsrcnn
