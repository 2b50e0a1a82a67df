#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/tensor.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// Where a number of a sum's window comes from.
enum class TapSource : uint8_t {
  input,    ///< a pixel of the input
  padding,  ///< outside of it: 0, or, of replicate padding and interpolations, the nearest pixel
  nothing,  ///< of a transposed convolution: no pixel of the input meets this number of the kernel
};

/// One pixel of what a layer makes, in all output channels, with all that its sums are made of. An addition has two
/// inputs, a and b; of depth to space each output is one channel of the input.
struct LayerPixel {
  Pair at = {0, 0};                ///< row and column in the layer's output
  int64_t inputs = 0, groups = 1;  ///< channels that are read, and groups of those that do not see each other
  int64_t outputs = 0;
  int64_t rows = 1, columns = 1;                           ///< of the window: the kernel's
  std::vector<TapSource> sources = {};                     ///< [rows][columns]
  std::vector<float> window = {};                          ///< [inputs][rows][columns]
  std::vector<float> weight = {};                          ///< [outputs][inputs / groups][rows][columns]
  std::vector<double> bias = {}, sums = {}, results = {};  ///< [outputs]; results after the activation
  /// The output channel that leads to the network's pixel, if no layer after this one mixes it with others.
  std::optional<int64_t> feeds = {};

  bool is_sum_of_products() const { return !weight.empty(); }
  int64_t first_input(int64_t output) const { return output / (outputs / groups) * (inputs / groups); }
  double product(int64_t output, int64_t input, int64_t tap) const;
  /// Of the products of an input channel, counted from the output's first.
  double channel_sum(int64_t output, int64_t input) const;
  /// The output channel to be shown: that one, or else the one whose result is largest.
  int64_t shown() const;
};

/// inputs: one value (1, C, H, W), of an addition two.
LayerPixel layer_pixel(const Layer& layer, const std::vector<const Tensor<float>*>& inputs, const Pair& at);

/// The channel that alone makes an output channel, of an input with `channels`: of depth to space, additions,
/// interpolations and reordering convolutions; empty if there are several.
std::optional<int64_t> channel_read(const Layer& layer, const LayerPixel& pixel, int64_t channels, int64_t output);

/// "convolution of 3x3, 12 to 56 channels, padding 1 zero, PReLU, 56 slopes"
std::string layer_text(const Layer& layer, const LayerPixel& pixel);

/// For a terminal of 80 columns: the products of the shown output channel in the form of the kernel, the sums of the
/// input channels, bias and activation, and the results of all output channels.
std::string pixel_text(const Layer& layer, const LayerPixel& pixel);

/// The same for the page.
nlohmann::json pixel_json(const Layer& layer, const LayerPixel& pixel);

}  // namespace fsrcnn
