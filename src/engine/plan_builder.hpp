#pragma once

#include <vector>

#include "engine/fused_plan.hpp"
#include "engine/lowering.hpp"

namespace fsrcnn {

/// PReLU(a, x) = -a * PReLU(1/a, -x): with it every slope is at most 1, and PReLU is max(x, a * x). The outputs of such
/// channels are `factor` times too small; the weights of their readers compensate.
struct Fold {
  std::vector<float> slope;
  std::vector<double> sign, factor;
  bool afterwards = false;  ///< another activation, or no reader can compensate a factor

  Fold(const LoweredValue& value, bool is_output);
};

/// A convolution (out, in, rows, columns) with its PReLU. row_pairs, column_pairs: Toom-Cook pairs in that direction;
/// 0: direct. factor: of the input's channels.
PackedLayer pack_convolution(const Tensor<double>& weight, const std::vector<float>& bias,
                             const std::vector<double>& factor, const Fold& fold, int block_outputs, int row_pairs,
                             int column_pairs);

/// Makes a plan for a lowered network: finds the layers that have their own kernels, packs weights, and computes how
/// far each value lags behind the input and how much of it is kept.
class PlanBuilder {
 public:
  PlanBuilder(FusedPlan& plan, const LoweredNetwork& network);
  void build();

 private:
  using StageTimesField = double StageTimes::*;

  const LoweredTerm* only_term(size_t value) const;
  const LoweredTerm* head_of(size_t value) const;
  const LoweredTerm* find_tail() const;
  const LoweredTerm* expanding_of(const LoweredTerm& tail) const;
  int place_of(int value) const;
  int new_value(size_t value, int border);
  int border_of(size_t value) const;
  bool reads_input_alone(const LoweredValue& value) const;
  bool transforms(const LoweredTerm& term) const;
  void add_head(size_t value, const LoweredTerm& first, int to);
  void add_term(size_t value, const LoweredTerm& term, int to, bool first, bool last, StageTimesField stage);
  void finish_activation(size_t value, PlanStep& step) const;
  void add_tail(const LoweredTerm& term);
  void set_lags();
  void set_windows();
  void set_rows_read();

  FusedPlan& plan_;
  const LoweredNetwork& network_;
  std::vector<std::vector<size_t>> consumers_;  // of each lowered value; one that reads it twice, twice
  std::vector<int> place_;                      // of each lowered value among the plan's; -1: none
  std::vector<Fold> folds_;
};

}  // namespace fsrcnn
