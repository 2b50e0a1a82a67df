#include "porting/chain_input.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fsrcnn {
namespace {

constexpr int kSteps = 10;            // of Gauss and Newton's
constexpr int kFirstIterations = 25;  // of conjugate gradients in the first of them, and in the others
constexpr int kIterations = 60;
/// The RMS that is left after a step, of what was there at first, beyond which it is given up.
constexpr double kHopeless[] = {0.75, 0.45, 0.25, 0.12};  // NOLINT(*-c-arrays)
constexpr double kSolved = 1e-6;                          // of the squared gradient

double dot(const Tensor<float>& a, const Tensor<float>& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.count(); ++i) sum += static_cast<double>(a.data()[i]) * b.data()[i];
  return sum;
}

/// a + factor * b
void add(Tensor<float>& a, double factor, const Tensor<float>& b) {
  for (int64_t i = 0; i < a.count(); ++i) a.data()[i] += static_cast<float>(factor * b.data()[i]);
}

void hide_unknown(Tensor<float>& t, const Window& window) {
  for (int64_t i = 0; i < t.count(); ++i) {
    if (window.known[static_cast<size_t>(i)] == 0) t.data()[i] = 0;
  }
}

/// The change of the input by which the residual is smallest, by conjugate gradients.
Tensor<float> step_of(const PortChain& chain, const Window& window, Tensor<float> left, int iterations) {
  Tensor<float> change(window.input.shape());
  Tensor<float> gradient = chain.gradient_by_input(left), direction = gradient;
  double norm = dot(gradient, gradient);
  const double enough = kSolved * norm;
  for (int i = 0; i < iterations && norm > enough; ++i) {
    Tensor<float> moved = chain.tangent(direction);
    hide_unknown(moved, window);
    const double length = norm / std::max(dot(moved, moved), 1e-30);
    add(change, length, direction);
    add(left, -length, moved);
    gradient = chain.gradient_by_input(left);
    const double next = dot(gradient, gradient);
    Tensor<float> turned = gradient;
    add(turned, next / norm, direction);
    direction = std::move(turned);
    norm = next;
  }
  return change;
}

}  // namespace

std::optional<Tensor<float>> solve_chain_input(const std::vector<LayerPort>& ports, const Window& window,
                                               double enough) {
  Tensor<float> input = window.input;
  PortChain chain(ports, input);
  Distance now = distance(chain, window);
  const double before = now.rms;
  for (int step = 0; step < kSteps && now.largest > enough; ++step) {
    Tensor<float> left = window.found;
    add(left, -1, chain.output());
    hide_unknown(left, window);
    const Tensor<float> change = step_of(chain, window, std::move(left), step == 0 ? kFirstIterations : kIterations);
    bool better = false;
    for (const double length : {1.0, 0.5, 0.2}) {
      Tensor<float> next = input;
      add(next, length, change);
      PortChain there(ports, next);
      const Distance d = distance(there, window);
      if (!(d.rms < now.rms)) continue;
      better = d.rms < 0.95 * now.rms;
      now = d;
      input = std::move(next);
      chain = std::move(there);
      break;
    }
    const double hopeless = kHopeless[std::min<size_t>(static_cast<size_t>(step), std::size(kHopeless) - 1)];
    if (now.largest > enough && (!better || now.rms > hopeless * before)) return std::nullopt;
  }
  if (now.largest > enough) return std::nullopt;
  return input;
}

}  // namespace fsrcnn
