#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/plane.hpp"
#include "base/tensor.hpp"
#include "network/quantisation.hpp"
#include "nn/interpolate.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// Marks the network's input, instead of a layer's output, as a layer's input.
inline constexpr int kNetworkInput = -1;

/// One operator of a network, as PyTorch defines it, with the activation that follows it.
struct Layer {
  enum class Op {
    convolution,             ///< torch.nn.Conv2d; it keeps the size
    transposed_convolution,  ///< torch.nn.ConvTranspose2d; its output is `stride` times as large
    depth_to_space,          ///< torch.nn.PixelShuffle(factor)
    add,                     ///< the sum of two values; one with a single channel is added to all channels of the other
    interpolate,             ///< torch.nn.functional.interpolate to `factor` times the size
  };
  enum class Activation { none, relu, prelu, clamp, tanh };

  Op op = Op::convolution;
  std::string name = {};            ///< for people: "feature extraction", "shrinking", "mapping 1", "convolution 3"
  std::string key = {};             ///< of its tensors in a state_dict: "mid_part.0"
  std::string activation_key = {};  ///< of its PReLU's: "mid_part.1"
  std::vector<int> inputs = {};     ///< indices of layers before this one, or kNetworkInput: one, of `add` two

  Tensor<float> weight = {};                  ///< (out, in/groups, kh, kw); transposed: (in, out/groups, kh, kw)
  std::vector<float> bias = {};               ///< (out), or empty
  Conv2dParams conv = {};                     ///< of a convolution, padding and its mode among them
  ConvTranspose2dParams conv_transpose = {};  ///< of a transposed convolution
  /// Pixels by which a transposed convolution's input is first replicated at its edges; beyond them are zeros.
  /// conv_transpose.padding includes it. 1 in DeepC's networks, 0 in all other known ones.
  int64_t border = 0;
  int64_t factor = 1;  ///< of depth_to_space and interpolate
  Interpolation interpolation = Interpolation::nearest;
  float cubic_coefficient = -0.75F;  ///< of bicubic interpolation: PyTorch's and ONNX's

  Activation activation = Activation::none;
  std::vector<float> slope = {};  ///< PReLU: one for each channel, or one for all
  float low = 0, high = 1;        ///< clamp

  // Scales and zero points of integer models; weights are floats here. They do not change results and are not part of
  // canonical_bytes.
  std::optional<Quantisation> quantisation = {};  ///< of the layer's output
  std::optional<Quantisation> before_activation =
      {};                                  ///< of the sums before the activation, if they are quantised, too
  std::vector<double> weight_scales = {};  ///< weights are multiples of these: one per output channel, or one for all

  bool has_weight() const { return op == Op::convolution || op == Op::transposed_convolution; }
  /// Input and output channels of a layer with a weight.
  int64_t in_channels() const;
  int64_t out_channels() const;
  int64_t parameter_count() const { return weight.count() + static_cast<int64_t>(bias.size() + slope.size()); }
};

/// Input and output of a network: one plane, or three.
enum class Colours { luma, rgb };
/// Meaning of 0 and 1: BT.601 limited range / 255 (16/255 is black), or black and white.
enum class ValueRange { limited, full };

/// Bounds; infinite where there are none.
struct OutputClip {
  float low, high;
  bool operator==(const OutputClip&) const = default;
};

/// A network as data: operators in the order in which they run. The last one's output, clamped to [0, 1], is the
/// network's: `scale` times as wide and high as the input, with as many channels.
struct Network {
  std::string family = {};  ///< "FSRCNN(56, 12, 4)", "SRVGGNetCompact(64, 16)", ...; empty: unknown
  int64_t scale = 0;        ///< 0: unknown; transposed convolutions have stride 0 until set_scale
  Colours colours = Colours::luma;
  ValueRange range = ValueRange::limited;
  std::vector<Layer> layers = {};
  std::optional<Quantisation> input_quantisation = {};
  /// A ReLU or clamp at the end of the file that the network was read from, which has no effect on values that are
  /// clamped to [0, 1] anyway. For writers: others that run their files do not clamp. Not part of canonical_bytes.
  std::optional<OutputClip> output_clip = {};
  std::vector<std::string> notes = {};  ///< messages: what a reader had to assume

  int64_t channels() const { return colours == Colours::luma ? 1 : 3; }
  /// Input pixels on each side that an output pixel depends on.
  int64_t halo() const;
  /// Multiply-adds of the direct algorithm for each pixel of the LR picture.
  int64_t multiply_adds() const;
  int64_t parameter_count() const;
};

/// Output of a layer: `channels` planes of `scale` times the input's width and height.
struct ValueShape {
  int64_t channels, scale;
};

/// The value of each layer of a network that passes check_network.
std::vector<ValueShape> value_shapes(const Network& network);

/// Throws Error(model) naming `source` and the layer if layers do not match, if one changes the size in an unsupported
/// way, if a weight is not finite, or if the output is not `scale` times the input. The scale may be unknown.
void check_network(const Network& network, const std::string& source);

/// How samples are converted to the network's input, and its output to samples.
Levels levels_of(const Network& network);

/// All bytes that affect the output, and no others (no names). Hashed, they identify a network.
std::vector<std::byte> canonical_bytes(const Network& network);

}  // namespace fsrcnn
