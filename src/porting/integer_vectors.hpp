#pragma once

#include <filesystem>
#include <string>

#include "base/tensor.hpp"
#include "porting/integer_network.hpp"

namespace fsrcnn {

/// Writes golden vectors in integers, bit for bit: weights/, the input and what each layer should give as words for
/// $readmemh, manifest.json with every scale and zero point, README.md with the arithmetic, a C program (check.c) and a
/// Verilog test bench (bench.v, vectors.v) that check a user's layers, and both layers to begin with (layer.c,
/// layer.v). input (1, channels, H, W). The folder appears whole or not at all. Throws Error(io).
void write_integer_vectors(const IntegerNetwork& network, const Tensor<float>& input, const std::string& input_name,
                           const std::filesystem::path& folder);

}  // namespace fsrcnn
