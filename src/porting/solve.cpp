#include "porting/solve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "porting/linear_system.hpp"
#include "porting/sign_search.hpp"

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kMostSelected = 8;      // kernels that are found one by one
constexpr int64_t kSelectionRows = 2400;  // equations for that
constexpr int kRoundsOfSigns = 3;         // solving anew with the signs that the last solution tells
constexpr double kSpare = 1.3;            // equations for each unknown, so that a fit proves something

/// (1, C, s*h, s*w) -> (1, C*s*s, h, w), the inverse of depth_to_space.
template <class T>
std::vector<T> space_to_depth(const std::vector<T>& from, int64_t s, int64_t h, int64_t w) {
  std::vector<T> to(from.size());
  const int64_t channels = static_cast<int64_t>(from.size()) / (s * s * h * w);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < s * h; ++y)
      for (int64_t x = 0; x < s * w; ++x)
        to[(((c * s + y % s) * s + x % s) * h + y / s) * w + x / s] = from[(c * s * h + y) * s * w + x];
  return to;
}

MatrixXd thin_q(const MatrixXd& a) {
  const Eigen::HouseholderQR<MatrixXd> qr(a);
  return qr.householderQ() * MatrixXd::Identity(a.rows(), std::min(a.rows(), a.cols()));
}

double largest(const VectorXd& v) { return v.size() == 0 ? 0 : v.cwiseAbs().maxCoeff(); }

/// Whether these channels' kernels, and nothing else, explain what is left.
bool explained_by(const std::vector<System>& systems, const std::vector<int64_t>& channels, double tolerance) {
  return std::all_of(systems.begin(), systems.end(), [&](const System& system) {
    if (channels.empty()) return largest(system.residual()) <= tolerance;
    const MatrixXd a = system.blocks(channels);
    if (static_cast<double>(a.rows()) < kSpare * static_cast<double>(a.cols())) return false;
    const MatrixXd q = thin_q(a);
    return largest(system.residual() - q * (q.transpose() * system.residual())) <= tolerance;
  });
}

/// The fewest channels that explain what is left, found greedily; empty if there are none so few.
std::optional<std::vector<int64_t>> select_channels(const std::vector<System>& systems, int64_t channels,
                                                    double tolerance) {
  std::vector<int64_t> selected;
  std::vector<VectorXd> residual;
  std::vector<MatrixXd> basis;
  for (const System& system : systems) {
    residual.push_back(system.residual());
    basis.emplace_back(system.rows(), 0);
  }
  for (int64_t round = 0; round < std::min(kMostSelected, channels + 1); ++round) {
    double best_reduction = 0;
    int64_t best = -1;
    for (int64_t c = 0; c <= channels; ++c) {
      if (std::find(selected.begin(), selected.end(), c) != selected.end()) continue;
      double reduction = 0;
      for (size_t i = 0; i < systems.size(); ++i) {
        MatrixXd a = systems[i].block(c);
        a -= basis[i] * (basis[i].transpose() * a);
        reduction += (thin_q(a).transpose() * residual[i]).squaredNorm();
      }
      if (reduction > best_reduction) {
        best_reduction = reduction;
        best = c;
      }
    }
    if (best < 0) return std::nullopt;
    selected.push_back(best);
    double left = 0;
    for (size_t i = 0; i < systems.size(); ++i) {
      const MatrixXd a = systems[i].blocks(selected);
      if (static_cast<double>(a.rows()) < kSpare * static_cast<double>(a.cols())) return std::nullopt;
      basis[i] = thin_q(a);
      residual[i] = systems[i].residual() - basis[i] * (basis[i].transpose() * systems[i].residual());
      left = std::max(left, largest(residual[i]));
    }
    if (left > tolerance) continue;
    // What was taken early may have become needless.
    for (size_t i = 0; selected.size() > 1 && i < selected.size();) {
      std::vector<int64_t> fewer = selected;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
      if (explained_by(systems, fewer, tolerance)) {
        selected = fewer;
      } else {
        ++i;
      }
    }
    std::sort(selected.begin(), selected.end());
    return selected;
  }
  return std::nullopt;
}

