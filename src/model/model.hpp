#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "model/state_dict.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// How the last layer makes scale x scale output pixels of each pixel.
enum class Tail {
  deconvolution,          ///< the paper's
  sub_pixel_convolution,  ///< a convolution to scale * scale channels, then depth_to_space (ESPCN; Shi et al., 2016)
};

/// A convolution (or the deconvolution) with the PReLU that follows it.
struct Layer {
  std::string name = {};            ///< the paper's: "feature extraction", "shrinking", "mapping 1", ...
  std::string key = {};             ///< of its tensors in a state_dict: "mid_part.0"
  std::string activation_key = {};  ///< of its PReLU: "mid_part.1"; empty: none follows
  Tensor<float> weight = {};        ///< (out, in, kh, kw); of a deconvolution (in, out, kh, kw)
  std::vector<float> bias = {};     ///< (out)
  std::vector<float> slope = {};    ///< PReLU: one for each channel, or one for all

  int64_t padding() const { return weight.shape().h / 2; }
  /// Multiply-adds of the direct algorithm for each pixel of the LR picture.
  int64_t multiply_adds() const { return weight.count(); }
  int64_t parameter_count() const { return weight.count() + static_cast<int64_t>(bias.size() + slope.size()); }
};

/// FSRCNN(d, s, m) of Dong, Loy and Tang (ECCV 2016) with its weights: convolutions 5x5 1->d, 1x1 d->s, m times
/// 3x3 s->s, 1x1 s->d, each with a PReLU, and a deconvolution 9x9 d->1 of stride `scale`, padding 4 and
/// output_padding scale - 1; or another tail. Input and output are luma, BT.601 limited range / 255.
struct Model {
  int64_t d = 0, s = 0, m = 0;
  int64_t scale = 0;                              ///< 2, 3, 4; 0: the file does not tell
  PaddingMode padding_mode = PaddingMode::zeros;  ///< of the convolutions; a deconvolution has none
  /// By so many pixels a deconvolution's input is replicated at its edges; beyond them are zeros. 1 in DeepC's
  /// networks, where padding_mode is replicate; 0 in all others.
  int64_t deconvolution_border = 0;
  Tail tail = Tail::deconvolution;
  std::vector<Layer> layers;  ///< in order; the last is the tail

  /// Of the deconvolution, whose input has its border already.
  ConvTranspose2dParams deconvolution_params() const {
    const int64_t padding = 4 + scale * deconvolution_border;
    return {.stride = {scale, scale}, .padding = {padding, padding}, .output_padding = {scale - 1, scale - 1}};
  }
  /// Input pixels on each side that an output pixel depends on: 2 + m + 2, or less for the larger scales.
  int64_t halo() const;
};

/// Reads d, s and m off the tensors' shapes, and checks every tensor. The names are those of yjn870/FSRCNN-pytorch,
/// with or without DataParallel's "module." in front. The scale, which a deconvolution's shape does not tell, is
/// `scale` or metadata's. Throws Error(model) naming `source` and the tensor that is missing, extra, misshapen or not
/// finite.
Model model_from_state_dict(const StateDict& state_dict, const std::string& source,
                            std::optional<int64_t> scale = std::nullopt);

/// The same for a state_dict of "last_part.*" alone: a model with d and one layer, the tail.
Model last_layer_from_state_dict(const StateDict& state_dict, const std::string& source,
                                 std::optional<int64_t> scale = std::nullopt);

/// The inverse, with the scale and the padding in the metadata.
StateDict to_state_dict(const Model& model);

/// Throws Error(model) that asks for the scale if the model does not have it.
void require_scale(const Model& model, const std::string& source);

}  // namespace fsrcnn
