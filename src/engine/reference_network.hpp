#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// One tensor on the way through the network.
template <class T>
struct FeatureMap {
  std::string layer;  ///< "feature extraction", ..., "deconvolution"
  std::string step;   ///< "convolution", "PReLU", "deconvolution", "depth to space" or "clamp"
  Tensor<T> values;   ///< (N, C, H, W)
};

/// Called with each feature map as soon as it is there. What it changes, the following layers see.
template <class T>
using FeatureMapObserver = std::function<void(const std::string& layer, const std::string& step, Tensor<T>&)>;

/// The paper in code: every layer by the reference operators, one after the other, in T, on all cores.
/// luma (N, 1, H, W) in [0, 1] -> (N, 1, scale*H, scale*W), clamped to [0, 1].
/// The model must have a scale. Throws Error(input) if luma has another number of channels than one.
template <class T>
Tensor<T> reference_network(const Model& model, const Tensor<T>& luma, const FeatureMapObserver<T>& observer = nullptr);

/// The same, keeping every feature map; the last is the output.
template <class T>
std::vector<FeatureMap<T>> reference_feature_maps(const Model& model, const Tensor<T>& luma);

}  // namespace fsrcnn
