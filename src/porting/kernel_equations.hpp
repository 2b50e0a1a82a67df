#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include "base/tensor.hpp"
#include "porting/layer_case.hpp"
#include "porting/linear_system.hpp"

namespace fsrcnn {

/// What a layer's sums have more than they should, on some pixels, and what each value of its kernels is multiplied by
/// there: kernels that somebody may have used are tried on it without a convolution. No kernel is solved for, so that
/// small pictures and channels that are always 0 do no harm.
class KernelEquations {
 public:
  /// The equations of one output channel, at one phase of a transposed convolution.
  struct Block {
    int64_t output = 0;
    const Phase* phase = nullptr;
    Eigen::MatrixXd inputs;    ///< a row for each pixel; columns by input channel, then by the phase's taps
    Eigen::VectorXd residual;  ///< found minus right
    Eigen::VectorXd other;     ///< the same for the other sign of sums that a slope below 0 hides; empty: there is none
    double tolerance = 0;

    /// What is left, in size, where other kernels bring that much more.
    Eigen::ArrayXd left_by(const Eigen::VectorXd& effect) const;
  };

  KernelEquations(const KernelEquations&) = delete;  // blocks point to phases
  KernelEquations(KernelEquations&&) = default;

  /// Empty: the sums are not just products of kernels and pixels.
  static std::optional<KernelEquations> of(const LayerCase& layer);

  const std::vector<Block>& blocks() const { return blocks_; }
  /// Whether squares of its residual tell the truth.
  bool is_sure(const Block& block) const { return block.other.size() == 0 || !has_sure_; }
  const Tensor<float>& weight() const { return port_->weight; }
  bool is_transposed() const { return port_->is_transposed; }
  /// The flat index in the weight of a block's column.
  int64_t index_of_column(const Block& block, int64_t column) const;

  /// What other kernels leave. `met`: the share of equations; `share`: of the sum of sizes of what the right ones
  /// leave.
  struct Left {
    double met = 0, share = 1;
    bool is_near() const { return met > 0.5 || share < 0.3; }
  };
  Left left_of(const Tensor<float>& weight) const;

  /// How many of the kernels' values, in an order of their flat indices, become 0 so that least is left.
  struct Prefix {
    size_t count = 0;
    double share = 1;
  };
  Prefix best_zeroed(const std::vector<int64_t>& order) const;
  /// The factor for a change of the kernels that leaves least.
  double best_factor(const Tensor<float>& change) const;

 private:
  explicit KernelEquations(const LayerCase& layer);

  const LayerPort* port_;
  std::vector<Phase> phases_;
  std::vector<Block> blocks_;
  std::vector<std::pair<int32_t, int32_t>> column_of_;  // of each value of the weight: block and column; -1: none
  bool has_sure_ = false;                               // some block hides no signs
  double total_ = 0;                                    // the sum of sizes of all residuals
};

}  // namespace fsrcnn
