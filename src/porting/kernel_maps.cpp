#include "porting/kernel_maps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>

#include <fmt/format.h>
#include <Eigen/Dense>

#include "network/element_type.hpp"
#include "porting/rearrange.hpp"
#include "porting/vector_readings.hpp"

namespace fsrcnn {
namespace {

/// The indices of values that belong together: of each kernel, or of all kernels of an output channel.
std::vector<std::vector<int64_t>> kernel_groups(const Shape& s, bool outputs, bool transposed) {
  std::vector<std::vector<int64_t>> groups(static_cast<size_t>(outputs ? (transposed ? s.c : s.n) : s.n * s.c));
  const int64_t size = s.h * s.w;
  for (int64_t i = 0; i < s.n * s.c * size; ++i) {
    const int64_t kernel = i / size, output = transposed ? kernel % s.c : kernel / s.c;
    groups[static_cast<size_t>(outputs ? output : kernel)].push_back(i);
  }
  return groups;
}

Tensor<float> half_of_each(const Tensor<float>& a, const Tensor<float>& b) {
  Tensor<float> to = a;
  for (int64_t i = 0; i < a.count(); ++i) to.data()[i] = (a.data()[i] + b.data()[i]) / 2;
  return to;
}

/// The product of a column and a row that is nearest to each kernel.
Tensor<float> separable(const Tensor<float>& t) {
  using Kernel = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Tensor<float> to = t;
  const Shape s = t.shape();
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t c = 0; c < s.c; ++c) {
      const Eigen::MatrixXd kernel = Eigen::Map<const Kernel>(t.plane(n, c), s.h, s.w).cast<double>();
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(kernel.transpose() * kernel);
      const Eigen::VectorXd row = solver.eigenvectors().col(s.w - 1);
      Eigen::Map<Kernel>(to.plane(n, c), s.h, s.w) = (kernel * row * row.transpose()).cast<float>();
    }
  }
  return to;
}

/// The nearest number that 16 bits hold; of two, the even one.
uint16_t nearest_of_16_bits(float v, const std::function<float(uint16_t)>& read) {
  // Sizes grow with the bits.
  uint16_t low = 0, high = 0x7bff;
  const float size = std::abs(v);
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (read(middle) <= size ? low : high) = middle;
  }
  const float below = size - read(low), above = read(high) - size;
  const uint16_t nearest = below < above || (below == above && low % 2 == 0) ? low : high;
  return static_cast<uint16_t>(nearest | (std::signbit(v) ? 0x8000U : 0U));
}

double exponent_of(double v, double base) { return v == 0 ? 0 : std::floor(std::log(std::abs(v)) / std::log(base)); }

class KernelMaps {
 public:
  KernelMaps(const Tensor<float>& weight, bool transposed) : shape_(weight.shape()), transposed_(transposed) {
    for (const float v : weight.values()) largest_ = std::max<double>(largest_, std::abs(v));
  }

  std::vector<KernelMap> all() {
    values();
    exponents();
    halves();
    words();
    scales();
    kernels();
    return std::move(list_);
  }

 private:
  void put(std::string id, std::string sentence, double numbers, TensorOp op) {
    list_.push_back({std::move(id), std::move(sentence), numbers, std::move(op)});
  }

  void each(const std::string& id, const std::string& sentence, double numbers,
            const std::function<double(double)>& f) {
    put(id, sentence, numbers,
        [f](const Tensor<float>& t) { return mapped(t, [&f](float v) { return static_cast<float>(f(v)); }); });
  }

  void values() {
    each("kernels_absolute", "the kernels' values have lost their sign (absolute values)", 0.2,
         [](double v) { return std::abs(v); });
    each("kernels_clipped_at_0", "the kernels' values below 0 are 0 (words without a sign, clipped)", 0.3,
         [](double v) { return std::max(v, 0.0); });
    each("kernels_only_negative", "the kernels' values above 0 are 0", 0.4, [](double v) { return std::min(v, 0.0); });
    each("kernels_signs", "the kernels' values are their signs: 1 or -1", 0.4, [](double v) {
      return v > 0 ? 1 : v < 0 ? -1 : 0;
    });
    each("kernels_squared", "the kernels' values are squared", 0.4, [](double v) { return v * v; });
    each("kernels_squared_signed", "the kernels' values are squared and keep their signs", 0.5,
         [](double v) { return v * std::abs(v); });
    const bool all_lost = largest_ < 1;
    each("kernels_integers",
         all_lost ? "the kernels' values are all 0, as where they are read as integers (all decimals are lost)"
                  : "the kernels' values are truncated to integers (all decimals are lost)",
         0.2, [](double v) { return std::trunc(v); });
    each("kernels_rounded_integers", "the kernels' values are rounded to integers (all decimals are lost)", 0.3,
         [](double v) { return std::nearbyint(v); });
    each("kernels_floor_integers", "the kernels' values are rounded down to integers (all decimals are lost)", 0.3,
         [](double v) { return std::floor(v); });
  }

