#include "porting/tdc.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/depth_to_space.hpp"
#include "porting/linear_system.hpp"

namespace fsrcnn {
namespace {

Tensor<double> wide(const Tensor<float>& t) { return {t.shape(), {t.values().begin(), t.values().end()}}; }
std::vector<double> wide(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// The largest difference of a transposed convolution and its phases on random features of this size.
double difference_of(const Layer& layer, const Layer& phases, int64_t height, int64_t width) {
  std::mt19937 generator(1);
  Tensor<double> x({1, layer.in_channels(), height, width});
  for (double& v : x.values()) v = static_cast<double>(generator()) * 0x1p-32;
  const Tensor<double> expected =
      conv_transpose2d_reference(x, wide(layer.weight), wide(layer.bias), layer.conv_transpose);
  const Tensor<double> got = depth_to_space(conv2d_reference(x, wide(phases.weight), wide(phases.bias), phases.conv),
                                            layer.conv_transpose.stride.h);
  double largest = expected.shape() == got.shape() ? 0 : INFINITY;
  for (int64_t i = 0; i < std::min(expected.count(), got.count()); ++i) {
    largest = std::max(largest, std::abs(expected.data()[i] - got.data()[i]));
  }
  return largest;
}

/// The convolution to stride * stride times the channels.
Layer phases_as_convolution(const Network& network, size_t index) {
  const Layer& layer = network.layers[index];
  const auto [in, out, kh, kw] = layer.weight.shape();
  const int64_t s = layer.conv_transpose.stride.h;
  const std::vector<Phase> phases = phases_of(right_port(network, index));
  int64_t half = 0;
  for (const Phase& phase : phases) {
    for (const Tap& tap : phase.taps) half = std::max({half, std::abs(tap.dy), std::abs(tap.dx)});
  }
  const int64_t size = 2 * half + 1;
  Layer result;
  result.name = "sub-pixel convolution";
  result.key = layer.key;
  result.inputs = layer.inputs;
  result.weight = Tensor<float>({out * s * s, in, size, size});
  result.conv.padding = {half, half};
  for (const float bias : layer.bias) result.bias.insert(result.bias.end(), static_cast<size_t>(s * s), bias);
  for (const Phase& phase : phases) {
    for (const Tap& tap : phase.taps) {
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t o = 0; o < out; ++o) {
          result.weight((o * s + phase.py) * s + phase.px, c, half + tap.dy, half + tap.dx) =
              layer.weight(c, o, tap.ky, tap.kx);
        }
      }
    }
  }
  return result;
}

}  // namespace

PhaseKernels with_phase_kernels(const Network& network) {
  PhaseKernels result{network, 0, 0, 0};
  std::vector<Layer>& layers = result.network.layers;
  layers.clear();
  std::vector<int> moved;  // where the layers' outputs are now
  for (size_t i = 0; i < network.layers.size(); ++i) {
    Layer layer = network.layers[i];
    for (int& from : layer.inputs) from = from == kNetworkInput ? from : moved[static_cast<size_t>(from)];
    if (layer.op == Layer::Op::transposed_convolution) {
      if (network.scale == 0) fail(ErrorCode::model, "the network's scale is unknown, and with it its phases");
      if (layer.border != 0) {
        fail(ErrorCode::model, "'{}' reads a replicated border of {}, which no padding of a convolution gives",
             layer.name, layer.border);
      }
      Layer phases = phases_as_convolution(network, i);
      phases.inputs = layer.inputs;
      result.kernels = phases.weight.shape().n;
      result.size = phases.weight.shape().h;
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{7, 6}, {16, 15}}) {
        result.difference = std::max(result.difference, difference_of(layer, phases, height, width));
      }
      Layer shuffle{.op = Layer::Op::depth_to_space,
                    .name = phases.name,
                    .activation_key = layer.activation_key,
                    .inputs = {static_cast<int>(layers.size())},
                    .factor = layer.conv_transpose.stride.h,
                    .activation = layer.activation,
                    .slope = layer.slope,
                    .low = layer.low,
                    .high = layer.high};
      layers.push_back(std::move(phases));
      layer = std::move(shuffle);
    }
    layers.push_back(std::move(layer));
    moved.push_back(static_cast<int>(layers.size()) - 1);
  }
  if (result.kernels == 0) fail(ErrorCode::model, "the network has no deconvolution to take apart");
  if (!(result.difference <= 1e-12)) {
    fail(ErrorCode::model, "the phase kernels differ from the deconvolution by {}", result.difference);
  }
  return result;
}

}  // namespace fsrcnn
