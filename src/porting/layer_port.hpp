#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/tensor.hpp"
#include "model/model.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

using TensorOp = std::function<Tensor<float>(const Tensor<float>&)>;

/// A layer of the network as somebody's port may compute it: all that can be got wrong, right at first.
struct LayerPort {
  enum class Activation { prelu, relu, none };

  std::string name;
  bool is_tail = false, is_deconvolution = false;
  Tensor<float> weight;
  std::vector<float> bias, slope;
  int64_t scale = 0;
  PaddingMode padding_mode = PaddingMode::zeros;
  int64_t border = 0;  ///< pixels around a deconvolution's input that are its edge; beyond are zeros

  std::shared_ptr<const Tensor<float>> other_input = nullptr;  ///< read instead of the one that should be
  std::vector<TensorOp> before, after;                         ///< what is done to the input and the output
  bool pads = true;     ///< false: no padding; of a deconvolution: no output_padding
  Pair shift = {0, 0};  ///< the output is cut this many pixels further down and right
  bool activation_before_bias = false;
  Activation activation = Activation::prelu;
  bool clamps = true;     ///< of a tail
  bool convolves = true;  ///< false: the input is this layer's before its activation
  bool activates = true;  ///< false: up to the convolution (of a tail: without the clamp)
};

/// The layer done right. The model must have a scale.
LayerPort right_port(const Model& model, size_t layer);

/// (1, C, H, W) -> the layer's output, in float32 by the fast operators. Throws Error(input) if shapes do not fit.
Tensor<float> compute(const LayerPort& port, const Tensor<float>& input);

}  // namespace fsrcnn