  void exponents() {
    each("kernels_exponents_ignored",
         "the exponents of the kernels' values are ignored: 1.5e-02 is read as 1.5 (powers of 10 are lost)", 0.3,
         [](double v) { return v / std::pow(10.0, exponent_of(v, 10)); });
    for (const int power : {3, 4, 5}) {
      const double limit = std::pow(10.0, -power);
      each(fmt::format("kernels_exponents_ignored_below_1e-{}", power),
           fmt::format("the exponents of the kernels' values below 1e-{} are ignored: 1.5e-0{} is read as 1.5", power,
                       power + 1),
           0.3, [limit](double v) { return std::abs(v) < limit ? v / std::pow(10.0, exponent_of(v, 10)) : v; });
    }
    each("kernels_exponents_positive", "the exponents of the kernels' values have lost their minus: 1.5e-02 is 1.5e+02",
         0.4, [](double v) { return v / std::pow(10.0, 2 * exponent_of(v, 10)); });
    for (const double low : {1.0, 0.5}) {
      each(fmt::format("kernels_mantissas_{:g}", low),
           fmt::format("the binary exponents of the kernels' values are ignored: they are mantissas from {:g} to {:g}",
                       low, 2 * low),
           0.4, [low](double v) {
             int exponent = 0;
             return std::frexp(v, &exponent) * 2 * low;
           });
    }
  }

  void integers(const std::string& id, const std::string& what, double numbers, double step, int bits,
                const std::function<int64_t(int64_t)>& f) {
    each(id, "the kernels are " + what, numbers, [step, bits, f](double v) {
      const double limit = std::ldexp(1, bits - 1);
      const double word = std::clamp(std::nearbyint(v / step), -limit, limit - 1);
      return static_cast<double>(f(static_cast<int64_t>(word))) * step;
    });
  }

