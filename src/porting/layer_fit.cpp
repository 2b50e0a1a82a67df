#include "porting/layer_fit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kFewestRows = 64;
constexpr int64_t kRowsEach = 4;      // equations for each coefficient
constexpr Eigen::Index kFew = 2;      // coefficients by which one differentiates forwards
constexpr double kDifference = 0.01;  // of what they are, for that
constexpr double kStalled = 0.9;      // as little better as that, several times over, is the end
constexpr int kMostStalls = 2;

/// A step of Gauss and Newton's, by all outputs.
VectorXd forward_step(const PortChain& right, const PortChain& at, const Window& window, const LayerFit& from) {
  Eigen::MatrixXf columns(window.known_count, from.change.size());
  Eigen::VectorXf residual(window.known_count);
  const auto each_known = [&](auto&& take) {
    Eigen::Index row = 0;
    for (int64_t i = 0; i < window.found.count(); ++i) {
      if (window.known[i] != 0) take(row++, i);
    }
  };
  each_known([&](Eigen::Index row, int64_t i) { residual[row] = window.found.data()[i] - at.output().data()[i]; });
  for (Eigen::Index k = 0; k < from.change.size(); ++k) {
    VectorXd moved = from.coefficients;
    const double by = kDifference * (std::abs(moved[k]) + kDifference);
    moved[k] += by;
    const PortChain other(right, from.change.port, changed(right.ports()[from.change.port], from.change, moved));
    each_known([&](Eigen::Index row, int64_t i) {
      columns(row, k) = (other.output().data()[i] - at.output().data()[i]) / static_cast<float>(by);
    });
  }
  return least_squares(columns, residual);
}

VectorXd backward_step(const PortChain& at, const Window& window, const LayerFit& from, uint32_t seed) {
  const Change& change = from.change;
  const Samples samples(at, window, change.port, std::max(kFewestRows, kRowsEach * change.size()), seed);
  return least_squares(columns_of(change, samples.by_parameters(change.port)), samples.residual());
}

}  // namespace

VectorXd least_squares(const Eigen::MatrixXf& columns, const Eigen::VectorXf& residual) {
  const MatrixXd a = columns.cast<double>();
  MatrixXd gram = MatrixXd::Zero(a.cols(), a.cols());
  gram.selfadjointView<Eigen::Lower>().rankUpdate(a.transpose());
  // Columns of other sizes (weights beside biases) count alike.
  const VectorXd scale =
      gram.diagonal().cwiseMax(1e-30 + 1e-12 * gram.diagonal().maxCoeff()).cwiseSqrt().cwiseInverse();
  gram = (scale.asDiagonal() * gram * scale.asDiagonal()).eval();
  gram.diagonal().array() += 1e-9;
  const VectorXd right = scale.asDiagonal() * (a.transpose() * residual.cast<double>());
  return scale.asDiagonal() * gram.selfadjointView<Eigen::Lower>().ldlt().solve(right);
}

LayerFit fit_at(const PortChain& right, const Window& window, const Change& change, VectorXd coefficients) {
  LayerFit fit{change, std::move(coefficients), {}, {}, nullptr};
  fit.port = changed(right.ports()[change.port], change, fit.coefficients);
  fit.left = distance(PortChain(right, change.port, fit.port), window);
  return fit;
}

LayerFit towards(const PortChain& right, const Window& window, const LayerFit& from, const VectorXd& by) {
  LayerFit best = from;
  for (const double length : {1.0, 0.4, 0.1}) {
    LayerFit next = fit_at(right, window, from.change, from.coefficients + length * by);
    if (next.left.rms < best.left.rms) best = std::move(next);
    if (best.left.rms < 0.7 * from.left.rms) break;
  }
  return best;
}

LayerFit improved(const PortChain& right, const Window& window, LayerFit from, double enough, int steps) {
  int stalls = 0;
  for (int step = 0; step < steps && stalls < kMostStalls; ++step) {
    if (from.left.largest <= enough / 4) break;
    const bool was_enough = from.left.largest <= enough;
    const PortChain at(right, from.change.port, from.port);
    const VectorXd by = from.change.size() <= kFew ? forward_step(right, at, window, from)
                                                   : backward_step(at, window, from, static_cast<uint32_t>(step));
    LayerFit next = towards(right, window, from, by);
    if (was_enough || !(next.left.rms < from.left.rms)) {
      if (next.left.rms < from.left.rms) from = std::move(next);
      break;
    }
    stalls = next.left.rms > kStalled * from.left.rms ? stalls + 1 : 0;
    from = std::move(next);
  }
  return from;
}

}  // namespace fsrcnn
