#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// What a layer of a chain reads, makes before its activation, and gives.
struct ChainStep {
  Tensor<float> input, linear, output;
};

/// Derivatives of outputs of a chain with respect to what a layer makes on the way, N of them.
struct ChainGradient {
  Tensor<float> output;  ///< by what the layer gives, after all that its port does
  Tensor<float> linear;  ///< by what its convolution makes, before depth to space
};

/// Layers in a row with what each of them makes of an input. The last one's output is left as it is before the clamp,
/// so that it has a derivative everywhere.
class PortChain {
 public:
  /// `input` is that of the first port. Throws Error(input) if shapes do not fit.
  PortChain(std::vector<LayerPort> ports, const Tensor<float>& input);
  /// The same as `right`, but for another port at `at`; what comes before is taken over and is not kept twice.
  PortChain(const PortChain& right, size_t at, LayerPort port);

  const std::vector<LayerPort>& ports() const { return ports_; }
  /// Of a port at or after first().
  const ChainStep& step(size_t port) const { return steps_[port - first_]; }
  size_t first() const { return first_; }
  const Tensor<float>& output() const { return steps_.back().output; }

  /// Back from N gradients by the chain's output, (N, C, H, W), to the outputs of the ports from `to` on. The ports
  /// after `to` must be differentiable.
  std::vector<ChainGradient> gradients(const Tensor<float>& by_output, size_t to) const;

  /// How the chain's output changes with its input, (1, C, H, W), to first order; and back. All ports must be
  /// differentiable.
  Tensor<float> tangent(Tensor<float> by_input) const;
  Tensor<float> gradient_by_input(const Tensor<float>& by_output) const;

  /// How many times as large as the chain's input a port's output is.
  int64_t scale(size_t port) const;
  /// Pixels around its place that an output of the chain depends on, in the output of a port.
  int64_t reach(size_t port) const { return reach_before(port + 1); }
  /// The same in what a port reads.
  int64_t reach_before(size_t port) const;

 private:
  void run(const Tensor<float>& input);

  std::vector<LayerPort> ports_;
  size_t first_ = 0;
  std::vector<ChainStep> steps_;  // from first_ on
};

/// Whether gradients pass through a port: one that does its layer and nothing else.
bool is_differentiable(const LayerPort& port);

/// (N, C, s*h, s*w) -> (N, C*s*s, h, w), the inverse of depth_to_space.
Tensor<float> space_to_depth(const Tensor<float>& from, int64_t s);

}  // namespace fsrcnn
