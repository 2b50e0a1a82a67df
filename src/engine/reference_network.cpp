#include "engine/reference_network.hpp"

#include <algorithm>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/depth_to_space.hpp"
#include "nn/pad2d.hpp"
#include "nn/prelu.hpp"

namespace fsrcnn {
namespace {

// Weights are float32; the float64 network computes with the same values.
template <class T>
std::vector<T> convert(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

template <class T>
Tensor<T> convert(const Tensor<float>& tensor) {
  return Tensor<T>(tensor.shape(), convert<T>(tensor.values()));
}

}  // namespace

template <class T>
Tensor<T> reference_network(const Model& model, const Tensor<T>& luma, const FeatureMapObserver<T>& observer) {
  const auto observe = [&](const Layer& layer, const char* step, Tensor<T>& values) {
    if (observer) observer(layer.name, step, values);
  };
  Tensor<T> x = luma;
  for (size_t i = 0; i + 1 < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    const int64_t p = layer.padding();
    x = conv2d_reference(x, convert<T>(layer.weight), convert<T>(layer.bias),
                         {.padding = {p, p}, .padding_mode = model.padding_mode});
    observe(layer, "convolution", x);
    prelu(x, convert<T>(layer.slope));
    observe(layer, "PReLU", x);
  }
  const Layer& last = model.layers.back();
  if (model.tail == Tail::deconvolution) {
    const int64_t b = model.deconvolution_border;
    if (b > 0) x = pad2d(x, {b, b, b, b}, PaddingMode::replicate);
    x = conv_transpose2d_reference(x, convert<T>(last.weight), convert<T>(last.bias), model.deconvolution_params());
    observe(last, "deconvolution", x);
  } else {
    const int64_t p = last.padding();
    x = conv2d_reference(x, convert<T>(last.weight), convert<T>(last.bias),
                         {.padding = {p, p}, .padding_mode = model.padding_mode});
    observe(last, "convolution", x);
    x = depth_to_space(x, model.scale);
    observe(last, "depth to space", x);
  }
  for (T& value : x.values()) value = std::clamp(value, T{0}, T{1});
  observe(last, "clamp", x);
  return x;
}

template <class T>
std::vector<FeatureMap<T>> reference_feature_maps(const Model& model, const Tensor<T>& luma) {
  std::vector<FeatureMap<T>> maps;
  reference_network<T>(model, luma, [&](const std::string& layer, const std::string& step, const Tensor<T>& values) {
    maps.push_back({layer, step, values});
  });
  return maps;
}

template Tensor<float> reference_network(const Model&, const Tensor<float>&, const FeatureMapObserver<float>&);
template Tensor<double> reference_network(const Model&, const Tensor<double>&, const FeatureMapObserver<double>&);
template std::vector<FeatureMap<float>> reference_feature_maps(const Model&, const Tensor<float>&);
template std::vector<FeatureMap<double>> reference_feature_maps(const Model&, const Tensor<double>&);

}  // namespace fsrcnn
