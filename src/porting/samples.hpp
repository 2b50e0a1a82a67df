#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Dense>

#include "base/tensor.hpp"
#include "porting/port_chain.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// The part of a segment that is looked at, no larger than is needed.
struct Window {
  Tensor<float> input, found;  ///< what went in, and what came out
  std::vector<uint8_t> known;  ///< of `found`: not at a cut, and hidden by no clamp
  int64_t known_count = 0;
};

/// The part where the output differs most from what the right layers make.
Window window_of(const Segment& segment);

/// How far a chain's output is from what was found.
struct Distance {
  double largest = 0, rms = 0;
};
Distance distance(const PortChain& chain, const Window& window);
/// How many known values are further off than `enough`.
int64_t wrong_values(const PortChain& chain, const Window& window, double enough);

/// Some of a chain's outputs, as linear equations for what may be changed in it. Several outputs that share no value on
/// the way are differentiated in one pass.
class Samples {
 public:
  /// About as many outputs as `rows`, fewer if there are fewer, for changes at the ports from `first` on.
  Samples(const PortChain& chain, const Window& window, size_t first, int64_t rows, uint32_t seed);

  Eigen::Index rows() const { return residual_.size(); }
  /// What was found, less what the chain makes.
  const Eigen::VectorXf& residual() const { return residual_; }

  /// Columns: the port's weights, biases and slopes, in the order in which they lie.
  Eigen::MatrixXf by_parameters(size_t port) const;
  /// Columns: multiples of fields, of the shape of the port's output, that are added to it.
  Eigen::MatrixXf by_fields(size_t port, const std::vector<Tensor<float>>& fields) const;
  /// Column a * channels + b: channel b of `values` added to channel a of the port's output.
  Eigen::MatrixXf by_mixing(size_t port, const Tensor<float>& values) const;

 private:
  struct Output {
    int64_t pass, channel, y, x;
  };
  struct Box {
    int64_t top, bottom, left, right;
  };

  /// Returns the number of passes.
  int64_t choose(const Window& window, int64_t rows, uint32_t seed);
  /// What of a port's output an output of the chain depends on.
  Box box_of(const Output& output, size_t port) const;
  template <class Row>
  void for_each_row(size_t port, Row&& row) const;

  const PortChain& chain_;
  size_t first_;
  std::vector<Output> outputs_;
  std::vector<std::vector<ChainGradient>> batches_;  // of kBatch passes, each of the ports from first_ on
  Eigen::VectorXf residual_;
};

}  // namespace fsrcnn
