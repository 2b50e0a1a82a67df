// Kernels of which each value became another by one rule: a sign lost, small ones left out, words misread, normalised.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/kernel_equations.hpp"
#include "porting/kernel_maps.hpp"
#include "porting/kernel_moves.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

/// The number with the fewest digits above `low` and not above `high`.
double shortest_between(double low, double high) {
  for (int digits = 0; digits < 8; ++digits) {
    const double unit = std::pow(10.0, std::floor(std::log10(high)) - digits);
    const double number = std::floor(high / unit) * unit;
    if (number > low) return number;
  }
  return high;
}

class KernelRules {
 public:
  explicit KernelRules(const KernelEquations& equations)
      : equations_(equations), weight_(equations.weight()), order_(static_cast<size_t>(weight_.count())) {
    std::iota(order_.begin(), order_.end(), 0);
    for (const float v : weight_.values()) largest_ = std::max<double>(largest_, std::abs(v));
  }

  std::vector<Mistake> all() {
    std::vector<KernelMap> maps = kernel_maps(weight_, equations_.is_transposed());
    std::vector<KernelMap> layouts = kernel_layouts(weight_, equations_.is_transposed());
    maps.insert(maps.end(), std::make_move_iterator(layouts.begin()), std::make_move_iterator(layouts.end()));
    for (const KernelMap& map : maps) {
      put(map.id, map.sentence, map.numbers, map.op);
    }
    small_ones();
    large_ones();
    ends();
    constants();
    factors();
    return std::move(list_);
  }

