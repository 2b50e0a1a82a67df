#include "engine/fast_layers.hpp"

#include "engine/reference_network.hpp"

namespace fsrcnn {

FastLayers::FastLayers(const Network& network, std::string_view cpu) : network_(network) {
  for (const Layer& layer : network.layers) {
    Operator& op = operators_.emplace_back();
    if (layer.op == Layer::Op::convolution) op.conv.emplace(layer.weight, layer.bias, layer.conv, cpu);
    if (layer.op == Layer::Op::transposed_convolution) {
      op.conv_transpose.emplace(layer.weight, layer.bias, layer.conv_transpose, cpu);
    }
  }
}

Tensor<float> FastLayers::run(const Tensor<float>& input, ThreadPool& pool) const {
  const auto convolve = [&](size_t layer, const Tensor<float>& x) {
    const Operator& op = operators_[layer];
    return op.conv ? (*op.conv)(x, pool) : (*op.conv_transpose)(x, pool);
  };
  return run_network<float>(network_, input, convolve, nullptr, pool);
}

}  // namespace fsrcnn
