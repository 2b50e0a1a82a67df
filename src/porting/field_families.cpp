#include "porting/field_families.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "porting/layer_fit.hpp"

namespace fsrcnn {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;
using Eigen::VectorXd;
using Fields = std::vector<Tensor<float>>;

constexpr int kKnots = 10;              // of a curve, of each of two kinds
constexpr float kClosestKnots = 0.02F;  // of the range of values
constexpr int64_t kMostMixed = 16;      // channels, each of which may be mixed with each
constexpr int64_t kFewestRows = 200;
constexpr int64_t kRowsEach = 4;  // equations for each number
constexpr double kStalled = 0.95;
constexpr size_t kFamiliesEach = 2;  // of a port that are begun
constexpr size_t kMostFamilies = 6;  // that go on
constexpr int kFamilySteps = 5;

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
    curve(step_.output, false);
    if (port_.activates && port_.bends() && step_.linear.shape() == shape_) curve(step_.linear, true);
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

  /// Straight between knots that as many values lie between; of the values before an activation, once more below 0
  /// times the channel's slope.
  void curve(const Tensor<float>& from, bool by_slopes) {
    std::vector<float> sorted = from.values();
    std::sort(sorted.begin(), sorted.end());
    // Where values are many, and evenly, for errors are large where they are few.
    std::vector<float> all, knots;
    for (int k = 0; k < kKnots; ++k) {
      const float part = static_cast<float>(k) / (kKnots - 1);
      all.push_back(sorted[static_cast<size_t>(part * static_cast<float>(sorted.size() - 1))]);
      all.push_back(sorted.front() + part * (sorted.back() - sorted.front()));
    }
    std::sort(all.begin(), all.end());
    for (const float v : all) {
      if (knots.empty() || v > knots.back() + kClosestKnots * (sorted.back() - sorted.front())) knots.push_back(v);
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
    if (by_slopes) {
      for (size_t k = 0; k < knots.size() && knots[k] < 0; ++k) {
        fields.push_back(field([&](int64_t c, int64_t y, int64_t x) {
          const float v = from(0, c, y, x);
          return v < 0 ? hat(k, v) * port_.slope_of(c) : 0;
        }));
      }
    }
    put(by_slopes ? "values follow another curve than that of the activation" : "values follow another curve",
        std::move(fields));
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
  const auto sum = std::make_shared<const Tensor<float>>(family.sum(fit.numbers));
  fit.port.after.emplace_back([sum](const Tensor<float>& t) {
    if (t.shape() != sum->shape()) return t;  // of the whole picture, where they are a part's
    Tensor<float> to = t;
    for (int64_t i = 0; i < t.count(); ++i) to.data()[i] += sum->data()[i];
    return to;
  });
  fit.left = distance(PortChain(right, family.port, fit.port), window);
  return fit;
}

}  // namespace

std::vector<FieldFamily> field_families(const PortChain& right, size_t port) { return List(right, port).all(); }

FamilyFit without_fields(const PortChain& right, const Window& window, const FieldFamily& family) {
  return fit_at(right, window, family, VectorXd::Zero(family.size));
}

FamilyFit improved(const PortChain& right, const Window& window, FamilyFit fit, double enough, int steps) {
  const FieldFamily& family = *fit.family;
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

std::vector<FamilyFit> best_fits(const PortChain& right, const Window& window,
                                 const std::vector<RankedFamily>& families, double enough) {
  std::vector<FamilyFit> fits;
  std::map<size_t, size_t> of_port;
  for (const auto& [left, family] : families) {
    if (++of_port[family.port] > kFamiliesEach) continue;
    fits.push_back(improved(right, window, without_fields(right, window, family), enough, 1));
  }
  std::stable_sort(fits.begin(), fits.end(), [](const auto& a, const auto& b) { return a.left.rms < b.left.rms; });
  for (size_t i = 0; i < std::min(kMostFamilies, fits.size()); ++i) {
    fits[i] = improved(right, window, std::move(fits[i]), enough, kFamilySteps);
  }
  return fits;
}

}  // namespace fsrcnn