 private:
  size_t hash_of(const Tensor<float>& t) const {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(t.data()), sizeof(float) * t.count()});
  }

  void put(const std::string& id, const std::string& sentence, double numbers, const TensorOp& op) {
    const Tensor<float> to = op(weight_);
    const auto tame = [](float v) { return std::abs(v) < 1e6F; };
    if (to == weight_ || !std::all_of(to.values().begin(), to.values().end(), tame)) return;
    if (!seen_.insert(hash_of(to)).second || !equations_.left_of(to).is_near()) return;
    list_.push_back({id, sentence, "kernel_values", true, [op](LayerPort& p) { p.weight = op(p.weight); }, numbers});
  }

  void put_mapped(const std::string& id, const std::string& sentence, double numbers,
                  const std::function<float(float)>& f) {
    put(id, sentence, numbers, [f](const Tensor<float>& t) { return mapped(t, f); });
  }

  double size_at(int64_t i) const { return std::abs(weight_.data()[i]); }

  std::vector<int64_t> by_size(bool ascending) const {
    std::vector<int64_t> order = order_;
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return ascending ? size_at(a) < size_at(b) : size_at(a) > size_at(b);
    });
    return order;
  }

  void small_ones() {
    const std::vector<int64_t> order = by_size(true);
    const KernelEquations::Prefix zeroed = equations_.best_zeroed(order);
    if (zeroed.count == 0 || zeroed.count >= order.size()) return;
    const double limit = shortest_between(size_at(order[zeroed.count - 1]), size_at(order[zeroed.count]));
    put_mapped(
        "kernels_small_zeroed",
        fmt::format("the kernels' {} smallest values are 0: all below {:.4g} in size ({:.3g} times the largest), "
                    "as by pruning",
                    zeroed.count, limit, limit / largest_),
        1, [limit](float v) { return std::abs(v) < limit ? 0.0F : v; });
  }

  void large_ones() {
    clipped();
    const std::vector<int64_t> order = by_size(false);
    const KernelEquations::Prefix zeroed = equations_.best_zeroed(order);
    if (zeroed.count == 0 || zeroed.count >= order.size()) return;
    const double limit = shortest_between(size_at(order[zeroed.count]), size_at(order[zeroed.count - 1]));
    put_mapped("kernels_large_zeroed",
               fmt::format("the kernels' {} largest values are 0: all from {:.4g} in size", zeroed.count, limit), 1,
               [limit](float v) { return std::abs(v) >= limit ? 0.0F : v; });
  }

  /// The bound that leaves least: coarsely first, then ever finer.
  void clipped() {
    const auto clip = [](double bound) {
      return [b = static_cast<float>(bound)](const Tensor<float>& t) {
        return mapped(t, [b](float v) { return std::clamp(v, -b, b); });
      };
    };
    const auto left = [&](double bound) { return equations_.left_of(clip(bound)(weight_)).share; };
    double best = largest_, least = 1, step = largest_ / 64;
    for (int i = 1; i < 64; ++i) {
      const double share = left(i * step);
      if (share < least) least = share, best = i * step;
    }
    if (least == 1) return;
    double low = best - step, high = std::min(best + step, largest_);
    while (high - low > 1e-8 * best) {
      const double a = low + (high - low) / 3, b = high - (high - low) / 3;
      if (left(a) < left(b)) {
        high = b;
      } else {
        low = a;
      }
    }
    const double bound = (low + high) / 2;
    double n = 1;
    const std::string words = named_number(bound, 1e-5 * bound, n);
    const auto count =
        std::count_if(weight_.values().begin(), weight_.values().end(), [&](float v) { return std::abs(v) > bound; });
    put("kernels_clipped",
        fmt::format("the kernels' {} largest values are clipped to {} in size (they saturate)", count, words), n + 0.2,
        clip(bound));
  }

  /// Zeros up to a place in memory, or from it on, where the values lie in one of the usual orders.
  void ends() {
    const Shape s = weight_.shape();
    const std::string letters = equations_.is_transposed() ? "IOHW" : "OIHW";
    const std::vector<std::vector<int>> layouts = {
        {0, 1, 2, 3}, {2, 3, 1, 0}, {0, 2, 3, 1}, {1, 0, 2, 3}, {1, 2, 3, 0}};
    for (const std::vector<int>& axes : layouts) {
      std::vector<int64_t> order = order_;
      const auto at = [&](int64_t i) {
        const int64_t place[] = {i / (s.c * s.h * s.w), i / (s.h * s.w) % s.c, i / s.w % s.h,  // NOLINT(*-c-arrays)
                                 i % s.w};
        const int64_t extent[] = {s.n, s.c, s.h, s.w};  // NOLINT(*-c-arrays)
        int64_t flat = 0;
        for (const int axis : axes) flat = flat * extent[axis] + place[axis];
        return flat;
      };
      for (int64_t i = 0; i < weight_.count(); ++i) order[static_cast<size_t>(at(i))] = i;
      std::string name;
      for (const int axis : axes) name += letters[static_cast<size_t>(axis)];
      const bool usual = name == letters;
      const std::string in = usual ? "" : fmt::format(" in the order {}", name);
      // Whole channels or taps are more likely left out as such.
      const int first = axes[0] == 2 && s.h * s.w == 1 ? axes[2] : axes[0];  // that has more than one place
      const int64_t slice = first == 2 ? s.n * s.c : first == 0 ? s.c * s.h * s.w : s.n * s.h * s.w;
      for (const bool end : {true, false}) {
        std::reverse(order.begin(), order.end());  // from the end first, then from the beginning
        const KernelEquations::Prefix zeroed = equations_.best_zeroed(order);
        if (zeroed.count > 0 && zeroed.count < order.size()) {
          const int64_t edge = order[zeroed.count - 1], a = edge / (s.c * s.h * s.w), b = edge / (s.h * s.w) % s.c;
          const auto count = static_cast<int64_t>(zeroed.count);
          const double whole = count % slice == 0 ? static_cast<double>(count) / static_cast<double>(8 * slice) : 0;
          const double numbers = whole > 0 ? 0.7 + whole : usual ? 0.8 : 0.9;
          std::vector<int64_t> zeros(order.begin(), order.begin() + static_cast<ptrdiff_t>(zeroed.count));
          const auto zero = [zeros](const Tensor<float>& t) {
            Tensor<float> to = t;
            for (const int64_t i : zeros) to.data()[i] = 0;
            return to;
          };
          if (whole > 0 && first == (equations_.is_transposed() ? 0 : 1)) {
            put("input_channels",
                fmt::format("the {} {} input channel{} left out: kernels of 0, as where the channels or the weights {}",
                            end ? "last" : "first", count / slice, count == slice ? " is" : "s are",
                            end ? "end too soon" : "begin too late"),
                0.5 + std::min(whole, 0.25), zero);
            continue;
          }
          put(end ? "kernels_end_too_soon" : "kernels_begin_too_late",
              fmt::format("the weights {} too {}: kernel {} {} is 0 {} row {}, column {}{}, and so are all {} it in "
                          "memory{} ({} of {} values)",
                          end ? "end" : "begin", end ? "soon" : "late", a, b, end ? "from" : "up to", edge / s.w % s.h,
                          edge % s.w, end ? " on" : "", end ? "after" : "before", in, zeroed.count, order.size()),
              numbers, zero);
        }
      }
    }
  }

  /// The same constant added to some values: words without a sign are too large by all that they can hold.
  void constants() {
    const auto fitted = [&](const char* id, const char* what, const std::function<bool(float)>& which) {
      const Tensor<float> where = mapped(weight_, [&](float v) { return which(v) ? 1.0F : 0.0F; });
      double constant = equations_.best_factor(where), numbers = 1;
      if (std::abs(constant) < 1e-6 * largest_) return;
      std::string words = named_number(constant, 1e-3 * std::abs(constant), numbers);
      for (const double levels : {127.0, 128.0, 32767.0, 32768.0}) {
        const double range = levels < 256 ? 256 : 65536, exact = range * largest_ / levels;
        if (!which(-1) || which(1) || std::abs(constant - exact) > 1e-3 * exact) continue;
        constant = exact;
        numbers = 0.3;
        words = fmt::format("{:.4g}, the range of {} bits, as integers that are read without their sign", exact,
                            levels < 256 ? 8 : 16);
      }
      const double nearest = std::exp2(std::nearbyint(std::log2(std::abs(constant))));
      if (constant > 0 && std::abs(constant - nearest) < 1e-3 * nearest) {
        constant = nearest;
        if (which(-1) && !which(1)) words += ", as integers that are read without their sign";
      }
      put_mapped(id,
                 fmt::format("the kernels' {} are too {} by {}", what, constant > 0 ? "large" : "small",
                             constant > 0 ? words : words.substr(1)),
                 numbers, [which, constant](float v) { return which(v) ? static_cast<float>(v + constant) : v; });
    };
    fitted("kernels_without_sign", "values below 0", [](float v) { return v < 0; });
    fitted("kernels_positive_offset", "values above 0", [](float v) { return v > 0; });
    fitted("kernels_offset", "values", [](float) { return true; });
  }

  /// A factor for each kernel, of those that an output channel sums.
  void factors() {
    const Shape s = weight_.shape();
    const bool transposed = equations_.is_transposed();
    const int64_t inputs = transposed ? s.n : s.c, outputs = transposed ? s.c : s.n, size = s.h * s.w;
    if (size == 1) return;
    std::vector<double> factors(static_cast<size_t>(s.n * s.c), 1);
    std::vector<int64_t> others;
    for (int64_t o = 0; o < outputs; ++o) {
      const Eigen::VectorXd x = factors_of(o, inputs);
      if (x.size() == 0) return;
      for (int64_t i = 0; i < inputs; ++i) {
        if (x[i] == 0) continue;
        others.push_back(transposed ? i * s.c + o : o * s.c + i);
        factors[static_cast<size_t>(others.back())] = 1 + x[i];
      }
    }
    if (others.empty()) return;
    std::sort(others.begin(), others.end());
    double n = 0.5;
    std::string power;
    for (const double base : {2.0, 10.0}) {
      const auto nearest = [&](int64_t k) {
        const double f = factors[static_cast<size_t>(k)];
        return f == 0 ? 0 : std::copysign(std::pow(base, std::nearbyint(std::log(std::abs(f)) / std::log(base))), f);
      };
      const bool all = std::all_of(others.begin(), others.end(), [&](int64_t k) {
        return std::abs(nearest(k) / factors[static_cast<size_t>(k)] - 1) < 1e-3;
      });
      if (!all || !power.empty()) continue;
      for (const int64_t k : others) factors[static_cast<size_t>(k)] = nearest(k);
      power = fmt::format(", a power of {:g}", base);
      n = 0.25;
    }
    put("kernels_scaled_each",
        fmt::format("{} of {} kernels are scaled, each by its own factor{} (kernel {} {} by {:.4g})", others.size(),
                    s.n * s.c, power, others[0] / s.c, others[0] % s.c, factors[static_cast<size_t>(others[0])]),
        1 + n * static_cast<double>(others.size()), [factors, size](const Tensor<float>& t) {
          Tensor<float> to = t;
          for (int64_t i = 0; i < t.count(); ++i) {
            to.data()[i] = static_cast<float>(t.data()[i] * factors[static_cast<size_t>(i / size)]);
          }
          return to;
        });
  }

  /// What an output channel's kernels are scaled by, less 1. Empty: that does not explain it, or there is too little.
  Eigen::VectorXd factors_of(int64_t output, int64_t inputs) const {
    Eigen::MatrixXd a(0, inputs);
    Eigen::VectorXd right(0);
    double tolerance = 0;
    for (const KernelEquations::Block& block : equations_.blocks()) {
      if (block.output != output) continue;
      const Eigen::Index first = a.rows(), rows = block.residual.size();
      a.conservativeResize(first + rows, inputs);
      a.bottomRows(rows).setZero();
      right.conservativeResize(first + rows);
      right.tail(rows) = block.residual;
      const int64_t taps = block.inputs.cols() / inputs;
      for (int64_t k = 0; k < block.inputs.cols(); ++k) {
        const double w = weight_.data()[equations_.index_of_column(block, k)];
        a.col(k / taps).tail(rows) += w * block.inputs.col(k);
      }
      tolerance = block.tolerance;
    }
    Eigen::VectorXd x = Eigen::VectorXd::Zero(inputs);
    if ((right.array().abs() <= tolerance).all()) return x;
    if (a.rows() < 2 * inputs) return {};
    Eigen::MatrixXd gram = a.transpose() * a;
    gram.diagonal().array() += 1e-12 * gram.trace() / static_cast<double>(inputs);
    const Eigen::LDLT<Eigen::MatrixXd> solver(gram);
    x = solver.solve(a.transpose() * right);
    x += solver.solve(a.transpose() * (right - a * x));
    const Eigen::VectorXd left = (right - a * x).cwiseAbs();
    if (static_cast<double>((left.array() <= tolerance).count()) < 0.9 * static_cast<double>(a.rows())) return {};
    for (int64_t i = 0; i < inputs; ++i) {
      if (std::abs(x[i]) * a.col(i).cwiseAbs().maxCoeff() <= tolerance) x[i] = 0;
    }
    return x;
  }

  const KernelEquations& equations_;
  const Tensor<float>& weight_;
  std::vector<int64_t> order_;
  double largest_ = 0;
  std::unordered_set<size_t> seen_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_kernels(const LayerCase& layer) {
  const auto equations = KernelEquations::of(layer);
  if (!equations) return {};
  std::vector<Mistake> list = KernelRules(*equations).all();
  for (Mistake& m : kernel_moves(*equations)) list.push_back(std::move(m));
  return list;
}

}  // namespace fsrcnn