  /// Floats of 16 bits that are taken for those of another kind.
  void halves() {
    const auto put_read = [&](const char* id, const char* sentence, const std::function<float(uint16_t)>& read,
                              const std::function<uint16_t(float)>& write) {
      each(id, sentence, 0.3, [read, write](double v) { return read(write(static_cast<float>(v))); });
    };
    put_read("kernels_bfloat16_as_half", "the kernels are stored as bfloat16 and read as float16", from_half,
             [](float v) { return nearest_of_16_bits(v, from_bfloat16); });
    put_read("kernels_cut_bfloat16_as_half", "the kernels are stored as bfloat16 (cut off) and read as float16",
             from_half, [](float v) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16U); });
    put_read("kernels_half_as_bfloat16", "the kernels are stored as float16 and read as bfloat16", from_bfloat16,
             [](float v) { return nearest_of_16_bits(v, from_half); });
  }

  /// Integers that are misread.
  void words() {
    struct Step {
      double step;
      std::string words;
    };
    for (const int bits : {8, 16, 32}) {
      const double most = std::ldexp(1, bits - 1);
      std::vector<Step> steps = {{largest_ / (most - 1), fmt::format("the largest / {:.0f}", most - 1)},
                                 {largest_ / most, fmt::format("the largest / {:.0f}", most)}};
      for (int k = bits == 8 ? 4 : bits / 2 - 2; k < bits + 4; ++k) {
        steps.push_back({std::ldexp(1, -k), fmt::format("2^-{}", k)});
      }
      for (const Step& step : steps) {
        const std::string of = fmt::format("words of {} bits (steps of {})", bits, step.words);
        if (bits > 8) {
          integers(fmt::format("kernels_bytes_swapped_{}", bits), of + " in the other byte order (endianness)", 0.4,
                   step.step, bits, [bits](int64_t w) { return bytes_exchanged(w, bits / 8); });
        } else {
          integers("kernels_nibbles_swapped", of + " with their halves of 4 bits exchanged", 0.6, step.step, bits,
                   [](int64_t w) { return static_cast<int64_t>(static_cast<int8_t>((w & 15) << 4 | (w >> 4 & 15))); });
        }
        if (bits == 32 || largest_ <= step.step * most) continue;
        each(fmt::format("kernels_wrapped_{}", bits),
             "the kernels are " + of + ", beyond whose range values wrap round", 0.5,
             [step = step.step, most](double v) {
               const double word = std::nearbyint(v / step);
               return (word - 2 * most * std::floor((word + most) / (2 * most))) * step;
             });
      }
    }
  }

  /// Steps of integer weights taken along the other axis.
  void scales() {
    if (shape_.n != shape_.c || shape_.n < 2) return;
    for (const bool back : {false, true}) {
      put(fmt::format("kernels_scales_other_axis_{}", back ? 1 : 0),
          fmt::format("the kernels' scales are those of the {} channels, where they were quantised by the {}: each is "
                      "scaled by the ratio of the two",
                      back ? "output" : "input", back ? "input" : "output"),
          0.4, [back](const Tensor<float>& t) {
            const Shape s = t.shape();
            std::vector<double> a(static_cast<size_t>(s.n)), b(static_cast<size_t>(s.c));
            for (int64_t i = 0; i < t.count(); ++i) {
              const int64_t kernel = i / (s.h * s.w);
              double &of_a = a[static_cast<size_t>(kernel / s.c)], &of_b = b[static_cast<size_t>(kernel % s.c)];
              of_a = std::max<double>(of_a, std::abs(t.data()[i]));
              of_b = std::max<double>(of_b, std::abs(t.data()[i]));
            }
            Tensor<float> to = t;
            // By the same vector: that of the axis by which they were quantised.
            for (int64_t i = 0; i < t.count(); ++i) {
              const int64_t kernel = i / (s.h * s.w);
              const auto o = static_cast<size_t>(kernel / s.c), in = static_cast<size_t>(kernel % s.c);
              const double ratio = back ? b[o] / b[in] : a[in] / a[o];
              to.data()[i] = static_cast<float>(t.data()[i] * ratio);
            }
            return to;
          });
    }
  }

  using Norm = std::function<double(const Tensor<float>&, const std::vector<int64_t>&)>;

  void normalised(const std::string& id, const std::string& what, bool outputs, bool subtracts, const Norm& norm) {
    const std::string whose = outputs ? "the kernels of each output channel" : "each kernel";
    put(fmt::format("kernels_{}_{}", id, outputs ? "outputs" : "each"),
        fmt::format("{} {} {} {} (normalised)", whose, outputs ? "have" : "has", what,
                    subtracts ? "subtracted" : "divided out"),
        outputs ? 0.3 : 0.35, [groups = kernel_groups(shape_, outputs, transposed_), norm, subtracts](const auto& t) {
          Tensor<float> to = t;
          for (const std::vector<int64_t>& group : groups) {
            const double n = norm(t, group);
            for (const int64_t i : group) {
              to.data()[i] = static_cast<float>(subtracts ? t.data()[i] - n : n == 0 ? 0 : t.data()[i] / n);
            }
          }
          return to;
        });
  }

  void kernels() {
    const auto sum_of_powers = [](const std::function<double(double)>& f) -> Norm {
      return [f](const Tensor<float>& t, const std::vector<int64_t>& group) {
        double sum = 0;
        for (const int64_t i : group) sum += f(t.data()[i]);
        return sum;
      };
    };
    const Norm sum = sum_of_powers([](double v) { return v; });
    const Norm sizes = sum_of_powers([](double v) { return std::abs(v); });
    const Norm squares = sum_of_powers([](double v) { return v * v; });
    for (const bool outputs : {true, false}) {
      if (!outputs && shape_.h * shape_.w == 1) continue;
      normalised("sizes_sum_1", "the sum of their sizes", outputs, false, sizes);
      normalised("sum_1", "the sum of their values", outputs, false, sum);
      normalised("norm_1", "their norm (the root of the sum of squares)", outputs, false,
                 [squares](const auto& t, const auto& group) { return std::sqrt(squares(t, group)); });
      normalised("largest_1", "their largest value", outputs, false, [](const auto& t, const auto& group) {
        double most = 0;
        for (const int64_t i : group) most = std::max<double>(most, std::abs(t.data()[i]));
        return most;
      });
      normalised("mean_0", "their mean", outputs, true,
                 [sum](const auto& t, const auto& group) { return sum(t, group) / static_cast<double>(group.size()); });
    }
    if (shape_.h * shape_.w == 1) return;
    put("kernels_separable", "each kernel is made separable: the nearest product of a column and a row (rank 1)", 0.3,
        separable);
    put("kernels_mean_of_taps", "each kernel is its mean at all its taps (a box)", 0.3,
        [groups = kernel_groups(shape_, false, transposed_)](const Tensor<float>& t) {
          Tensor<float> to = t;
          for (const std::vector<int64_t>& group : groups) {
            double all = 0;
            for (const int64_t i : group) all += t.data()[i];
            for (const int64_t i : group) to.data()[i] = static_cast<float>(all / static_cast<double>(group.size()));
          }
          return to;
        });
    const auto symmetric = [&](const char* id, const char* what, const TensorOp& op) {
      put(fmt::format("kernels_symmetric_{}", id), fmt::format("each kernel is the mean of itself and {}", what), 0.4,
          [op](const Tensor<float>& t) { return half_of_each(t, op(t)); });
    };
    symmetric("columns", "its mirror image (left and right are alike)",
              [](const Tensor<float>& t) { return flip(t, false, true); });
    symmetric("rows", "itself upside down (top and bottom are alike)",
              [](const Tensor<float>& t) { return flip(t, true, false); });
    symmetric("turned", "itself turned by 180 degrees", [](const Tensor<float>& t) { return flip(t, true, true); });
    if (shape_.h == shape_.w) symmetric("transposed", "its transpose", transpose);
  }

  Shape shape_;
  bool transposed_;
  double largest_ = 0;
  std::vector<KernelMap> list_;
};

}  // namespace

std::vector<KernelMap> kernel_maps(const Tensor<float>& weight, bool transposed) {
  return KernelMaps(weight, transposed).all();
}

}  // namespace fsrcnn
