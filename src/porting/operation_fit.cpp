#include "porting/operation_fit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fsrcnn {
namespace {

constexpr int kSearches = 12;

}  // namespace

LayerPort with(LayerPort port, const Operation& operation) {
  port.after.push_back(operation.make);
  return port;
}

LayerFit fit_of(const PortChain& right, const Window& window, const Operation& operation) {
  const LayerPort port = with(right.ports()[operation.port], operation);
  LayerFit f{{}, {}, port, distance(PortChain(right, operation.port, port), window), &operation};
  f.change.port = operation.port;
  return f;
}

Operation solved(const PortChain& right, const Window& window, const Operation& operation) {
  const auto square = [&](double value) {
    const double rms = fit_of(right, window, operation.family(value)).left.rms;
    return rms * rms;
  };
  // The square of what is left is a parabola once the number is near.
  double at = operation.guess, left = square(at), step = 0.1 * std::abs(at);
  for (int i = 0; i < kSearches && step > 1e-8 * std::abs(at); ++i) {
    const double up = square(at + step), down = square(at - step), bend = up - 2 * left + down;
    const double bound = 3 * step;
    const double move = bend > 0    ? std::clamp(step * (down - up) / (2 * bend), -bound, bound)
                        : up < down ? step
                                    : -step;
    const double there = square(at + move);
    if (there < left) at += move, left = there;
    if (std::abs(move) < step) step = std::max(0.1 * std::abs(move), 0.01 * step);
  }
  return operation.family(at);
}

}  // namespace fsrcnn
