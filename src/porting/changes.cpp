#include "porting/changes.hpp"

#include <algorithm>
#include <cmath>

namespace fsrcnn {
namespace {

using Kind = Change::Kind;

class List {
 public:
  List(const LayerPort& port, size_t index) : port_(port), index_(index) {
    if (port.convolves && port.has_weight()) weights_ = port.weight.shape();
    if (port.is_transposed) std::swap(weights_.n, weights_.c);
    biases_ = port.convolves ? static_cast<int64_t>(port.bias.size()) : 0;
    slopes_ =
        port.activates && port.activation == Layer::Activation::prelu ? static_cast<int64_t>(port.slope.size()) : 0;
    size_ = weights_.h * weights_.w;
  }

  std::vector<Change> all() {
    for (int64_t o = 0; o < weights_.n; ++o) {
      for (int64_t c = 0; c < weights_.c; ++c) each(Kind::kernel, o, c, kernel(o, c));
    }
    for (int64_t o = 0; o < biases_; ++o) each(Kind::bias, o, 0, {bias(o)});
    for (int64_t o = 0; o < slopes_; ++o) each(Kind::slope, o, 0, {slope(o)});
    if (biases_ > 1) each(Kind::biases, 0, 0, range(first_bias(), biases_));
    if (slopes_ > 1) each(Kind::slopes, 0, 0, range(first_bias() + static_cast<int64_t>(port_.bias.size()), slopes_));
    if (weights_.n == 0) return std::move(list_);
    const std::vector<int64_t> weights = range(0, port_.weight.count()), all = range(0, first_bias() + biases_);
    add(Kind::scale, 0, 0, {along(weights)});
    add(Kind::gain, 0, 0, {along(all)});
    std::vector<Change::Direction> gains;
    for (int64_t o = 0; o < weights_.n; ++o) {
      std::vector<int64_t> channel;
      for (int64_t c = 0; c < weights_.c; ++c) append(channel, kernel(o, c));
      add(Kind::channel_scale, o, 0, {along(channel)});
      if (biases_ > 0) channel.push_back(bias(o));
      add(Kind::channel_gain, o, 0, {along(channel)});
      gains.push_back(along(channel));
      if (slopes_ > 1) channel.push_back(slope(o));
      each(Kind::output_channel, o, 0, channel);
    }
    if (gains.size() > 1) add(Kind::gains, 0, 0, gains);
    std::vector<Change::Direction> input_gains, taps;
    for (int64_t tap = 0; size_ > 1 && tap < size_; ++tap) {
      std::vector<int64_t> of_all;
      for (int64_t k = 0; k < weights_.n * weights_.c; ++k) of_all.push_back(k * size_ + tap);
      taps.push_back(along(of_all));
    }
    if (!taps.empty()) add(Kind::taps, 0, 0, taps);
    for (int64_t c = 0; c < weights_.c; ++c) {
      std::vector<int64_t> channel;
      for (int64_t o = 0; o < weights_.n; ++o) append(channel, kernel(o, c));
      add(Kind::input_gain, 0, c, {along(channel)});
      input_gains.push_back(along(channel));
      each(Kind::input_channel, 0, c, channel);
    }
    if (input_gains.size() > 1) add(Kind::input_gains, 0, 0, input_gains);
    each(Kind::weights, 0, 0, all);
    return std::move(list_);
  }

 private:
  static std::vector<int64_t> range(int64_t first, int64_t count) {
    std::vector<int64_t> list(count);
    for (int64_t i = 0; i < count; ++i) list[i] = first + i;
    return list;
  }
  static void append(std::vector<int64_t>& list, const std::vector<int64_t>& more) {
    list.insert(list.end(), more.begin(), more.end());
  }
  std::vector<int64_t> kernel(int64_t o, int64_t c) const {
    return range((port_.is_transposed ? c * weights_.n + o : o * weights_.c + c) * size_, size_);
  }
  int64_t first_bias() const { return port_.weight.count(); }
  int64_t bias(int64_t o) const { return first_bias() + o; }
  int64_t slope(int64_t o) const { return first_bias() + static_cast<int64_t>(port_.bias.size()) + o; }

  /// The parameters times what they are.
  Change::Direction along(const std::vector<int64_t>& parameters) const {
    Change::Direction direction;
    for (const int64_t i : parameters) {
      direction.emplace_back(i, i < first_bias() ? port_.weight.data()[i] : port_.bias[i - first_bias()]);
    }
    return direction;
  }
  void add(Kind kind, int64_t a, int64_t b, std::vector<Change::Direction> directions) {
    list_.push_back({kind, index_, a, b, std::move(directions)});
  }
  void each(Kind kind, int64_t a, int64_t b, const std::vector<int64_t>& parameters) {
    std::vector<Change::Direction> directions;
    for (const int64_t i : parameters) directions.push_back({{i, 1.0F}});
    add(kind, a, b, std::move(directions));
  }

  const LayerPort& port_;
  size_t index_;
  Shape weights_ = {0, 0, 0, 0};
  int64_t biases_, slopes_, size_;
  std::vector<Change> list_;
};

}  // namespace

std::vector<Change> changes_of(const LayerPort& port, size_t index) { return List(port, index).all(); }

Change together(const Change& a, const Change& b) {
  Change both = a;
  both.kind = Kind::kernels;
  both.directions.insert(both.directions.end(), b.directions.begin(), b.directions.end());
  return both;
}

LayerPort changed(const LayerPort& port, const Change& change, const Eigen::VectorXd& coefficients) {
  LayerPort other = port;
  const int64_t weights = port.weight.count(), biases = static_cast<int64_t>(port.bias.size());
  std::vector<double> by(weights + biases + static_cast<int64_t>(port.slope.size()), 0);
  for (Eigen::Index i = 0; i < change.size(); ++i) {
    for (const auto& [at, along] : change.directions[static_cast<size_t>(i)]) by[at] += along * coefficients[i];
  }
  for (int64_t i = 0; i < static_cast<int64_t>(by.size()); ++i) {
    if (by[i] == 0) continue;
    float& value = i < weights            ? other.weight.data()[i]
                   : i < weights + biases ? other.bias[i - weights]
                                          : other.slope[i - weights - biases];
    value = static_cast<float>(value + by[i]);
  }
  return other;
}

Eigen::MatrixXf columns_of(const Change& change, const Eigen::MatrixXf& by_parameters) {
  Eigen::MatrixXf columns = Eigen::MatrixXf::Zero(by_parameters.rows(), change.size());
  for (Eigen::Index i = 0; i < change.size(); ++i) {
    for (const auto& [at, along] : change.directions[static_cast<size_t>(i)]) {
      columns.col(i) += along * by_parameters.col(at);
    }
  }
  return columns;
}

}  // namespace fsrcnn
