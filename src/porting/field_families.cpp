#include "porting/field_families.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "porting/layer_fit.hpp"

namespace fsrcnn {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;
using Eigen::VectorXd;
using Fields = std::vector<Tensor<float>>;

constexpr int kKnots = 14;          // of a curve
constexpr int64_t kMostMixed = 16;  // channels, each of which may be mixed with each
constexpr int64_t kFewestRows = 200;
constexpr int64_t kRowsEach = 4;  // equations for each number
constexpr double kStalled = 0.95;

/// Of the other channels of `values` to each of the port's.
FieldFamily mixing(size_t port, const Tensor<float>& values) {
  const auto mixed = std::make_shared<const Tensor<float>>(values);
  const int64_t n = values.shape().c, size = values.shape().h * values.shape().w;
  return {port, "channels are mixed with each other", n * n,
          [port, mixed](const Samples& samples) { return samples.by_mixing(port, *mixed); },
          [mixed, n, size](const VectorXd& numbers) {
            Tensor<float> sum(mixed->shape());
            for (int64_t a = 0; a < n; ++a)
              for (int64_t b = 0; b < n; ++b)
                for (int64_t i = 0; i < size; ++i)
                  sum.plane(0, a)[i] += static_cast<float>(numbers[a * n + b]) * mixed->plane(0, b)[i];
            return sum;
          }};
}

class List {
 public:
  List(const PortChain& right, size_t port)
      : port_(right.ports()[port]), at_(port), step_(right.step(port)), shape_(step_.output.shape()) {}

  std::vector<FieldFamily> all() {
    curve();
    if (shape_.h >= 4 && shape_.w >= 4) neighbours();
    if (shape_.c > 1 && shape_.c <= kMostMixed) list_.push_back(mixing(at_, step_.output));
    lines(true);
    lines(false);
    across();
    beyond();
    return std::move(list_);
  }

 private:
  void put(std::string words, Fields fields) {
    if (fields.empty()) return;
    const auto kept = std::make_shared<const Fields>(std::move(fields));
    list_.push_back({at_, std::move(words), std::ssize(*kept),
                     [port = at_, kept](const Samples& samples) { return samples.by_fields(port, *kept); },
                     [kept](const VectorXd& numbers) {
                       Tensor<float> sum(kept->front().shape());
                       for (size_t k = 0; k < kept->size(); ++k) {
                         const auto by = static_cast<float>(numbers[static_cast<Index>(k)]);
                         for (int64_t i = 0; i < sum.count(); ++i) sum.data()[i] += by * (*kept)[k].data()[i];
                       }
                       return sum;
                     }});
  }

  /// value(channel, row, column)
  template <class Value>
  Tensor<float> field(const Value& value) const {
    Tensor<float> t(shape_);
    for (int64_t c = 0; c < shape_.c; ++c)
      for (int64_t y = 0; y < shape_.h; ++y)
        for (int64_t x = 0; x < shape_.w; ++x) t(0, c, y, x) = static_cast<float>(value(c, y, x));
    return t;
  }

  /// Of the values before an activation: straight between knots that as many values lie between. Below 0 once more
  /// times the channel's slope.
  void curve() {
    const Tensor<float>& from = port_.activates && step_.linear.shape() == shape_ ? step_.linear : step_.output;
    std::vector<float> sorted = from.values();
    std::sort(sorted.begin(), sorted.end());
    std::vector<float> knots;
    for (int k = 0; k < kKnots; ++k) {
      const float v = sorted[(sorted.size() - 1) * static_cast<size_t>(k) / (kKnots - 1)];
      if (knots.empty() || v > knots.back() + 1e-6F) knots.push_back(v);
    }
    if (knots.size() < 3) return;
    const auto hat = [&](size_t k, float v) {
      if (v < knots[k]) return k == 0 ? 1.0F : std::max(0.0F, (v - knots[k - 1]) / (knots[k] - knots[k - 1]));
      return k + 1 == knots.size() ? 1.0F : std::max(0.0F, (knots[k + 1] - v) / (knots[k + 1] - knots[k]));
    };
    Fields fields;
    for (size_t k = 0; k < knots.size(); ++k) {
      fields.push_back(field([&](int64_t c, int64_t y, int64_t x) { return hat(k, from(0, c, y, x)); }));
    }
    if (port_.activates && port_.activation == Layer::Activation::prelu && port_.slope.size() > 1) {
      for (size_t k = 0; k < knots.size() && knots[k] < 0; ++k) {
        fields.push_back(field([&](int64_t c, int64_t y, int64_t x) {
          const float v = from(0, c, y, x);
          return v < 0 ? hat(k, v) * port_.slope_of(c) : 0;
        }));
      }
    }
    put("values follow another curve, the same for all channels", std::move(fields));
  }

