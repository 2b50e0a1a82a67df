#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "network/network.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {

/// A network layer by layer with nn's fast operators: for those that the fused engine cannot lower.
class FastLayers {
 public:
  /// `cpu`: one of cpu_names(). The network must outlive this.
  FastLayers(const Network& network, std::string_view cpu);

  /// As reference_network.
  Tensor<float> run(const Tensor<float>& input, ThreadPool& pool) const;

 private:
  const Network& network_;
  struct Operator {
    std::optional<Conv2d> conv = {};
    std::optional<ConvTranspose2d> conv_transpose = {};
  };
  std::vector<Operator> operators_;  // of each layer
};

}  // namespace fsrcnn