/// Adds what the fit says to the port's parameters.
void apply(const System& system, const std::vector<int64_t>& channels, const VectorXd& change, int64_t output_channel,
           Solution& solution) {
  Eigen::Index at = 0;
  LayerPort& port = solution.port;
  for (const int64_t c : channels) {
    if (c == port.kernels_each()) {
      // The same bias in all phases; the first one tells.
      if (system.phase().py == 0 && system.phase().px == 0) {
        port.bias[output_channel] += static_cast<float>(change[at]);
      }
      ++at;
      continue;
    }
    for (const Tap& tap : system.phase().taps) {
      float& w = port.is_transposed ? port.weight(c, output_channel, tap.ky, tap.kx)
                                    : port.weight(output_channel, c, tap.ky, tap.kx);
      w += static_cast<float>(change[at++]);
    }
  }
}

/// All kernels at once, by normal equations with a trace of a ridge, which keeps what the data does not tell as it is.
/// The bias, which all phases share, is found from what the kernels of each leave of it.
bool solve_all(const std::vector<System>& systems, int64_t channels, double tolerance, int64_t output_channel,
               Solution& solution) {
  std::vector<int64_t> all(channels);
  std::iota(all.begin(), all.end(), 0);
  std::vector<MatrixXd> matrices, changes;  // of each phase: for the residual, and for a bias of 1
  double left_of_one = 0, shared = 0, rows = 0;
  for (const System& system : systems) {
    const MatrixXd& a = matrices.emplace_back(system.blocks(all));
    MatrixXd gram = MatrixXd::Zero(a.cols(), a.cols());
    gram.selfadjointView<Eigen::Lower>().rankUpdate(a.transpose());
    gram.diagonal().array() += 1e-12 * gram.trace() / static_cast<double>(a.cols());
    const Eigen::LDLT<MatrixXd, Eigen::Lower> solver(gram);
    MatrixXd right(a.rows(), 2);
    right.col(0) = system.residual();
    right.col(1).setOnes();
    MatrixXd& change = changes.emplace_back(solver.solve(a.transpose() * right));
    // Once more with what is left: normal equations lose half the digits.
    change += solver.solve(a.transpose() * (right - a * change));
    const MatrixXd left = right - a * change;
    left_of_one += left.col(1).squaredNorm();
    shared += left.col(1).dot(left.col(0));
    rows += static_cast<double>(a.rows());
  }
  const double bias = left_of_one > 1e-8 * rows ? shared / left_of_one : 0;
  std::vector<double> effect(channels, 0);
  bool explains = true;
  for (size_t i = 0; i < systems.size(); ++i) {
    const System& system = systems[i];
    const VectorXd change = changes[i].col(0) - bias * changes[i].col(1);
    explains = explains &&
               largest(system.residual() - matrices[i] * change - VectorXd::Constant(system.rows(), bias)) <= tolerance;
    apply(system, all, change, output_channel, solution);
    const auto width = static_cast<Eigen::Index>(system.phase().taps.size());
    for (const int64_t c : all) {
      effect[c] =
          std::max(effect[c], largest(matrices[i].middleCols(c * width, width) * change.segment(c * width, width)));
    }
  }
  solution.port.bias[output_channel] += static_cast<float>(bias);
  if (std::abs(bias) > 10 * tolerance) solution.biases.push_back(output_channel);
  for (const int64_t c : all) {
    if (effect[c] <= 10 * tolerance) continue;
    solution.kernels.emplace_back(solution.port.is_transposed ? std::pair(c, output_channel)
                                                              : std::pair(output_channel, c));
  }
  return explains;
}

}  // namespace

