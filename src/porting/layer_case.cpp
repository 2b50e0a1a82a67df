#include "porting/layer_case.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kFitted = 6000;  // values that features are fitted to

/// The share of the largest residuals that a fit leaves out: from few to many, for outliers may be many.
constexpr double kKept[] = {1.0, 0.8, 0.65, 0.55, 0.55, 0.55};  // NOLINT(*-avoid-c-arrays)

double quantile(std::vector<double> v, double q) {
  const auto at = v.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(v.size() - 1));
  std::nth_element(v.begin(), at, v.end());
  return *at;
}

struct Trimmed {
  VectorXd x;
  double inliers = 0;
};

/// Least squares of a x = b, repeated without the rows that are farthest off; a row's right side may change to `other`
/// where that lies nearer, if it `changes`.
std::optional<Trimmed> trimmed_fit(const MatrixXd& a, VectorXd b, VectorXd other, double tolerance, bool changes) {
  const Eigen::Index rows = a.rows(), width = a.cols();
  Trimmed fit{VectorXd::Zero(width), 0};
  for (const double kept : kKept) {
    const VectorXd predicted = a * fit.x;
    for (Eigen::Index i = 0; i < rows && changes && kept < 1; ++i) {
      if (std::abs(other[i] - predicted[i]) < std::abs(b[i] - predicted[i])) std::swap(b[i], other[i]);
    }
    const VectorXd left = (b - predicted).cwiseAbs();
    double limit = INFINITY;
    if (kept < 1) {
      limit = std::max(quantile({left.data(), left.data() + rows}, kept), tolerance);
    }
    MatrixXd used(rows, width);
    VectorXd values(rows);
    Eigen::Index n = 0;
    for (Eigen::Index i = 0; i < rows; ++i) {
      if (left[i] > limit) continue;
      used.row(n) = a.row(i);
      values[n++] = b[i];
    }
    if (n < 2 * width) return std::nullopt;
    const auto part = used.topRows(n);
    MatrixXd gram = part.transpose() * part;
    gram.diagonal().array() += 1e-13 * static_cast<double>(n) / static_cast<double>(rows);
    const Eigen::LDLT<MatrixXd> solver(gram);
    fit.x = solver.solve(part.transpose() * values.head(n));
    fit.x += solver.solve(part.transpose() * (values.head(n) - part * fit.x));
    if (!fit.x.allFinite()) return std::nullopt;
    fit.inliers = static_cast<double>(((b - a * fit.x).array().abs() <= tolerance).count()) / static_cast<double>(rows);
    if (fit.inliers == 1) break;
  }
  return fit;
}

}  // namespace

LayerCase::LayerCase(const MistakeContext& context, LayerPort port, const Tensor<float>& input,
                     const Tensor<float>& found, double tolerance)
    : context_(context), port_(std::move(port)), input_(input), found_(found), tolerance_(tolerance) {
  LayerPort linear = port_;
  linear.activates = false;
  linear.after.clear();
  linear_ = compute(linear, input_);
  linear.bias.clear();
  products_ = port_.bias.empty() ? linear_ : compute(linear, input_);
  LayerPort rest = port_;
  rest.convolves = false;
  rest.before.clear();
  rest.between.clear();
  rest.other_input.reset();
  right_ = compute(rest, linear_);
  bends_ = port_.activates && (port_.activation != Layer::Activation::none || (port_.is_last && port_.clamps));
  if (port_.activation_before_bias) right_ = compute(port_, input_);
  found_linear_ = bends_ ? linear_target(port_, linear_, found_)
                         : Target{found_, std::vector<uint8_t>(static_cast<size_t>(found_.count()), 1)};
  reach_ = reach_of(port_) * port_.factor;
}

std::optional<Fit> fit_features(const LayerCase& layer, const Tensor<float>& base,
                                const std::vector<const Tensor<float>*>& features, const std::vector<uint8_t>* where) {
  const Target& target = layer.found_linear();
  const auto width = static_cast<Eigen::Index>(features.size());
  std::mt19937 generator(1);
  std::vector<int64_t> at;
  for (int64_t i = 0; i < base.count(); ++i) {
    const auto place = static_cast<size_t>(i);
    if (target.known[place] != 0 && (where == nullptr || (*where)[place] != 0)) at.push_back(i);
  }
  if (static_cast<int64_t>(at.size()) > kFitted) {
    for (size_t i = 0; i < static_cast<size_t>(kFitted); ++i) std::swap(at[i], at[i + generator() % (at.size() - i)]);
    at.resize(kFitted);
  }
  if (static_cast<double>(at.size()) < 4.0 * static_cast<double>(width) + 16) return std::nullopt;
  const auto rows = static_cast<Eigen::Index>(at.size());
  MatrixXd a(rows, width);
  VectorXd b(rows), other(rows);  // of two values that a slope below 0 allows: the likelier one, and the other
  const int64_t plane = base.shape().h * base.shape().w;
  for (Eigen::Index i = 0; i < rows; ++i) {
    const int64_t place = at[static_cast<size_t>(i)];
    b[i] = static_cast<double>(target.values.data()[place]) - static_cast<double>(base.data()[place]);
    other[i] = b[i];
    for (const double sum : sums_for(layer.port(), layer.found().data()[place], place / plane)) {
      const double value = sum - static_cast<double>(base.data()[place]);
      if (std::abs(value - b[i]) > layer.tolerance()) other[i] = value;
    }
    for (Eigen::Index k = 0; k < width; ++k) a(i, k) = features[static_cast<size_t>(k)]->data()[place];
  }
  // Columns of one size, so that a ridge is the same for all.
  VectorXd sizes(width);
  for (Eigen::Index k = 0; k < width; ++k) {
    sizes[k] = a.col(k).norm();
    if (sizes[k] == 0) sizes[k] = 1;
    a.col(k) /= sizes[k];
  }
  // Whether the other value is the right one is asked only if it is not right to believe the likelier one.
  std::optional<Trimmed> best = trimmed_fit(a, b, other, layer.tolerance(), false);
  if (b != other && (!best || best->inliers < 0.99)) {
    const auto changing = trimmed_fit(a, b, other, layer.tolerance(), true);
    if (changing && (!best || changing->inliers > best->inliers)) best = changing;
  }
  if (!best) return std::nullopt;
  Fit fit{std::vector<double>(static_cast<size_t>(width)), best->inliers};
  for (Eigen::Index k = 0; k < width; ++k) fit.factors[static_cast<size_t>(k)] = best->x[k] / sizes[k];
  return fit;
}

