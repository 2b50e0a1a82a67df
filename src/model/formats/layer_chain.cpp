#include "model/formats/layer_chain.hpp"

#include "base/error.hpp"

namespace fsrcnn {

StateDict to_state_dict(const LayerChain& chain, const std::string& source) {
  const size_t count = chain.layers.size();
  if (count < 4) {
    fail(ErrorCode::model, "{}: its graph has {} convolutions in a row, but an FSRCNN has at least 4", source, count);
  }
  StateDict state_dict;
  for (size_t i = 0; i < count; ++i) {
    const ChainLayer& layer = chain.layers[i];
    const bool tail = i + 1 == count;
    if (layer.weight.shape.size() != 4) {
      fail(ErrorCode::model, "{}: the weight of '{}' has shape {}, but four axes are expected", source, layer.name,
           to_string(layer.weight.shape));
    }
    if (layer.transposed && !tail) {
      fail(ErrorCode::model, "{}: '{}' is a transposed convolution, which only the last layer can be", source,
           layer.name);
    }
    const auto outputs = static_cast<size_t>(layer.weight.shape[layer.transposed ? 1 : 0]);
    const std::string key = i == 0 ? "first_part.0" : tail ? "last_part" : fmt::format("mid_part.{}", 2 * i - 2);
    NamedTensor weight = layer.weight, bias{key + ".bias", {static_cast<int64_t>(outputs)}, layer.bias};
    weight.name = key + ".weight";
    if (bias.values.empty()) bias.values.assign(outputs, 0);
    if (bias.values.size() == 1) bias.values.assign(outputs, bias.values[0]);
    if (bias.values.size() != outputs) {
      fail(ErrorCode::model, "{}: '{}' has {} outputs, but {} biases", source, layer.name, outputs, layer.bias.size());
    }
    state_dict.tensors.push_back(std::move(weight));
    state_dict.tensors.push_back(std::move(bias));
    if (tail) {
      if (!layer.slope.empty()) {
        fail(ErrorCode::model, "{}: an activation follows the last layer '{}', which no FSRCNN has", source,
             layer.name);
      }
      continue;
    }
    NamedTensor slope{i == 0 ? "first_part.1.weight" : fmt::format("mid_part.{}.weight", 2 * i - 1), {}, layer.slope};
    if (slope.values.empty()) slope.values = {1};
    slope.shape = {static_cast<int64_t>(slope.values.size())};
    state_dict.tensors.push_back(std::move(slope));
  }
  if (chain.scale != 0) state_dict.metadata["scale"] = std::to_string(chain.scale);
  if (chain.padding_mode == PaddingMode::replicate) state_dict.metadata["padding_mode"] = "replicate";
  if (chain.deconvolution_border != 0) {
    state_dict.metadata["deconvolution_border"] = std::to_string(chain.deconvolution_border);
  }
  return state_dict;
}

}  // namespace fsrcnn
