#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "nn/params.hpp"
#include "porting/border.hpp"

namespace fsrcnn {

using TensorOp = std::function<Tensor<float>(const Tensor<float>&)>;
struct LayerPort;

/// A picture computed in parts, each of which sees no more than `halo` pixels of its neighbours.
struct Tiles {
  int64_t height = 0, width = 0;  ///< of a tile of the input; 0: all rows (columns)
  int64_t halo = 0;
  PaddingMode seam = PaddingMode::zeros;  ///< what is read beyond the halo
};

/// The depth to space by which alone a convolution without activation is read: both are looked at as one layer. Empty:
/// there is none.
std::optional<size_t> depth_to_space_after(const Network& network, size_t layer);

/// A layer of the network as somebody's port may compute it: all that can be got wrong, right at first.
struct LayerPort {
  std::string name;
  size_t layer = 0;          ///< its index; of a convolution with depth to space the convolution's
  bool reads_input = false;  ///< the network's: a picture
  bool is_last = false;      ///< its output is the network's, and is clamped
  bool is_transposed = false;
  Tensor<float> weight;
  std::vector<float> bias, slope;
  int64_t factor = 1;  ///< how many times as wide and high the output is
  int64_t groups = 1;  ///< of a convolution
  Pair padding = {0, 0}, dilation = {1, 1}, output_padding = {0, 0};
  PaddingMode padding_mode = PaddingMode::zeros;
  int64_t border = 0;           ///< pixels around a transposed convolution's input that are its edge; beyond are zeros
  TensorOp fixed = nullptr;     ///< of a layer without a weight: what it does instead of convolving
  bool fixed_shuffles = false;  ///< it is depth to space

  std::shared_ptr<const Tensor<float>> other_input = nullptr;  ///< read instead of the one that should be
  std::vector<TensorOp> before, after;                         ///< what is done to the input and the output
  std::vector<TensorOp> before_bias, between;                  ///< to the sums of products, and to what is activated
  std::optional<Border> beyond;                                ///< instead of padding_mode
  std::optional<Tiles> tiles;
  /// Instead of the convolution, without its bias.
  std::function<Tensor<float>(const LayerPort&, const Tensor<float>&)> convolve = nullptr;
  std::vector<float> positive_slope;  ///< by which values above 0 are multiplied; empty: 1
  bool pads = true;                   ///< false: no padding; of a transposed convolution: no output_padding
  Pair shift = {0, 0};                ///< the output is cut this many pixels further down and right
  bool activation_before_bias = false;
  Layer::Activation activation = Layer::Activation::none;
  float low = 0, high = 1;  ///< of the activation, if it clamps
  bool clamps = true;       ///< of the last
  bool convolves = true;    ///< false: the input is this layer's before its activation
  bool activates = true;    ///< false: up to the convolution (of the last: without the clamp)

  bool has_weight() const { return weight.count() > 0; }
  /// Channels that a layer with a weight reads, and that it makes before depth to space.
  int64_t in_channels() const { return is_transposed ? weight.shape().n : weight.shape().c * groups; }
  int64_t out_channels() const { return is_transposed ? weight.shape().c : weight.shape().n; }
  /// Of each output channel the kernels are those of this many inputs.
  int64_t kernels_each() const { return is_transposed ? weight.shape().n : weight.shape().c; }
  bool shuffles() const { return has_weight() && !is_transposed && factor > 1; }
  /// Whether the activation is a ReLU or PReLU.
  bool bends() const { return activation == Layer::Activation::prelu || activation == Layer::Activation::relu; }
  /// For an output channel, of a ReLU or PReLU.
  float slope_of(int64_t channel) const {
    if (activation != Layer::Activation::prelu) return activation == Layer::Activation::relu ? 0.0F : 1.0F;
    return slope[slope.size() == 1 ? 0 : static_cast<size_t>(channel)];
  }
};

/// The layer done right. The network must have a scale. Of an addition it is what comes after the sum.
LayerPort right_port(const Network& network, size_t layer);

/// A convolution as large as its input, of more than one tap, without dilation or depth to space.
bool is_plain_convolution(const LayerPort& port);

/// How many of its input's pixels a layer looks at on each side.
int64_t reach_of(const LayerPort& port);

/// (1, C, H, W) -> the layer's output, in float32 by the fast operators. Throws Error(input) if shapes do not fit.
Tensor<float> compute(const LayerPort& port, const Tensor<float>& input);

/// Its convolution alone: without bias, activation and depth to space.
Tensor<float> convolved(const LayerPort& port, const Tensor<float>& input);

/// What Layer::Op::add makes: one channel is added to all of the other.
Tensor<float> sum_of(const Tensor<float>& a, const Tensor<float>& b);

}  // namespace fsrcnn
