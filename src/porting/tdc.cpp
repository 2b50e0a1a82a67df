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

}  // namespace

double tail_difference(const Model& deconvolution, const Model& phases, int64_t height, int64_t width) {
  std::mt19937 generator(1);
  Tensor<double> x({1, deconvolution.d, height, width});
  for (double& v : x.values()) v = static_cast<double>(generator()) * 0x1p-32;
  const Layer &a = deconvolution.layers.back(), &b = phases.layers.back();
  const Tensor<double> expected = conv_transpose2d_reference(
      x, wide(a.weight), std::vector<double>(a.bias.begin(), a.bias.end()), deconvolution.deconvolution_params());
  const int64_t p = b.padding();
  const Tensor<double> got = depth_to_space(
      conv2d_reference(x, wide(b.weight), std::vector<double>(b.bias.begin(), b.bias.end()), {.padding = {p, p}}),
      phases.scale);
  double largest = expected.shape() == got.shape() ? 0 : INFINITY;
  for (int64_t i = 0; i < std::min(expected.count(), got.count()); ++i) {
    largest = std::max(largest, std::abs(expected.data()[i] - got.data()[i]));
  }
  return largest;
}

Model with_phase_kernels(const Model& model) {
  if (model.tail != Tail::deconvolution) fail(ErrorCode::model, "the network has no deconvolution to take apart");
  require_scale(model, "the model");
  if (model.padding_mode != PaddingMode::zeros) {
    fail(ErrorCode::model,
         "the network pads by replication; its deconvolution does not, but a sub-pixel convolution would");
  }
  const Layer& last = model.layers.back();
  const auto [d, one, k, k2] = last.weight.shape();
  const int64_t s = model.scale;
  const std::vector<Phase> phases = phases_of(right_port(model, model.layers.size() - 1));
  int64_t half = 0;
  for (const Phase& phase : phases) {
    for (const Tap& tap : phase.taps) half = std::max({half, std::abs(tap.dy), std::abs(tap.dx)});
  }
  const int64_t size = 2 * half + 1;
  Model result = model;
  result.tail = Tail::sub_pixel_convolution;
  Layer& tail = result.layers.back();
  tail.name = "sub-pixel convolution";
  tail.weight = Tensor<float>({s * s, d, size, size});
  tail.bias.assign(s * s, last.bias[0]);
  for (const Phase& phase : phases) {
    for (const Tap& tap : phase.taps) {
      for (int64_t c = 0; c < d; ++c) {
        tail.weight(phase.py * s + phase.px, c, half + tap.dy, half + tap.dx) = last.weight(c, 0, tap.ky, tap.kx);
      }
    }
  }
  const double difference = tail_difference(model, result, 7, 6);
  if (!(difference <= 1e-12)) {
    fail(ErrorCode::model, "the phase kernels differ from the deconvolution by {}", difference);
  }
  return result;
}

}  // namespace fsrcnn
