#include "porting/kernel_moves.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int64_t kMostParts = 64;     // of an axis
constexpr int64_t kMostPixels = 1000;  // of all blocks together
constexpr int64_t kMostProducts = 120'000'000;
constexpr double kWorthMoving = 0.03;  // the share of the squares that are left which a move must explain

enum class KernelAxis { rows, columns, taps, inputs };

struct KernelPlace {
  int64_t in, out, ky, kx;
};

/// The parts of kernels along an axis.
struct KernelParts {
  KernelAxis axis;
  int64_t count;
  Shape shape;
  bool transposed;

  int64_t part_of(const KernelPlace& p) const {
    switch (axis) {
      case KernelAxis::rows: return p.ky;
      case KernelAxis::columns: return p.kx;
      case KernelAxis::taps: return p.ky * shape.w + p.kx;
      case KernelAxis::inputs: return p.in;
    }
    return 0;
  }
  /// The same place in another part.
  KernelPlace in_part(KernelPlace p, int64_t part) const {
    switch (axis) {
      case KernelAxis::rows: p.ky = part; break;
      case KernelAxis::columns: p.kx = part; break;
      case KernelAxis::taps: p.ky = part / shape.w, p.kx = part % shape.w; break;
      case KernelAxis::inputs: p.in = part; break;
    }
    return p;
  }
  KernelPlace place_of(int64_t i) const {
    const int64_t a = i / (shape.c * shape.h * shape.w), b = i / (shape.h * shape.w) % shape.c;
    return {transposed ? a : b, transposed ? b : a, i / shape.w % shape.h, i % shape.w};
  }
  int64_t index(const KernelPlace& p) const {
    const int64_t a = transposed ? p.in : p.out, b = transposed ? p.out : p.in;
    return ((a * shape.c + b) * shape.h + p.ky) * shape.w + p.kx;
  }
  std::string name(int64_t part) const {
    return axis == KernelAxis::taps ? fmt::format("({}, {})", part / shape.w, part % shape.w) : fmt::format("{}", part);
  }
};

/// How often part `from` of the right kernels is in part `to`: (to, from).
using Mixture = MatrixXd;

Tensor<float> mixed(const Tensor<float>& t, const KernelParts& parts, const Mixture& mixture) {
  Tensor<float> result(t.shape());
  for (int64_t i = 0; i < t.count(); ++i) {
    const KernelPlace place = parts.place_of(i);
    const int64_t to = parts.part_of(place);
    double sum = 0;
    for (int64_t from = 0; from < parts.count; ++from) {
      if (mixture(to, from) == 0) continue;
      sum += mixture(to, from) * static_cast<double>(t.data()[parts.index(parts.in_part(place, from))]);
    }
    result.data()[i] = static_cast<float>(sum);
  }
  return result;
}

class KernelMoves {
 public:
  KernelMoves(const KernelEquations& equations, KernelParts parts)
      : equations_(equations), parts_(parts), count_(parts.count) {}

  /// Empty: no few moves explain it.
  std::optional<Mixture> mixture() {
    if (!collect()) return std::nullopt;
    Mixture m = Mixture::Identity(count_, count_);
    VectorXd left = residual_;
    const double all = left.squaredNorm();
    const int64_t rounds = count_ <= 16 ? count_ + 2 : 8;
    for (int64_t round = 0; round < rounds && left.squaredNorm() > 1e-9 * all; ++round) {
      const VectorXd along = effects_.transpose() * left;
      double best = kWorthMoving * left.squaredNorm();
      std::vector<std::pair<int64_t, double>> move;
      // What is explained by factors of two effects.
      const auto consider = [&](int64_t a, double fa, int64_t b, double fb) {
        double gain = 2 * fa * along[a] - fa * fa * squares_[a];
        if (b >= 0)
          gain += 2 * fb * along[b] - fb * fb * squares_[b] - 2 * fa * fb * effects_.col(a).dot(effects_.col(b));
        // A second effect must have one: what acts on zeros only is nowhere.
        if (gain <= best + (b >= 0 ? 1e-6 * squares_[b] + 1e-9 * all : 0) || (b >= 0 && squares_[b] <= 1e-9 * all))
          return;
        best = gain;
        move = {{a, fa}};
        if (b >= 0) move.emplace_back(b, fb);
      };
      for (int64_t from = 0; from < count_; ++from) {
        consider(effect(from, from), -1, -1, 0);
        for (int64_t to = 0; to < count_; ++to) {
          if (to == from) continue;
          consider(effect(from, to), 1, -1, 0);
          consider(effect(from, from), -1, effect(from, to), 1);
          consider(effect(to, to), -1, effect(from, to), 1);
        }
      }
      if (move.empty()) break;
      for (const auto& [e, factor] : move) {
        left -= factor * effects_.col(e);
        m(e % count_, e / count_) += factor;
      }
    }
    if (m == Mixture::Identity(count_, count_)) return std::nullopt;
    return m;
  }

