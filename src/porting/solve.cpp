#include "porting/solve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "porting/linear_system.hpp"

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kMostSelected = 8;      // kernels that are found one by one
constexpr int64_t kSelectionRows = 2400;  // equations for that
constexpr double kSpare = 1.3;            // equations for each unknown, so that a fit proves something

/// (1, 1, s*h, s*w) -> (1, s*s, h, w), the inverse of depth_to_space for one channel.
template <class T>
std::vector<T> space_to_depth(const std::vector<T>& from, int64_t s, int64_t h, int64_t w) {
  std::vector<T> to(from.size());
  for (int64_t y = 0; y < s * h; ++y)
    for (int64_t x = 0; x < s * w; ++x) to[((y % s * s + x % s) * h + y / s) * w + x / s] = from[y * s * w + x];
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
    if (c == (port.is_deconvolution ? port.weight.shape().n : port.weight.shape().c)) {
      // The same bias in all phases; the first one tells.
      if (system.phase().py == 0 && system.phase().px == 0) {
        port.bias[output_channel] += static_cast<float>(change[at]);
      }
      ++at;
      continue;
    }
    for (const Tap& tap : system.phase().taps) {
      float& w = port.is_deconvolution ? port.weight(c, output_channel, tap.ky, tap.kx)
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
    solution.kernels.emplace_back(solution.port.is_deconvolution ? std::pair(c, output_channel)
                                                                 : std::pair(output_channel, c));
  }
  return explains;
}

}  // namespace

Solution solve_slopes(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output,
                      double tolerance) {
  Solution solution;
  solution.port = port;
  if (port.is_tail || !port.activates) return solution;
  LayerPort linear = port;
  linear.activates = false;
  const Tensor<float> z = compute(linear, input);
  if (z.shape() != output.shape()) return solution;
  const Shape shape = z.shape();
  solution.port.slope.assign(shape.c, 0);
  solution.explains = true;
  for (int64_t c = 0; c < shape.c; ++c) {
    double zy = 0, zz = 0;
    const float *from = z.plane(0, c), *to = output.plane(0, c);
    const int64_t count = shape.h * shape.w;
    for (int64_t i = 0; i < count; ++i) {
      if (from[i] >= 0) continue;
      zy += static_cast<double>(from[i]) * to[i];
      zz += static_cast<double>(from[i]) * from[i];
    }
    const float known = port.slope[port.slope.size() == 1 ? 0 : c];
    const float slope = zz > 0 ? static_cast<float>(zy / zz) : known;
    solution.port.slope[c] = slope;
    double worst = 0, known_worst = 0;
    for (int64_t i = 0; i < count; ++i) {
      worst = std::max<double>(worst, std::abs(to[i] - (from[i] > 0 ? from[i] : slope * from[i])));
      known_worst = std::max<double>(known_worst, std::abs(to[i] - (from[i] > 0 ? from[i] : known * from[i])));
    }
    if (known_worst > tolerance) solution.slopes.push_back(c);
    solution.explains = solution.explains && worst <= tolerance;
  }
  return solution;
}

Solution solve_kernels(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output,
                       double tolerance) {
  Solution solution;
  solution.port = port;
  const Shape weight = port.weight.shape();
  solution.kernel_count = weight.n * weight.c;
  LayerPort linear = port;
  linear.activates = false;
  Tensor<float> predicted = compute(linear, input);
  if (predicted.shape() != output.shape()) return solution;
  Target target = linear_target(port, input, output);
  const Shape in = input.shape();
  if (port.is_tail && !port.is_deconvolution) {
    const Shape deep{1, port.scale * port.scale, in.h, in.w};
    predicted = Tensor<float>(deep, space_to_depth(predicted.values(), port.scale, in.h, in.w));
    target.values = Tensor<float>(deep, space_to_depth(target.values.values(), port.scale, in.h, in.w));
    target.known = space_to_depth(target.known, port.scale, in.h, in.w);
  }
  const int64_t inputs = port.is_deconvolution ? weight.n : weight.c;
  const int64_t outputs = port.is_deconvolution ? weight.c : weight.n;
  const std::vector<Phase> phases = phases_of(port);
  solution.port.bias.resize(outputs, 0);
  solution.explains = true;
  for (int64_t o = 0; o < outputs && solution.explains; ++o) {
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
          solution.kernels.emplace_back(port.is_deconvolution ? std::pair(c, o) : std::pair(o, c));
        }
      }
      continue;
    }
    size_t most_taps = 0;
    int64_t fewest_rows = INT64_MAX;
    for (const System& system : systems) {
      most_taps = std::max(most_taps, system.phase().taps.size());
      fewest_rows = std::min(fewest_rows, system.available());
    }
    solution.unknowns = inputs * static_cast<int64_t>(most_taps) + 1;
    solution.equations = fewest_rows;
    solution.lacks_equations = static_cast<double>(fewest_rows) < kSpare * static_cast<double>(solution.unknowns);
    if (solution.lacks_equations) {
      solution.explains = false;
      return solution;
    }
    systems = make_systems(std::max(kSelectionRows, 4 * solution.unknowns));
    solution.explains = solve_all(systems, inputs, 3 * tolerance, o, solution);
  }
  return solution;
}

