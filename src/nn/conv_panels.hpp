#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "nn/conv_form.hpp"
#include "nn/gemm.hpp"

namespace fsrcnn {

/// A convolution as products of matrices, with vectors of output channels, for many outputs or few pixels. Phases with
/// the same taps are one product: their weights, a row for each tap and input channel, times the pixels that these see.
class ConvPanels {
 public:
  ConvPanels(const ConvForm& form, const WeightAt& weight, std::vector<float> bias, const GemmKernels& gemm);

  /// Estimated number of vector multiply-adds.
  double cost(const Shape& in, const Shape& out) const;
  void run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape, ThreadPool& pool) const;

 private:
  struct Product {
    ConvClass y, x;
    int64_t outputs;  // of a group, in the order (channel, phase of y, phase of x)
    size_t weights;   // [group][panel][tap][channel][outputs of the panel]
    size_t group_weights;
  };
  struct Position;
  struct Call;
  struct Job;

  int64_t panel_outputs() const { return int64_t{4} * gemm_->lanes; }
  int64_t padded(int64_t outputs) const { return (outputs + gemm_->lanes - 1) / gemm_->lanes * gemm_->lanes; }
  std::vector<int> useful_taps(const ConvAxis& axis, const std::vector<int>& taps, int64_t in, int64_t first,
                               int64_t last) const;
  double useful_part(const ConvAxis& axis, int64_t in, int64_t grid) const;
  bool by_position(const Shape& in, int64_t height, int64_t width) const;
  void run_job(const Call& call, const Job& job) const;
  void store(const Call& call, const Job& job, const Position* positions, const float* sums,
             ptrdiff_t sums_stride) const;

  ConvForm form_;
  const GemmKernels* gemm_;
  std::vector<Product> products_;
  std::vector<float> bias_;
  AlignedFloats weights_;
};

}  // namespace fsrcnn