namespace {

/// Equations for all of a channel's kernels: those of the phase that has the fewest.
void count_equations(const std::vector<System>& systems, int64_t inputs, Solution& solution) {
  size_t most_taps = 0;
  int64_t fewest_rows = INT64_MAX;
  for (const System& system : systems) {
    most_taps = std::max(most_taps, system.phase().taps.size());
    fewest_rows = std::min(fewest_rows, system.available());
  }
  solution.unknowns = inputs * static_cast<int64_t>(most_taps) + 1;
  solution.equations = fewest_rows;
  solution.lacks_equations = static_cast<double>(fewest_rows) < kSpare * static_cast<double>(solution.unknowns);
}

/// A plain convolution's channel whose slope is below 0: signs and kernels are found in turns.
bool solve_signs(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output, int64_t channel,
                 double tolerance, Solution& solution) {
  if (port.is_transposed || port.shuffles() || !port.activates || port.slope_of(channel) > -1e-3F) return false;
  const int64_t inputs = port.kernels_each();
  Target target{output, std::vector<uint8_t>(static_cast<size_t>(output.count()), 1)};
  for (int64_t i = 0; i < output.count(); ++i) target.known[static_cast<size_t>(i)] = output.data()[i] >= 0 ? 1 : 0;
  const Phase phase = phases_of(port)[0];
  const int64_t unknowns = inputs * static_cast<int64_t>(phase.taps.size()) + 1;
  const System system(port, input, phase, target, Tensor<float>(output.shape()), channel,
                      std::max(kSelectionRows, 4 * unknowns));
  // Each sign is a question more.
  if (system.rows() < 3 * unknowns) return false;
  std::vector<int64_t> all(static_cast<size_t>(inputs) + 1);
  std::iota(all.begin(), all.end(), 0);
  const MatrixXd a = system.blocks(all);
  VectorXd right(a.cols());
  Eigen::Index at = 0;
  for (int64_t c = 0; c < inputs; ++c)
    for (const Tap& tap : phase.taps) right[at++] = port.weight(channel, c, tap.ky, tap.kx);
  right[at] = port.bias.empty() ? 0 : port.bias[static_cast<size_t>(channel)];
  const auto x = search_signs(a, system.residual(), port.slope_of(channel), right, tolerance);
  if (!x) return false;
  const VectorXd change = *x - right;
  apply(system, all, change, channel, solution);
  const auto width = static_cast<Eigen::Index>(phase.taps.size());
  for (int64_t c = 0; c < inputs; ++c) {
    if (largest(a.middleCols(c * width, width) * change.segment(c * width, width)) <= 10 * tolerance) continue;
    solution.kernels.emplace_back(channel, c);
  }
  if (std::abs(change[at]) > 10 * tolerance) solution.biases.push_back(channel);
  return true;
}

/// `near` tells the signs that slopes below 0 leave open.
Solution solve_with_signs_of(const Tensor<float>& near, const LayerPort& port, const Tensor<float>& input,
                             const Tensor<float>& output, double tolerance, double caution, bool all_outputs) {
  Solution solution;
  solution.port = port;
  const Shape weight = port.weight.shape();
  solution.kernel_count = weight.n * weight.c;
  LayerPort linear = port;
  linear.activates = false;
  Tensor<float> predicted = compute(linear, input);
  Target target = linear_target(port, near, output, caution);
  const Shape in = input.shape();
  if (port.shuffles()) {
    const Shape deep{1, port.out_channels(), in.h, in.w};
    predicted = Tensor<float>(deep, space_to_depth(predicted.values(), port.factor, in.h, in.w));
    target.values = Tensor<float>(deep, space_to_depth(target.values.values(), port.factor, in.h, in.w));
    target.known = space_to_depth(target.known, port.factor, in.h, in.w);
  }
  const int64_t inputs = port.kernels_each(), outputs = port.out_channels();
  const std::vector<Phase> phases = phases_of(port);
  solution.port.bias.resize(outputs, 0);
  solution.explains = true;
  for (int64_t o = 0; o < outputs && (solution.explains || all_outputs); ++o) {
    const auto make_systems = [&](int64_t rows) {
      std::vector<System> systems;
      for (const Phase& phase : phases) systems.emplace_back(port, input, phase, target, predicted, o, rows);
      return systems;
    };
    std::vector<System> systems = make_systems(kSelectionRows);
    if (explained_by(systems, {}, tolerance)) continue;
    if (const auto selected = select_channels(systems, inputs, tolerance)) {
      for (const System& system : systems) {
        const MatrixXd a = system.blocks(*selected);
        apply(system, *selected, a.colPivHouseholderQr().solve(system.residual()), o, solution);
      }
      for (const int64_t c : *selected) {
        if (c == inputs) {
          solution.biases.push_back(o);
        } else {
          solution.kernels.emplace_back(port.is_transposed ? std::pair(c, o) : std::pair(o, c));
        }
      }
      continue;
    }
    if (solve_signs(port, input, output, o, 3 * tolerance, solution)) continue;
    count_equations(systems, inputs, solution);
    if (solution.lacks_equations) {
      solution.explains = false;
      return solution;
    }
    systems = make_systems(std::max(kSelectionRows, 4 * solution.unknowns));
    solution.explains = solve_all(systems, inputs, 3 * tolerance, o, solution) && solution.explains;
  }
  return solution;
}

}  // namespace