std::optional<Likeliest> likeliest_kernel(const LayerPort& port, const Tensor<float>& input,
                                          const Tensor<float>& output) {
  if (!port.is_deconvolution) return std::nullopt;  // the one layer whose output is a picture of few bits
  LayerPort linear = port;
  linear.activates = false;
  const Tensor<float> predicted = compute(linear, input);
  const Target target = linear_target(port, input, output);
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

std::pair<Tensor<float>, double> solve_input(const LayerPort& port, const Tensor<float>& output) {
  const Shape shape = output.shape();
  const Tensor<double> weight(port.weight.shape(), {port.weight.values().begin(), port.weight.values().end()});
  const int64_t p = weight.shape().h / 2;
  const Conv2dParams conv{.padding = {p, p}};
  const ConvTranspose2dParams transposed{.padding = {p, p}};
  // A zero slope hides half of the values.
  Tensor<double> right(shape), known(shape);
  for (int64_t i = 0; i < output.count(); ++i) {
    const int64_t c = i / (shape.h * shape.w);
    double value = output.data()[i];
    const double slope = port.activates && !port.slope.empty() ? port.slope[port.slope.size() == 1 ? 0 : c] : 1;
    if (value < 0 && slope > 0) value /= slope;
    known.data()[i] = slope > 1e-3 || (slope >= 0 && value > 0) ? 1 : 0;
    right.data()[i] = known.data()[i] * (value - (port.bias.empty() ? 0 : port.bias[c]));
  }
  const auto forward = [&](const Tensor<double>& x) {
    Tensor<double> y = conv2d_reference(x, weight, std::vector<double>(), conv);
    for (int64_t i = 0; i < y.count(); ++i) y.data()[i] *= known.data()[i];
    return y;
  };
  const auto dot = [](const Tensor<double>& a, const Tensor<double>& b) {
    double sum = 0;
    for (int64_t i = 0; i < a.count(); ++i) sum += a.data()[i] * b.data()[i];
    return sum;
  };
  Tensor<double> x({1, 1, shape.h, shape.w}), left = right;
  Tensor<double> gradient = conv_transpose2d_reference(left, weight, std::vector<double>(), transposed);
  Tensor<double> direction = gradient;
  double norm = dot(gradient, gradient);
  for (int iteration = 0; iteration < 300 && norm > 1e-26 * static_cast<double>(output.count()); ++iteration) {
    const Tensor<double> step = forward(direction);
    const double length = norm / std::max(dot(step, step), 1e-300);
    for (int64_t i = 0; i < x.count(); ++i) x.data()[i] += length * direction.data()[i];
    for (int64_t i = 0; i < left.count(); ++i) left.data()[i] -= length * step.data()[i];
    gradient = conv_transpose2d_reference(left, weight, std::vector<double>(), transposed);
    const double next = dot(gradient, gradient);
    for (int64_t i = 0; i < x.count(); ++i)
      direction.data()[i] = gradient.data()[i] + next / norm * direction.data()[i];
    norm = next;
  }
  double worst = 0;
  for (const double value : left.values()) worst = std::max(worst, std::abs(value));
  return {Tensor<float>(x.shape(), {x.values().begin(), x.values().end()}), worst};
}

}  // namespace fsrcnn
