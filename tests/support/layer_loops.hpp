#pragma once

#include <cstdint>
#include <functional>

#include "base/tensor.hpp"
#include "network/network.hpp"

namespace fsrcnn::test {

/// One layer as a newcomer writes it: plain loops in double, sharing no code with the library. Each of its steps can be
/// replaced by a wrong one.
struct LayerLoops {
  LayerLoops(const Network& network, size_t index);

  /// What the loops read at (y, x) of channel c, to make the output near (near_y, near_x) of the input: beyond the
  /// picture 0.
  using Read = std::function<double(const Tensor<float>& input, int64_t c, int64_t y, int64_t x, int64_t near_y,
                                    int64_t near_x)>;
  Read read;
  std::function<double(int64_t out, int64_t in, int64_t ky, int64_t kx)> weight;  ///< of the correlation
  std::function<double(int64_t out)> bias;
  std::function<double(double sum, int64_t out)> activate;  ///< of the last layer the clamp
  /// What is written of the activated value.
  std::function<double(double value, int64_t out, int64_t y, int64_t x)> write;

  Tensor<float> run(const Tensor<float>& input) const;

  int64_t inputs = 0, outputs = 0, kernel = 0, scale = 1;
};

}  // namespace fsrcnn::test
