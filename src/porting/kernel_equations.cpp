#include "porting/kernel_equations.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kMostNumbers = 600'000;  // of all equations together
constexpr int64_t kMostEquations = 160, kFewestEquations = 24;
constexpr int kRoundsOfWeights = 6;

bool sums_are_plain(const LayerPort& p) {
  return p.convolves && p.has_weight() && !p.fixed && !p.shuffles() && !p.convolve && !p.tiles && !p.beyond &&
         p.before.empty() && p.before_bias.empty() && p.between.empty() && p.after.empty() && !p.other_input &&
         p.pads && p.shift == Pair{0, 0} && !p.activation_before_bias && p.groups == 1 && p.positive_slope.empty();
}

/// Sums from before an activation are as exact as its slope is steep.
double tolerance_of(const LayerCase& layer, int64_t output) {
  const bool slopes = layer.bends() && layer.port().activation == Layer::Activation::prelu;
  return 4 * layer.tolerance() / (slopes ? std::clamp<double>(std::abs(layer.port().slope_of(output)), 0.05, 1) : 1);
}

bool hides_signs(const LayerCase& layer, int64_t output) {
  return layer.bends() && layer.port().activation == Layer::Activation::prelu && layer.port().slope_of(output) < -1e-3F;
}

/// The sums that were found, where each has the sign that it has not in the right layer.
Target with_other_signs(const LayerCase& layer) {
  Target target = layer.found_linear();
  const Shape s = target.values.shape();
  for (int64_t c = 0; c < s.c; ++c) {
    if (!hides_signs(layer, c)) continue;
    const float slope = layer.port().slope_of(c), *right = layer.linear().plane(0, c),
                *found = layer.found().plane(0, c);
    for (int64_t i = 0; i < s.h * s.w; ++i) target.values.plane(0, c)[i] = right[i] < 0 ? found[i] : found[i] / slope;
  }
  return target;
}

}  // namespace

Eigen::ArrayXd KernelEquations::Block::left_by(const VectorXd& effect) const {
  const Eigen::ArrayXd left = (residual - effect).array().abs();
  return other.size() == 0 ? left : left.min((other - effect).array().abs());
}

std::optional<KernelEquations> KernelEquations::of(const LayerCase& layer) {
  if (!sums_are_plain(layer.port()) || layer.found().shape() != layer.linear().shape()) return std::nullopt;
  KernelEquations equations(layer);
  if (equations.total_ == 0) return std::nullopt;
  return std::optional<KernelEquations>(std::move(equations));
}

KernelEquations::KernelEquations(const LayerCase& layer)
    : port_(&layer.port()),
      phases_(phases_of(layer.port())),
      column_of_(static_cast<size_t>(layer.port().weight.count()), {-1, -1}) {
  const int64_t outputs = port_->out_channels();
  const int64_t rows = std::clamp(kMostNumbers / port_->weight.count(), kFewestEquations, kMostEquations);
  std::vector<int64_t> inputs(static_cast<size_t>(port_->kernels_each()));
  std::iota(inputs.begin(), inputs.end(), 0);
  Target other;
  for (int64_t o = 0; o < outputs; ++o) {
    const bool hides = hides_signs(layer, o);
    has_sure_ = has_sure_ || !hides;
    for (const Phase& phase : phases_) {
      const System system(*port_, layer.input(), phase, layer.found_linear(), layer.linear(), o, rows);
      if (system.rows() == 0) continue;
      blocks_.push_back({o, &phase, system.blocks(inputs), system.residual(), {}, tolerance_of(layer, o)});
      Block& block = blocks_.back();
      if (hides) {
        if (other.values.count() == 0) other = with_other_signs(layer);
        block.other = System(*port_, layer.input(), phase, other, layer.linear(), o, rows).residual();
      }
      total_ += block.left_by(VectorXd::Zero(block.residual.size())).sum();
      for (int64_t k = 0; k < block.inputs.cols(); ++k) {
        column_of_[static_cast<size_t>(index_of_column(block, k))] = {static_cast<int32_t>(blocks_.size() - 1),
                                                                      static_cast<int32_t>(k)};
      }
    }
  }
}

int64_t KernelEquations::index_of_column(const Block& block, int64_t column) const {
  const Shape s = port_->weight.shape();
  const auto taps = static_cast<int64_t>(block.phase->taps.size());
  const Tap& tap = block.phase->taps[static_cast<size_t>(column % taps)];
  const int64_t in = column / taps;
  const int64_t a = port_->is_transposed ? in : block.output, b = port_->is_transposed ? block.output : in;
  return ((a * s.c + b) * s.h + tap.ky) * s.w + tap.kx;
}

KernelEquations::Left KernelEquations::left_of(const Tensor<float>& weight) const {
  double left = 0, met = 0, count = 0;
  VectorXd change;
  for (const Block& block : blocks_) {
    change.resize(block.inputs.cols());
    for (int64_t k = 0; k < block.inputs.cols(); ++k) {
      const int64_t i = index_of_column(block, k);
      change[k] = static_cast<double>(weight.data()[i]) - static_cast<double>(port_->weight.data()[i]);
    }
    const Eigen::ArrayXd off = block.left_by(block.inputs * change);
    left += off.sum();
    met += static_cast<double>((off <= block.tolerance).count());
    count += static_cast<double>(off.size());
  }
  return {met / count, left / total_};
}

KernelEquations::Prefix KernelEquations::best_zeroed(const std::vector<int64_t>& order) const {
  std::vector<VectorXd> effects;
  std::vector<double> sizes;
  for (const Block& block : blocks_) {
    effects.emplace_back(VectorXd::Zero(block.residual.size()));
    sizes.push_back(block.left_by(effects.back()).sum());
  }
  double sum = total_;
  Prefix best;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto [b, column] = column_of_[static_cast<size_t>(order[i])];
    if (b < 0) continue;
    const auto at = static_cast<size_t>(b);
    effects[at] -= static_cast<double>(port_->weight.data()[order[i]]) * blocks_[at].inputs.col(column);
    sum -= sizes[at];
    sizes[at] = blocks_[at].left_by(effects[at]).sum();
    sum += sizes[at];
    if (sum < best.share * total_) best = {i + 1, sum / total_};
  }
  return best;
}

double KernelEquations::best_factor(const Tensor<float>& change) const {
  std::vector<VectorXd> effects;
  for (const Block& block : blocks_) {
    VectorXd v(block.inputs.cols());
    for (int64_t k = 0; k < v.size(); ++k) v[k] = change.data()[index_of_column(block, k)];
    effects.emplace_back(block.inputs * v);
  }
  double factor = 0;
  for (int round = 0; round < kRoundsOfWeights; ++round) {
    double ee = 0, er = 0;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      if (!is_sure(block)) continue;
      // After the first round those that are far off count less: the least sum of sizes, not of squares.
      VectorXd weights = VectorXd::Ones(block.residual.size());
      if (round > 0) {
        weights = (block.residual - factor * effects[i]).cwiseAbs().cwiseMax(block.tolerance).cwiseInverse();
      }
      ee += effects[i].cwiseProduct(weights).dot(effects[i]);
      er += effects[i].cwiseProduct(weights).dot(block.residual);
    }
    if (ee == 0) return 0;
    factor = er / ee;
  }
  return factor;
}

}  // namespace fsrcnn
