#pragma once

#include <cstddef>
#include <string_view>

namespace fsrcnn {

/// Output channels that one run of the inner loop computes: a range of all outputs with its weights.
struct OutputBlock {
  int begin, count;
  const float* weights;  ///< [batch][tap][input channel][count]
};

/// Sums of products of vectors with broadcast weights, the inner loop of every layer:
///   out[b][o][v] = slope(bias[o] + sum over taps t and channels c of weights[b][t][c][o] * in[b][c][v + t's offset])
/// Offsets and strides are in floats. Vectors of `out` are aligned; those of `in` are the faster for it.
/// Additions are in the order of (t, c).
struct Gemm {
  const float* in;
  ptrdiff_t in_channel_stride;
  int channels;
  int taps;
  const ptrdiff_t* tap_offsets;
  const float* weights;
  float* out;  ///< of the block's first output
  ptrdiff_t out_channel_stride;
  const float* bias = nullptr;   ///< [o]; null: the sums start with 0
  const float* slope = nullptr;  ///< [o], PReLU with slopes <= 1; null: none
  bool accumulate = false;       ///< the sums start with what `out` holds
  int vectors;
  int batch = 1;
  ptrdiff_t in_batch_stride = 0, weights_batch_stride = 0, out_batch_stride = 0;
};

/// The `tap_offsets` of a single tap.
inline constexpr ptrdiff_t kNoOffset[1] = {0};

/// A stride of at least `floats` floats that is an odd number of cache lines, so that values this far apart (e.g. the
/// channels of a position) are in different sets of the cache.
constexpr ptrdiff_t spread(ptrdiff_t floats) { return ((floats + 15) / 16 | 1) * 16; }

/// For one instruction set.
struct GemmKernels {
  const char* cpu;                         ///< its name
  int lanes;                               ///< floats in a vector
  int most_outputs;                        ///< of a block
  void (*gemm)(int outputs, const Gemm&);  ///< outputs: the width of the block of weights, 1 ... most_outputs
};

/// Null if there are none for this name of cpu_names().
const GemmKernels* gemm_kernels(std::string_view cpu);

}  // namespace fsrcnn
