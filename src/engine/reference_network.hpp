#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// One intermediate tensor of the network.
template <class T>
struct FeatureMap {
  std::string layer;  ///< "feature extraction", ..., "deconvolution"
  std::string step;   ///< step_name or activation_name, and "clamp" at the end
  Tensor<T> values;   ///< (N, C, H, W)
};

/// Called with each feature map once it is computed, and the index of its layer. The following layers see its changes.
template <class T>
using FeatureMapObserver = std::function<void(size_t layer, const std::string& step, Tensor<T>&)>;

/// Names of a layer's steps:  "convolution", "deconvolution", "depth to space", "addition", "interpolation"; and
/// "PReLU", "ReLU", "tanh", "clamp" of its activation.
const char* step_name(const Layer& layer);
const char* activation_name(Layer::Activation activation);

/// A convolution or transposed convolution by its index among the layers, of an input that has its border.
template <class T>
using Convolve = std::function<Tensor<T>(size_t layer, const Tensor<T>& input)>;

/// reference_network with the caller's convolutions.
template <class T>
Tensor<T> run_network(const Network& network, const Tensor<T>& input, const Convolve<T>& convolve,
                      const FeatureMapObserver<T>& observer, ThreadPool& pool);

/// The paper as code: every layer by the reference operators, in order, in T.
/// input (N, C, H, W) in [0, 1], of the network's channels -> (N, C, scale*H, scale*W), clamped to [0, 1].
/// The network must pass check_network. Throws Error(input) if the input has another number of channels.
template <class T>
Tensor<T> reference_network(const Network& network, const Tensor<T>& input,
                            const FeatureMapObserver<T>& observer = nullptr, ThreadPool& pool = default_thread_pool());

/// The same, keeping every feature map; the last is the output.
template <class T>
std::vector<FeatureMap<T>> reference_feature_maps(const Network& network, const Tensor<T>& input);

}  // namespace fsrcnn
