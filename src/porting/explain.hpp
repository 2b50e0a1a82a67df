#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "model/model.hpp"
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
/// the output, the size formula filled in; beside it the phases, with the proof that both are equal.
/// Throws Error(input) if a tensor has more than 8192 values or the parameters do not fit.
std::string explain_html(const ExplainedLayer& layer);

/// The same for a terminal, with the terms of one output pixel.
std::string explain_text(const ExplainedLayer& layer);

/// The page of a network on a picture: every feature map (of its middle, up to 64 pixels a side), and its deconvolution
/// on a few pixels of that. The model must have a scale and a deconvolution.
std::string explain_html(const Model& model, const Tensor<float>& luma, const std::string& name);
std::string explain_text(const Model& model, const Tensor<float>& luma, const std::string& name);

}  // namespace fsrcnn