 private:
  int64_t effect(int64_t from, int64_t to) const { return from * count_ + to; }

  /// What part `from` of the right kernels would add if it acted as part `to`, too.
  bool collect() {
    const auto& blocks = equations_.blocks();
    const auto each = std::max<int64_t>(8, kMostPixels / static_cast<int64_t>(blocks.size()));
    int64_t rows = 0, products = 0;
    for (const auto& block : blocks) {
      if (!equations_.is_sure(block)) continue;
      const int64_t n = std::min<int64_t>(each, block.residual.size());
      rows += n;
      products += n * block.inputs.cols() * count_;
    }
    if (products > kMostProducts || rows * count_ * count_ > kMostProducts / 20) return false;
    effects_ = MatrixXd::Zero(rows, count_ * count_);
    residual_.resize(rows);
    int64_t at = 0;
    for (const auto& block : blocks) {
      if (!equations_.is_sure(block)) continue;
      const int64_t n = std::min<int64_t>(each, block.residual.size());
      residual_.segment(at, n) = block.residual.head(n);
      for (int64_t k = 0; k < block.inputs.cols(); ++k) {
        const KernelPlace place = parts_.place_of(equations_.index_of_column(block, k));
        const int64_t to = parts_.part_of(place);
        for (int64_t from = 0; from < count_; ++from) {
          const double value = equations_.weight().data()[parts_.index(parts_.in_part(place, from))];
          effects_.col(effect(from, to)).segment(at, n) += value * block.inputs.col(k).head(n);
        }
      }
      at += n;
    }
    squares_ = effects_.colwise().squaredNorm();
    return true;
  }

  const KernelEquations& equations_;
  KernelParts parts_;
  int64_t count_;
  MatrixXd effects_;  // columns: from * count + to
  VectorXd residual_, squares_;
};

/// What is where, in words; in `numbers`, how many were chosen.
class MoveWords {
 public:
  MoveWords(const KernelParts& parts, const Mixture& mixture, double& numbers) : p_(parts), m_(mixture), n_(numbers) {
    n_ = 0.2;
  }

  std::string words() {
    if (is_of_units(m_)) {
      by_reading();
    } else if (is_of_units(m_.transpose())) {
      by_value();
    } else {
      by_entry();
    }
    return fmt::format("{}", fmt::join(said_, ", and "));
  }

 private:
  static bool is_of_units(const Mixture& m) {
    for (int64_t k = 0; k < m.cols(); ++k) {
      if (m.col(k).cwiseAbs().sum() > 1.5 || m.col(k).minCoeff() < 0) return false;
    }
    return true;
  }

  static int64_t unit_of(const VectorXd& v) {
    Eigen::Index at = 0;
    return v.maxCoeff(&at) > 0.5 ? at : -1;
  }

  std::string thing() const {
    switch (p_.axis) {
      case KernelAxis::rows: return p_.transposed ? "the kernels' row" : "the window's row";
      case KernelAxis::columns: return p_.transposed ? "the kernels' column" : "the window's column";
      case KernelAxis::taps:
        return p_.transposed ? "the kernels' value (row, column)" : "the window's pixel (row, column)";
      case KernelAxis::inputs: return "input channel";
    }
    return "";
  }

