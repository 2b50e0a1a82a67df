#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Dense>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// An input pixel at (y + dy, x + dx) is multiplied by the kernel's value (ky, kx).
struct Tap {
  int64_t dy, dx, ky, kx;
};

/// Output pixels (step * y + py, step * x + px) with the taps that make them.
struct Phase {
  int64_t step, py, px;
  std::vector<Tap> taps;
};

/// Of a layer with a weight; of a plain convolution one phase alone.
std::vector<Phase> phases_of(const LayerPort& port);

/// The right side for one output channel: what the linear part gave, where that can be told.
struct Target {
  Tensor<float> values;  // (1, O, H, W), before activation, clamp and depth to space
  std::vector<uint8_t> known;
};

/// `predicted`: what is near to it. It tells the sign of values that a slope of 0 or below leaves open; those of which
/// it cannot be sure are not known. `caution`: 1, or 0 to believe it of all.
Target linear_target(const LayerPort& port, const Tensor<float>& predicted, const Tensor<float>& output,
                     double caution = 1);

/// The equations of one phase for one output channel: rows are pixels, columns the taps of one of its input channels.
class System {
 public:
  System(const LayerPort& port, const Tensor<float>& input, const Phase& phase, const Target& target,
         const Tensor<float>& predicted, int64_t channel, int64_t most_rows);

  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  int64_t available() const { return available_; }
  const Phase& phase() const { return phase_; }
  /// What the file's parameters leave unexplained.
  const Eigen::VectorXd& residual() const { return residual_; }

  /// Columns of an input channel; of the one after the last: the bias's.
  Eigen::MatrixXd block(int64_t channel) const;
  /// The blocks of these channels side by side.
  Eigen::MatrixXd blocks(const std::vector<int64_t>& channels) const;

 private:
  struct Row {
    int64_t y, x, at;
  };
  const LayerPort& port_;
  const Tensor<float>& input_;
  const Phase& phase_;
  int64_t first_input_ = 0;  // of the output's group
  std::vector<Row> rows_;
  int64_t available_ = 0;
  Eigen::VectorXd residual_;
};

}  // namespace fsrcnn