Solution solve_kernels(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output,
                       double tolerance) {
  LayerPort linear = port;
  linear.activates = false;
  Tensor<float> near = compute(linear, input);
  if (near.shape() != output.shape()) {
    Solution none;
    none.port = port;
    none.kernel_count = port.weight.shape().n * port.weight.shape().c;
    return none;
  }
  bool hides_signs = false;
  for (int64_t c = 0; c < output.shape().c; ++c) hides_signs = hides_signs || (port.activates && port.slope_of(c) < 0);
  Solution solution = solve_with_signs_of(near, port, input, output, tolerance, 1, hides_signs);
  // Each solution tells more signs than the one before.
  for (int round = 0; hides_signs && !solution.explains && round < kRoundsOfSigns; ++round) {
    if (!solution.lacks_equations) {
      linear.weight = solution.port.weight;
      linear.bias = solution.port.bias;
      near = compute(linear, input);
    }
    solution = solve_with_signs_of(near, port, input, output, tolerance, solution.lacks_equations ? 0 : 1, true);
  }
  return solution;
}

std::optional<Likeliest> likeliest_kernel(const LayerPort& port, const Tensor<float>& input,
                                          const Tensor<float>& output) {
  // The one layer whose output is a picture of few bits.
  if (!port.is_transposed || port.out_channels() != 1) return std::nullopt;
  LayerPort linear = port;
  linear.activates = false;
  const Tensor<float> predicted = compute(linear, input);
  const Target target = linear_target(port, predicted, output);
  const std::vector<Phase> phases = phases_of(port);
  const int64_t inputs = port.weight.shape().n;
  std::vector<System> systems;
  double rows = 0, all = 0;
  for (const Phase& phase : phases) {
    const System& system = systems.emplace_back(port, input, phase, target, predicted, 0, kSelectionRows);
    rows += static_cast<double>(system.rows());
    all += system.residual().squaredNorm();
  }
  std::vector<std::pair<double, int64_t>> left;
  for (int64_t c = 0; c <= inputs; ++c) {
    double explained = 0;
    for (const System& system : systems) {
      const MatrixXd a = system.block(c);
      if (static_cast<double>(a.rows()) < kSpare * static_cast<double>(a.cols())) return std::nullopt;
      explained += (thin_q(a).transpose() * system.residual()).squaredNorm();
    }
    left.emplace_back(all - explained, c);
  }
  std::sort(left.begin(), left.end());
  if (left[0].second == inputs) return std::nullopt;
  const auto rms = [rows](double squares) { return std::sqrt(std::max(squares, 0.0) / rows); };
  return Likeliest{{left[0].second, 0},
                   rms(left[0].first),
                   rms(left[1].first),
                   rows,
                   static_cast<double>(port.weight.shape().h * port.weight.shape().w)};
}

std::vector<Misplaced> misplaced_kernels(const LayerPort& port, const Solution& solution) {
  constexpr double kSame = 0.05;  // of a kernel's norm
  const Shape s = port.weight.shape();
  const Eigen::Map<const Eigen::MatrixXf> files(port.weight.data(), s.h * s.w, s.n * s.c);
  std::vector<Misplaced> list;
  for (const auto& [a, b] : solution.kernels) {
    const Eigen::Map<const Eigen::VectorXf> solved(solution.port.weight.plane(a, b), s.h * s.w);
    Eigen::Index nearest = 0;
    const double distance = (files.colwise() - solved).colwise().norm().minCoeff(&nearest);
    if (distance > kSame * solved.norm() || nearest == a * s.c + b) continue;
    list.push_back({{a, b}, {nearest / s.c, nearest % s.c}});
  }
  return list;
}

}  // namespace fsrcnn