  void neighbours() {
    Fields fields;
    const Tensor<float>& from = step_.output;
    for (const int64_t parity : {0, 1, 2, 3}) {
      for (int64_t dy = -1; dy <= 1; ++dy) {
        for (int64_t dx = -1; dx <= 1; ++dx) {
          fields.push_back(field([&](int64_t c, int64_t y, int64_t x) {
            const int64_t v = y + dy, u = x + dx;
            if (y % 2 * 2 + x % 2 != parity || v < 0 || u < 0 || v >= shape_.h || u >= shape_.w) return 0.0F;
            return from(0, c, v, u);
          }));
        }
      }
    }
    put("values are mixed with those of their neighbours", std::move(fields));
  }

  void lines(bool rows) {
    Fields fields;
    for (int64_t line = 0; line < (rows ? shape_.h : shape_.w); ++line) {
      fields.push_back(field(
          [&](int64_t c, int64_t y, int64_t x) { return (rows ? y : x) == line ? step_.output(0, c, y, x) : 0.0F; }));
    }
    put(rows ? "rows are scaled, each by a factor" : "columns are scaled, each by a factor", std::move(fields));
  }

  void across() {
    Fields fields;
    for (const bool scaled : {true, false}) {
      for (const int axis : {0, 1, 2}) {
        if (axis == 0 && scaled) continue;
        fields.push_back(field([&](int64_t c, int64_t y, int64_t x) {
          const double at = axis == 0   ? 1
                            : axis == 1 ? static_cast<double>(x) / static_cast<double>(shape_.w)
                                        : static_cast<double>(y) / static_cast<double>(shape_.h);
          return at * (scaled ? step_.output(0, c, y, x) : 1);
        }));
      }
    }
    put("errors grow across the picture", std::move(fields));
  }

  /// A value of each input channel instead of the zeros around the picture.
  void beyond() {
    if (!port_.convolves || !port_.has_weight() || port_.is_transposed || port_.groups != 1 || !port_.pads ||
        port_.padding_mode != PaddingMode::zeros || port_.padding == Pair{0, 0} || step_.linear.shape() != shape_) {
      return;
    }
    Fields fields;
    Shape in = step_.input.shape();
    in.h += 2 * port_.padding.h, in.w += 2 * port_.padding.w;
    for (int64_t c = 0; c < in.c; ++c) {
      Tensor<float> ring(in);
      for (int64_t y = 0; y < in.h; ++y)
        for (int64_t x = 0; x < in.w; ++x) {
          const bool inside =
              y >= port_.padding.h && y < in.h - port_.padding.h && x >= port_.padding.w && x < in.w - port_.padding.w;
          ring(0, c, y, x) = inside ? 0.0F : 1.0F;
        }
      LayerPort linear = port_;
      linear.padding = {0, 0};
      linear.bias.clear();
      linear.activates = false;
      Tensor<float> made = compute(linear, ring);
      for (int64_t i = 0; i < made.count(); ++i) {
        const float z = step_.linear.data()[i];
        if (port_.activates && port_.bends() && z < 0) made.data()[i] *= port_.slope_of(i / (shape_.h * shape_.w));
      }
      fields.push_back(std::move(made));
    }
    put("what it reads beyond the picture's edges is not 0", std::move(fields));
  }

  const LayerPort& port_;
  size_t at_;
  const ChainStep& step_;
  Shape shape_;
  std::vector<FieldFamily> list_;
};

FamilyFit fit_at(const PortChain& right, const Window& window, const FieldFamily& family, VectorXd numbers) {
  FamilyFit fit{&family, std::move(numbers), right.ports()[family.port], {}};
  fit.port.after.emplace_back([sum = family.sum(fit.numbers)](const Tensor<float>& t) {
    if (t.shape() != sum.shape()) return t;  // of the whole picture, where they are a part's
    Tensor<float> to = t;
    for (int64_t i = 0; i < t.count(); ++i) to.data()[i] += sum.data()[i];
    return to;
  });
  fit.left = distance(PortChain(right, family.port, fit.port), window);
  return fit;
}

}  // namespace

std::vector<FieldFamily> field_families(const PortChain& right, size_t port) { return List(right, port).all(); }

FamilyFit fit_family(const PortChain& right, const Window& window, const FieldFamily& family, double enough,
                     int steps) {
  FamilyFit fit = fit_at(right, window, family, VectorXd::Zero(family.size));
  for (int step = 0; step < steps && fit.left.largest > enough; ++step) {
    const PortChain at(right, family.port, fit.port);
    const Samples samples(at, window, family.port, std::max(kFewestRows, kRowsEach * family.size),
                          static_cast<uint32_t>(step));
    const VectorXd by = least_squares(family.columns(samples), samples.residual());
    FamilyFit best = fit;
    for (const double length : {1.0, 0.4, 0.1}) {
      FamilyFit next = fit_at(right, window, family, fit.numbers + length * by);
      if (next.left.rms < best.left.rms) best = std::move(next);
      if (best.left.rms < 0.7 * fit.left.rms) break;
    }
    const bool stalled = best.left.rms > kStalled * fit.left.rms;
    fit = std::move(best);
    if (stalled) break;
  }
  return fit;
}

}  // namespace fsrcnn
