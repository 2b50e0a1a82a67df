#include "network/describe.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

std::string pair_text(const Pair& pair) {
  return pair.h == pair.w ? std::to_string(pair.h) : fmt::format("({}, {})", pair.h, pair.w);
}

}  // namespace

std::string family_of(const Network& network) { return network.family.empty() ? "unknown network" : network.family; }

std::string channels_text(const Network& network) {
  return network.colours == Colours::luma ? "luma" : "3 channels in: RGB";
}

std::string operator_text(const Layer& layer) {
  const auto with = [](std::string text, const Pair& dilation, int64_t groups) {
    if (dilation != Pair{1, 1}) text += fmt::format(", dilation {}", pair_text(dilation));
    if (groups != 1) text += fmt::format(", {} groups", groups);
    return text;
  };
  switch (layer.op) {
    case Layer::Op::convolution: return with("convolution", layer.conv.dilation, layer.conv.groups);
    case Layer::Op::transposed_convolution: {
      const ConvTranspose2dParams& p = layer.conv_transpose;
      // 0: the file does not tell the scale.
      return with(p.stride.h == 0 ? "transposed convolution"
                                  : fmt::format("transposed convolution, stride {}", pair_text(p.stride)),
                  p.dilation, p.groups);
    }
    case Layer::Op::depth_to_space: return fmt::format("depth to space by {}", layer.factor);
    case Layer::Op::add: return "addition";
    case Layer::Op::interpolate: break;
  }
  const char* mode = layer.interpolation == Interpolation::nearest    ? "nearest"
                     : layer.interpolation == Interpolation::bilinear ? "bilinear"
                                                                      : "bicubic";
  std::string text = fmt::format("{} interpolation by {}", mode, layer.factor);
  if (layer.interpolation == Interpolation::bicubic && layer.cubic_coefficient != -0.75F) {
    text += fmt::format(", a = {}", layer.cubic_coefficient);
  }
  return text;
}

std::string inputs_text(const Network& network, size_t layer) {
  const std::vector<int>& inputs = network.layers[layer].inputs;
  if (inputs.size() == 1 && inputs[0] == static_cast<int>(layer) - 1) return "";
  std::string text;
  for (const int from : inputs) {
    text += text.empty() ? "" : ", ";
    text += from == kNetworkInput ? "input" : std::to_string(from + 1);
  }
  return text;
}

std::string padding_text(const Layer& layer) {
  if (layer.op == Layer::Op::convolution) {
    if (layer.conv.padding == Pair{0, 0}) return "";
    return pair_text(layer.conv.padding) + (layer.conv.padding_mode == PaddingMode::zeros ? " zero" : " replicate");
  }
  if (layer.op != Layer::Op::transposed_convolution) return "";
  const Pair padding = layer.conv_transpose.padding, stride = layer.conv_transpose.stride;
  std::string text = pair_text({padding.h - layer.border * stride.h, padding.w - layer.border * stride.w});
  if (layer.border > 0) text += fmt::format(", border {}", layer.border);
  return text;
}

std::string activation_text(const Layer& layer) {
  switch (layer.activation) {
    case Layer::Activation::none: return "";
    case Layer::Activation::relu: return "ReLU";
    case Layer::Activation::prelu:
      return layer.slope.size() == 1 ? "PReLU, one slope" : fmt::format("PReLU, {} slopes", layer.slope.size());
    case Layer::Activation::clamp: return fmt::format("clamp {:g} to {:g}", layer.low, layer.high);
    case Layer::Activation::tanh: break;
  }
  return "tanh";
}

std::string quantisation_text(const Layer& layer) {
  std::string text = layer.quantisation ? to_string(*layer.quantisation) : "";
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (layer.before_activation) add("before the activation " + to_string(*layer.before_activation));
  if (layer.weight_scales.size() == 1) add(fmt::format("weights {:.6g}", layer.weight_scales[0]));
  if (layer.weight_scales.size() > 1) {
    const auto [least, most] = std::minmax_element(layer.weight_scales.begin(), layer.weight_scales.end());
    add(fmt::format("weights {:.6g} to {:.6g}", *least, *most));
  }
  return text;
}

}  // namespace fsrcnn
