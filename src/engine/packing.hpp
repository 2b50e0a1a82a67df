#pragma once

#include <vector>

#include "nn/gemm.hpp"

// Packs weights into the layout that the kernels read.

namespace fsrcnn {

using Matrix = std::vector<std::vector<double>>;

/// (points x taps): takes a filter to its values at the points of `pairs` Toom-Cook pairs (2 or 3), divided by what
/// interpolation multiplies with (Winograd's G).
Matrix filter_transform(int pairs, int taps);

/// Cuts `outputs` into blocks of nearly equal size, filled by `weight(batch, k, o)`.
template <class Weight>
void pack(std::vector<float>& weights, std::vector<OutputBlock>& blocks, int block_outputs, int outputs, int batch,
          int products, const Weight& weight) {
  const int count = (outputs + block_outputs - 1) / block_outputs;
  weights.resize(static_cast<size_t>(batch) * static_cast<size_t>(products) * static_cast<size_t>(outputs));
  float* at = weights.data();
  for (int i = 0, begin = 0; i < count; ++i) {
    const int size = (outputs - begin) / (count - i);
    blocks.push_back({begin, size, at});
    for (int b = 0; b < batch; ++b) {
      for (int k = 0; k < products; ++k) {
        for (int o = begin; o < begin + size; ++o) *at++ = static_cast<float>(weight(b, k, o));
      }
    }
    begin += size;
  }
}

}  // namespace fsrcnn
