#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// A transposed convolution to be shown: small, float64, without groups.
struct ExplainedLayer {
  Tensor<double> input;   ///< (1, C, H, W)
  Tensor<double> weight;  ///< (C, O, kh, kw)
  std::vector<double> bias = {};
  ConvTranspose2dParams params = {};
};

/// The slides' own example: ConvTranspose2d(1, 1, 3, stride 2, padding 1, output_padding 1) of a 3x3 input.
ExplainedLayer slides_example();

/// One HTML page, with nothing from elsewhere: input, zeros inserted, padded, kernel turned, the window moving over it,
/// the output, the size formula filled in; beside it the phases, with the proof that both are equal. It begins with the
/// output pixel `at` (row, column); without it, with (1, 1). Throws Error(input) if a tensor has more than 8192 values
/// or the parameters do not fit, Error(usage) if there is no such pixel.
std::string explain_html(const ExplainedLayer& layer, const std::optional<Pair>& at = {});

/// The same for a terminal, with the products of that output pixel.
std::string explain_text(const ExplainedLayer& layer, const std::optional<Pair>& at = {});

/// The page of a network on a picture (1, channels, H, W): for every layer its feature maps (64 rows and columns of
/// them, or as many as the pixel depends on) and the sums behind one pixel; `at` is its row and column in the network's
/// output, without it the middle. If there is a transposed convolution, the last one is shown on a few pixels, too, as
/// above. The network must have a scale. Throws Error(usage) if there is no such pixel.
std::string explain_html(const Network& network, const Tensor<float>& input, const std::string& name,
                         const std::optional<Pair>& at = {});
std::string explain_text(const Network& network, const Tensor<float>& input, const std::string& name,
                         const std::optional<Pair>& at = {});

}  // namespace fsrcnn
