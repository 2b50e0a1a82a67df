#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/state_dict.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// A convolution of a graph, with what follows it up to the next one.
struct ChainLayer {
  std::string name;    ///< the graph's, for messages
  NamedTensor weight;  ///< (out, in, kh, kw); of a transposed convolution (in, out, kh, kw)
  bool transposed = false;
  std::vector<float> bias = {};   ///< empty: none
  std::vector<float> slope = {};  ///< empty: no activation
};

/// What a graph of layers says, one after the other, whatever the framework.
struct LayerChain {
  std::vector<ChainLayer> layers;
  int64_t scale = 0;  ///< of the deconvolution's stride or of depth to space; 0: there is neither
  PaddingMode padding_mode = PaddingMode::zeros;
  int64_t deconvolution_border = 0;  ///< as Model's
};

/// The chain with the names of yjn870's state_dict. A missing bias is 0; a missing activation is a PReLU of slope 1.
/// Throws Error(model) if it is too short to be an FSRCNN.
StateDict to_state_dict(const LayerChain& chain, const std::string& source);

}  // namespace fsrcnn
