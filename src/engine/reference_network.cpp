#include "engine/reference_network.hpp"

#include <algorithm>
#include <cmath>

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

template <class T>
Tensor<T> sum_of(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape().c < b.shape().c) return sum_of(b, a);
  Tensor<T> sum = a;
  const auto [n, c, h, w] = a.shape();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      const T* const other = b.plane(i, b.shape().c == 1 ? 0 : k);
      T* const to = sum.plane(i, k);
      for (int64_t j = 0; j < h * w; ++j) to[j] += other[j];
    }
  }
  return sum;
}

template <class T>
Tensor<T> convolve_reference(const Layer& layer, const Tensor<T>& input, ThreadPool& pool) {
  if (layer.op == Layer::Op::convolution) {
    return conv2d_reference(input, convert<T>(layer.weight), convert<T>(layer.bias), layer.conv, pool);
  }
  return conv_transpose2d_reference(input, convert<T>(layer.weight), convert<T>(layer.bias), layer.conv_transpose,
                                    pool);
}

template <class T, class Read>
Tensor<T> apply(const Layer& layer, size_t index, const Read& read, const Convolve<T>& convolve, ThreadPool& pool) {
  switch (layer.op) {
    case Layer::Op::convolution: return convolve(index, read(0));
    case Layer::Op::transposed_convolution: {
      const int64_t b = layer.border;
      return convolve(index, b == 0 ? read(0) : pad2d(read(0), {b, b, b, b}, PaddingMode::replicate));
    }
    case Layer::Op::depth_to_space: return depth_to_space(read(0), layer.factor);
    case Layer::Op::add: return sum_of(read(0), read(1));
    case Layer::Op::interpolate: break;
  }
  return interpolate(read(0), layer.factor, layer.interpolation, layer.cubic_coefficient, pool);
}

template <class T>
void activate(const Layer& layer, Tensor<T>& x, ThreadPool& pool) {
  switch (layer.activation) {
    case Layer::Activation::none: break;
    case Layer::Activation::relu: prelu(x, std::vector<T>{0}, pool); break;
    case Layer::Activation::prelu: prelu(x, convert<T>(layer.slope), pool); break;
    case Layer::Activation::clamp:
      for (T& value : x.values()) value = std::clamp(value, static_cast<T>(layer.low), static_cast<T>(layer.high));
      break;
    case Layer::Activation::tanh:
      for (T& value : x.values()) value = std::tanh(value);
  }
}

/// The index of the last layer that reads each layer's output; of the network's output its own.
std::vector<size_t> last_uses_of(const Network& network) {
  std::vector<size_t> last(network.layers.size());
  for (size_t i = 0; i < last.size(); ++i) {
    last[i] = i;
    for (const int from : network.layers[i].inputs) {
      if (from != kNetworkInput) last[static_cast<size_t>(from)] = i;
    }
  }
  return last;
}

}  // namespace

const char* step_name(const Layer& layer) {
  switch (layer.op) {
    case Layer::Op::convolution: return "convolution";
    case Layer::Op::transposed_convolution: return "deconvolution";
    case Layer::Op::depth_to_space: return "depth to space";
    case Layer::Op::add: return "addition";
    case Layer::Op::interpolate: break;
  }
  return "interpolation";
}

const char* activation_name(Layer::Activation activation) {
  switch (activation) {
    case Layer::Activation::none: return "none";
    case Layer::Activation::relu: return "ReLU";
    case Layer::Activation::prelu: return "PReLU";
    case Layer::Activation::clamp: return "clamp";
    case Layer::Activation::tanh: break;
  }
  return "tanh";
}

template <class T>
Tensor<T> run_network(const Network& network, const Tensor<T>& input, const Convolve<T>& convolve,
                      const FeatureMapObserver<T>& observer, ThreadPool& pool) {
  const auto observe = [&](size_t layer, const char* step, Tensor<T>& x) {
    if (observer) observer(layer, step, x);
  };
  std::vector<Tensor<T>> values(network.layers.size());
  const std::vector<size_t> last_uses = last_uses_of(network);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const auto read = [&](size_t index) -> const Tensor<T>& {
      const int from = layer.inputs[index];
      return from == kNetworkInput ? input : values[static_cast<size_t>(from)];
    };
    values[i] = apply<T>(layer, i, read, convolve, pool);
    observe(i, step_name(layer), values[i]);
    if (layer.activation != Layer::Activation::none) {
      activate(layer, values[i], pool);
      observe(i, activation_name(layer.activation), values[i]);
    }
    for (size_t j = 0; j < i; ++j) {
      if (last_uses[j] == i) values[j] = {};
    }
  }
  Tensor<T> output = std::move(values.back());
  for (T& value : output.values()) value = std::clamp(value, T{0}, T{1});
  observe(network.layers.size() - 1, "clamp", output);
  return output;
}

template <class T>
Tensor<T> reference_network(const Network& network, const Tensor<T>& input, const FeatureMapObserver<T>& observer,
                            ThreadPool& pool) {
  const auto convolve = [&](size_t layer, const Tensor<T>& x) {
    return convolve_reference<T>(network.layers[layer], x, pool);
  };
  return run_network<T>(network, input, convolve, observer, pool);
}

template <class T>
std::vector<FeatureMap<T>> reference_feature_maps(const Network& network, const Tensor<T>& input) {
  std::vector<FeatureMap<T>> maps;
  reference_network<T>(network, input, [&](size_t layer, const std::string& step, const Tensor<T>& values) {
    maps.push_back({network.layers[layer].name, step, values});
  });
  return maps;
}

template Tensor<float> run_network(const Network&, const Tensor<float>&, const Convolve<float>&,
                                   const FeatureMapObserver<float>&, ThreadPool&);
template Tensor<float> reference_network(const Network&, const Tensor<float>&, const FeatureMapObserver<float>&,
                                         ThreadPool&);
template Tensor<double> reference_network(const Network&, const Tensor<double>&, const FeatureMapObserver<double>&,
                                          ThreadPool&);
template std::vector<FeatureMap<float>> reference_feature_maps(const Network&, const Tensor<float>&);
template std::vector<FeatureMap<double>> reference_feature_maps(const Network&, const Tensor<double>&);

}  // namespace fsrcnn