  /// Where each part of the kernels acts: what of the window or of the input it reads.
  void by_reading() {
    for (int64_t part = 0; part < p_.count; ++part) {
      const int64_t read = unit_of(m_.col(part));
      if (read == part) continue;
      n_ += 0.4;
      if (read < 0) {
        said_.push_back(fmt::format("{} {} is left out", thing(), p_.name(part)));
      } else if (unit_of(m_.col(read)) == part) {
        if (read > part)
          said_.push_back(fmt::format("{} {} and {} are exchanged", thing(), p_.name(part), p_.name(read)));
      } else if (p_.transposed && p_.axis != KernelAxis::inputs) {
        said_.push_back(fmt::format("{} {} acts in the place of {}", thing(), p_.name(part), p_.name(read)));
      } else {
        const bool twice = unit_of(m_.col(read)) == read;
        said_.push_back(fmt::format("{} {} is read {}in place of {}", thing(), p_.name(read),
                                    twice ? "twice: also " : "", p_.name(part)));
      }
    }
  }

  /// Which part of the right kernels each part is.
  void by_value() {
    static constexpr const char* kNames[] = {"row", "column", "value (row, column)",
                                             "input channel"};  // NOLINT(*-arrays)
    const std::string name = kNames[static_cast<int>(p_.axis)];
    for (int64_t part = 0; part < p_.count; ++part) {
      const int64_t from = unit_of(m_.row(part).transpose());
      if (from == part) continue;
      n_ += 0.4;
      said_.push_back(from < 0 ? fmt::format("{} {} of all kernels is 0", name, p_.name(part))
                               : fmt::format("all kernels have what belongs at {} {} also at {} {}", name,
                                             p_.name(from), name, p_.name(part)));
    }
  }

  void by_entry() {
    for (int64_t to = 0; to < p_.count; ++to) {
      for (int64_t from = 0; from < p_.count; ++from) {
        const double more = m_(to, from) - (to == from ? 1 : 0);
        if (more == 0) continue;
        n_ += 0.5;
        if (to == from) {
          said_.push_back(fmt::format("{} {} is counted {:g} times", thing(), p_.name(from), m_(to, from)));
        } else {
          said_.push_back(fmt::format("what {} {} is multiplied by is {} at {}, too", thing(), p_.name(from),
                                      more > 0 ? "used" : "subtracted", p_.name(to)));
        }
      }
    }
  }

  const KernelParts& p_;
  const Mixture& m_;
  double& n_;
  std::vector<std::string> said_;
};

}  // namespace

std::vector<Mistake> kernel_moves(const KernelEquations& equations) {
  std::vector<Mistake> list;
  const Shape s = equations.weight().shape();
  const int64_t inputs = equations.is_transposed() ? s.n : s.c;
  const auto look_along = [&](KernelAxis axis, int64_t count, const char* id) {
    if (count < 2 || count > kMostParts) return;
    const KernelParts parts{axis, count, s, equations.is_transposed()};
    const auto mixture = KernelMoves(equations, parts).mixture();
    if (!mixture || !equations.left_of(mixed(equations.weight(), parts, *mixture)).is_near()) return;
    double numbers = 0;
    const std::string sentence = MoveWords(parts, *mixture, numbers).words();
    list.push_back({id, sentence, "kernel_parts", true,
                    [parts, m = *mixture](LayerPort& p) { p.weight = mixed(p.weight, parts, m); }, numbers});
    if (axis != KernelAxis::inputs || !equations.is_transposed() || s.c != 1) return;
    // Of one output, inputs that are exchanged are files of kernels that are.
    const Tensor<float> other = mixed(equations.weight(), parts, *mixture);
    for (int64_t i = 0; i < inputs; ++i) {
      const float* right = equations.weight().plane(i, 0);
      if (!std::equal(right, right + s.h * s.w, other.plane(i, 0))) list.back().parameters.emplace_back("kernel", i);
    }
  };
  look_along(KernelAxis::rows, s.h, "window_rows");
  look_along(KernelAxis::columns, s.w, "window_columns");
  if (s.h > 1 && s.w > 1) look_along(KernelAxis::taps, s.h * s.w, "window_pixels");
  look_along(KernelAxis::inputs, inputs, "input_channels_read");
  return list;
}

}  // namespace fsrcnn
