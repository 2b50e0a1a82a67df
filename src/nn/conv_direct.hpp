#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "nn/conv_form.hpp"
#include "nn/gemm.hpp"
#include "nn/interleave.hpp"

namespace fsrcnn {

/// A convolution with vectors of neighbouring pixels, for few outputs. A tile of the padded input is stored so that its
/// rows form one long row, in which every tap is a shift. All phases that a tap reaches are computed from one load of
/// the pixels, and interleaved when stored.
class ConvDirect {
 public:
  ConvDirect(const ConvForm& form, const WeightAt& weight, std::vector<float> bias, const GemmKernels& gemm,
             const InterleaveKernels& interleave);

  /// Estimated number of vector multiply-adds; infinite if tiles would be unreasonable.
  double cost(const Shape& in, const Shape& out) const;
  void run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape, ThreadPool& pool) const;

 private:
  // Taps with a row of outputs that all of them have.
  struct Run {
    std::vector<int> taps;  // ty * taps of x + tx
    int first_slot, slot_step, count;
    size_t weights;  // of a group: [channel chunk][tap][channel][count]
  };
  struct Tiling;

  void add_runs(const std::vector<int>& taps, std::vector<int> slots, std::vector<Run>& runs) const;
  double products(const std::vector<Run>& runs) const;
  Tiling tiling(const Shape& in, const Shape& out) const;
  void load(const Tiling& t, const float* plane, const Shape& in, int64_t y, int64_t x, float* to) const;
  void store(const Tiling& t, const float* sums, const Shape& out, int64_t y, int64_t x, float* first_plane) const;

  ConvForm form_;  // with parts_ times the groups
  int64_t parts_;  // of a group: they see the same input
  const GemmKernels* gemm_;
  const InterleaveKernels* interleave_;
  std::vector<Run> runs_;
  size_t group_weights_ = 0;
  std::vector<float> weights_, bias_;  // bias_: [output channel], always there
};

}  // namespace fsrcnn