std::optional<Line> fit_line(const std::vector<std::pair<float, float>>& points, double tolerance, bool through_zero) {
  if (points.size() < (through_zero ? 1 : 4)) return std::nullopt;
  Line line;
  const auto left_of = [&](const std::pair<float, float>& p) {
    return std::abs(p.second - line.factor * p.first - line.offset);
  };
  double limit = INFINITY;
  for (const double kept : kKept) {
    if (kept < 1) {
      std::vector<double> left;
      left.reserve(points.size());
      for (const auto& p : points) left.push_back(left_of(p));
      limit = std::max(quantile(std::move(left), kept), tolerance);
    }
    double n = 0, sa = 0, sb = 0, saa = 0, sab = 0;
    for (const auto& p : points) {
      if (left_of(p) > limit) continue;
      const double a = p.first, b = p.second;
      n += 1, sa += a, sb += b, saa += a * a, sab += a * b;
    }
    if (through_zero) {
      if (saa == 0) return std::nullopt;
      line.factor = sab / saa;
    } else {
      const double variance = saa - sa * sa / n;
      if (variance <= 1e-12 * saa) return std::nullopt;
      line.factor = (sab - sa * sb / n) / variance;
      line.offset = (sb - line.factor * sa) / n;
    }
    double inliers = 0;
    for (const auto& p : points) inliers += left_of(p) <= tolerance ? 1 : 0;
    line.inliers = inliers / static_cast<double>(points.size());
    if (line.inliers == 1) break;
  }
  return line;
}

std::pair<double, size_t> densest(std::vector<double> values, double width) {
  std::sort(values.begin(), values.end());
  size_t first = 0, best = 0, count = 0;
  for (size_t last = 0; last < values.size(); ++last) {
    while (values[last] - values[first] > width) ++first;
    if (last - first + 1 > count) count = last - first + 1, best = first;
  }
  double mean = 0;
  for (size_t i = best; i < best + count; ++i) mean += values[i] / static_cast<double>(count);
  return {mean, count};
}

std::vector<double> sums_for(const LayerPort& port, float value, int64_t channel) {
  using Activation = Layer::Activation;
  if (!port.activates) return {value};
  if (port.is_last && port.clamps && (value <= 0 || value >= 1)) return {};
  if (port.activation == Activation::clamp && (value <= port.low || value >= port.high)) return {};
  if (port.activation == Activation::tanh) return {std::atanh(static_cast<double>(value))};
  if (port.activation != Activation::prelu && port.activation != Activation::relu) return {value};
  std::vector<double> sums;
  const double slope = port.slope_of(channel);
  if (value > 0) sums.push_back(value);
  if (std::abs(slope) > 1e-3 && value / slope <= 0) sums.push_back(value / slope);
  return sums;
}

std::string named_number(double value, double precision, double& numbers) {
  numbers = 0.5;
  const auto is = [&](double named) { return std::abs(value - named) <= precision; };
  for (const double whole : {0.0, 1.0, -1.0, 2.0, 3.0, 4.0, 0.5, 0.25, 6.0, 10.0, 0.1, 255.0, 256.0}) {
    if (is(whole)) return fmt::format("{:g}", whole);
  }
  struct Named {
    double value;
    const char* name;
  };
  for (const Named& n : {Named{1.0 / 255, "1/255"},
                         {1.0 / 256, "1/256"},
                         {255.0 / 256, "255/256"},
                         {256.0 / 255, "256/255"},
                         {16.0 / 255, "16/255"},
                         {235.0 / 255, "235/255"},
                         {219.0 / 255, "219/255"},
                         {255.0 / 219, "255/219"},
                         {128.0 / 255, "128/255"},
                         {127.0 / 128, "127/128"},
                         {128.0 / 127, "128/127"},
                         {1 / 255.0 / 255, "1/255^2"}}) {
    if (is(n.value)) return n.name;
    if (is(-n.value)) return fmt::format("-{}", n.name);
  }
  for (int bits = 1; bits <= 24; ++bits) {
    if (precision < std::ldexp(1, -bits) / 8) {
      if (is(std::ldexp(1, -bits))) return fmt::format("2^-{}", bits);
      if (is(-std::ldexp(1, -bits))) return fmt::format("-2^-{}", bits);
    }
    if (is(std::ldexp(1, bits))) return fmt::format("2^{}", bits);
    if (is(1 - std::ldexp(1, -bits)) && bits > 3) return fmt::format("1 - 2^-{}", bits);
  }
  numbers = 1;
  for (int digits = 3; digits < 7; ++digits) {
    const std::string text = fmt::format("{:.{}g}", value, digits);
    if (std::abs(std::stod(text) - value) <= precision) return text;
  }
  return fmt::format("{:.7g}", value);
}

}  // namespace fsrcnn
