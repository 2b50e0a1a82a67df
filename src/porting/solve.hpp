#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Parameters of a layer that turn its input into the output that was found, by least squares.
struct Solution {
  bool explains = false;
  std::vector<std::pair<int64_t, int64_t>> kernels;  ///< first two axes of the weight: kernels that are others
  std::vector<int64_t> biases;                       ///< output channels whose bias is another
  int64_t kernel_count = 0;                          ///< of the layer
  LayerPort port;                                    ///< with the solved parameters
  int64_t equations = 0, unknowns = 0;               ///< of the largest system that was solved, or would have to be
  bool lacks_equations = false;                      ///< the input is too small to tell all unknowns
};

/// Solves for kernels and biases. First as few kernels as possible are taken to be others (one stale file among many
/// needs little data), then all. Values that the clamp or a slope of zero hides are left out.
Solution solve_kernels(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output,
                       double tolerance);

/// The one kernel whose change explains most of the difference, and what is left with the best and the second best.
struct Likeliest {
  std::pair<int64_t, int64_t> kernel;
  double rms = 0, second_rms = 0;
  double equations = 0, unknowns = 0;
};

/// For an output too coarse to solve for kernels. Empty: the largest difference of a channel is not of a kernel's.
std::optional<Likeliest> likeliest_kernel(const LayerPort& port, const Tensor<float>& input,
                                          const Tensor<float>& output);

/// A kernel that was solved for, and the one of the files that it is; by the first two axes of the weight.
struct Misplaced {
  std::pair<int64_t, int64_t> wanted, holder;
};
std::vector<Misplaced> misplaced_kernels(const LayerPort& port, const Solution& solution);

}  // namespace fsrcnn
