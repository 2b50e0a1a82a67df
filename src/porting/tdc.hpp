#pragma once

#include "network/network.hpp"

namespace fsrcnn {

/// A network with each transposed convolution as its phase kernels.
struct PhaseKernels {
  Network network;
  int64_t kernels = 0, size = 0;  ///< of the last one: so many, of so many pixels a side
  double difference = 0;          ///< the largest on random features, in float64
};

/// The same network with each transposed convolution as a sub-pixel convolution: its stride * stride phase kernels
/// (TDC, Chang et al., 2018) as a convolution to as many times the channels, then depth_to_space. Nothing is rounded:
/// each tap is moved, and taps that a phase does not have are 0. Checked here: the two must agree to 1e-12. Throws
/// Error(model) if there is no transposed convolution, the scale is unknown, or a border is replicated, which no
/// padding of a convolution gives.
PhaseKernels with_phase_kernels(const Network& network);

}  // namespace fsrcnn
