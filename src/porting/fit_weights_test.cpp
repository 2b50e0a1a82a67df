#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

using Weight = std::function<double(int64_t, int64_t, int64_t, int64_t)>;

double largest_weight(const LayerLoops& l) {
  double most = 0;
  for (int64_t o = 0; o < l.outputs; ++o)
    for (int64_t i = 0; i < l.inputs; ++i)
      for (int64_t y = 0; y < l.kernel; ++y)
        for (int64_t x = 0; x < l.kernel; ++x) most = std::max(most, std::abs(l.weight(o, i, y, x)));
  return most;
}

/// Each value by itself: f(value, largest, random number from 0 to 1).
template <class F>
Kind of_values(const char* name, const std::set<std::string>& ids, F&& f, decltype(Kind::fits) fits = is_any) {
  return in_loops(name, fits, ids, [f](LayerLoops& l, const auto&, size_t, Random& r) {
    const double most = largest_weight(l), chosen = real(r, 0, 1);
    l.weight = [w = l.weight, f, most, chosen](auto o, auto i, auto y, auto x) {
      return f(w(o, i, y, x), most, chosen);
    };
  });
}

/// The product of a column and a row nearest to a kernel, found by turns.
std::vector<double> rank_one(const Weight& w, int64_t o, int64_t i, int64_t k) {
  std::vector<double> row(static_cast<size_t>(k), 1), column(static_cast<size_t>(k));
  for (size_t y = 0; y < row.size(); ++y) row[y] += 0.1 * static_cast<double>(y);
  for (int round = 0; round < 3000; ++round) {
    for (const bool columns : {true, false}) {
      std::vector<double>&to = columns ? column : row, &from = columns ? row : column;
      double size = 0;
      for (const double v : from) size += v * v;
      for (int64_t a = 0; a < k; ++a) {
        double sum = 0;
        for (int64_t b = 0; b < k; ++b) sum += from[static_cast<size_t>(b)] * (columns ? w(o, i, a, b) : w(o, i, b, a));
        to[static_cast<size_t>(a)] = sum / std::max(size, 1e-30);
      }
    }
  }
  std::vector<double> product;
  for (const double a : column)
    for (const double b : row) product.push_back(a * b);
  return product;
}

std::vector<Kind> kinds_of_kernels() {
  std::vector<Kind> list;
  list.push_back(of_values("signs lost", {"kernels_absolute"}, [](double v, double, double) { return std::abs(v); }));
  list.push_back(of_values("read as unsigned", {"kernels_without_sign"},
                           [](double v, double most, double) { return v < 0 ? v + 256 * most / 127 : v; }));
  list.push_back(of_values("small ones pruned", {"kernels_small_zeroed"}, [](double v, double most, double c) {
    return std::abs(v) < (0.1 + 0.1 * c) * most ? 0 : v;
  }));
  list.push_back(of_values("large ones clipped", {"kernels_clipped"}, [](double v, double most, double c) {
    return std::clamp(v, -(0.3 + 0.2 * c) * most, (0.3 + 0.2 * c) * most);
  }));
  list.push_back(of_values("exponents ignored", {"kernels_exponents_ignored"}, [](double v, double, double) {
    return v / std::pow(10.0, std::floor(std::log10(std::abs(v))));
  }));
  list.push_back(of_values("words of 16 bits in the other byte order", {"kernels_bytes_swapped_16"},
                           [](double v, double most, double) {
                             const auto word = static_cast<int16_t>(std::nearbyint(v / most * 32767));
                             const auto w = static_cast<uint16_t>(word);
                             return most / 32767 * static_cast<int16_t>(static_cast<uint16_t>(w << 8 | w >> 8));
                           }));
  list.push_back(in_loops("weights end too soon", has_channels,
                          {"kernels_end_too_soon", "kernels_and_biases_*", "kernels_outputs_dead"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            const int64_t each = l.inputs * l.kernel * l.kernel, all = l.outputs * each;
                            const int64_t end = some(r, all / 2, all - each / 2);
                            l.weight = [w = l.weight, end, n = l.inputs, k = l.kernel](auto o, auto i, auto y, auto x) {
                              return ((o * n + i) * k + y) * k + x < end ? w(o, i, y, x) : 0;
                            };
                          }));
  list.push_back(in_loops("normalised", has_channels, {"kernels_sizes_sum_1_outputs"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            std::vector<double> sums;
                            for (int64_t o = 0; o < l.outputs; ++o) {
                              double& sum = sums.emplace_back(0);
                              for (int64_t i = 0; i < l.inputs; ++i)
                                for (int64_t t = 0; t < l.kernel * l.kernel; ++t)
                                  sum += std::abs(l.weight(o, i, t / l.kernel, t % l.kernel));
                            }
                            l.weight = [w = l.weight, sums](auto o, auto i, auto y, auto x) {
                              return w(o, i, y, x) / sums[static_cast<size_t>(o)];
                            };
                          }));
  list.push_back(
      in_loops("made separable", is_mapping, {"kernels_separable"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        std::vector<std::vector<double>> products;
        for (int64_t o = 0; o < l.outputs; ++o)
          for (int64_t i = 0; i < l.inputs; ++i) products.push_back(rank_one(l.weight, o, i, l.kernel));
        l.weight = [products, n = l.inputs, k = l.kernel](auto o, auto i, auto y, auto x) {
          return products[static_cast<size_t>(o * n + i)][static_cast<size_t>(y * k + x)];
        };
      }));
  list.push_back(in_loops(
      "a row of the window read twice",
      [](const auto& w, size_t layer) { return has_channels(w, layer) && has_kernel(w, layer); }, {"window_rows"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        const int64_t row = some(r, 0, l.kernel - 2);
        l.weight = [w = l.weight, row](auto o, auto i, auto y, auto x) {
          return y == row ? w(o, i, y, x) + w(o, i, y + 1, x) : y == row + 1 ? 0 : w(o, i, y, x);
        };
      }));
  list.push_back(in_loops(
      "an input channel read for another",
      [](const auto& w, size_t layer) { return layer > 0 && has_channels(w, layer); }, {"input_channels_read"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        const int64_t wrong = some(r, 0, l.inputs - 2);
        l.read = [f = l.read, wrong](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
          return f(in, c == wrong ? c + 1 : c, y, x, oy, ox);
        };
      }));
  list.push_back(in_loops("a factor for each kernel", is_mapping, {"kernels_scaled_each"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.weight = [w = l.weight](auto o, auto i, auto y, auto x) {
                              return w(o, i, y, x) * (1 + 0.1 * static_cast<double>((5 * o + 3 * i) % 7));
                            };
                          }));
  return list;
}

double slope_of(const LayerLoops& l, int64_t o) { return -l.activate(-1, o); }

std::vector<double> slopes_of(const LayerLoops& l) {
  std::vector<double> slopes;
  for (int64_t o = 0; o < l.outputs; ++o) slopes.push_back(slope_of(l, o));
  return slopes;
}

/// The activation with other slopes.
void use_slopes(LayerLoops& l, std::vector<double> slopes) {
  l.activate = [slopes = std::move(slopes)](double z, auto o) {
    return z > 0 ? z : z * slopes[static_cast<size_t>(o)];
  };
}

/// What comes after the products: f(sum of products, channel, y, x).
template <class F>
void after_products(LayerLoops& l, F&& f) {
  l.bias = [](auto) { return 0.0; };
  l.activate = [](double z, auto) { return z; };
  l.write = f;
}

std::vector<Kind> kinds_of_vectors() {
  std::vector<Kind> list;
  list.push_back(in_loops("slopes of two channels exchanged", has_channels, {"slope_exchanged", "slope_*"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            std::vector<double> a = slopes_of(l);
                            const auto first = static_cast<size_t>(some(r, 0, l.outputs - 2));
                            std::swap(a[first], a[first + 1]);
                            use_slopes(l, a);
                          }));
  list.push_back(in_loops("slopes rounded to shifts", has_channels, {"slope_powers_of_two"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            std::vector<double> slopes = slopes_of(l);
                            for (double& a : slopes) {
                              if (a != 0) a = std::copysign(std::exp2(std::nearbyint(std::log2(std::abs(a)))), a);
                            }
                            use_slopes(l, slopes);
                          }));
  list.push_back(
      in_loops("slopes added", has_channels, {"slope_added"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        l.activate = [a = slopes_of(l)](double z, auto o) { return z > 0 ? z : z + a[static_cast<size_t>(o)]; };
      }));
  list.push_back(in_loops("ELU", has_channels, {"activation_elu"}, [](LayerLoops& l, const auto&, size_t, Random&) {
    l.activate = [](double z, auto) { return z > 0 ? z : std::expm1(z); };
  }));
  list.push_back(in_loops("SiLU", has_channels, {"activation_silu"}, [](LayerLoops& l, const auto&, size_t, Random&) {
    l.activate = [](double z, auto) { return z / (1 + std::exp(-z)); };
  }));
  list.push_back(in_loops("a sigmoid at the end", is_tail, {"activation_sigmoid"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.activate = [](double z, auto) { return 1 / (1 + std::exp(-z)); };
                          }));
  list.push_back(
      in_loops("slopes by columns", has_channels, {"slope_by_column"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        const std::vector<double> a = slopes_of(l);
        after_products(l, [a, b = l.bias](double z, auto o, auto, auto x) {
          z += b(o);
          return z > 0 ? z : z * a[static_cast<size_t>(x) % a.size()];
        });
      }));
  list.push_back(
      in_loops("biases by rows", has_channels, {"bias_by_row"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        after_products(l, [b = l.bias, f = l.activate, n = l.outputs](double z, auto o, auto y, auto) {
          return f(z + b(y % n), o);
        });
      }));
  list.push_back(in_loops("biases missing at the border", has_channels, {"bias_missing_at_border"},
                          [](LayerLoops& l, const auto& w, size_t layer, Random& r) {
                            const Shape s = w.values[layer + 1].shape();
                            const int64_t n = some(r, 1, 3);
                            after_products(l, [=, b = l.bias, f = l.activate](double z, auto o, auto y, auto x) {
                              const bool inside = y >= n && x >= n && y < s.h - n && x < s.w - n;
                              return f(z + (inside ? b(o) : 0), o);
                            });
                          }));
  list.push_back(in_loops("biases of two channels exchanged", has_channels, {"bias_exchanged", "bias_*"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            const int64_t first = some(r, 0, l.outputs - 2);
                            l.bias = [f = l.bias, first](auto o) {
                              return f(o == first ? o + 1 : o == first + 1 ? o - 1 : o);
                            };
                          }));
  return list;
}

std::vector<Kind> kinds_of_products() {
  std::vector<Kind> list;
  for (const bool down : {true, false}) {
    Kind kind{"products in steps", has_channels, nullptr, {"products_in_steps"}};
    kind.plant = [down](const FitWorld& w, size_t layer, Random& r) {
      const LayerLoops l(w.model, layer);
      const Tensor<float>& in = input_of(w, layer);
      Tensor<float> to(w.values[layer + 1].shape());
      const Shape s = to.shape();
      const double steps = std::exp2(static_cast<double>(some(r, 6, 9)));
      for (int64_t o = 0; o < s.c; ++o)
        for (int64_t y = 0; y < s.h; ++y)
          for (int64_t x = 0; x < s.w; ++x) {
            double sum = 0;
            for (int64_t i = 0; i < l.inputs; ++i)
              for (int64_t ky = 0; ky < l.kernel; ++ky)
                for (int64_t kx = 0; kx < l.kernel; ++kx) {
                  const auto product = static_cast<float>(
                      l.weight(o, i, ky, kx) * l.read(in, i, y + ky - l.kernel / 2, x + kx - l.kernel / 2, y, x));
                  sum += (down ? std::floor(product * steps) : std::trunc(product * steps)) / steps;
                }
            to(0, o, y, x) = static_cast<float>(l.activate(sum + l.bias(o), o));
          }
      return to;
    };
    list.push_back(std::move(kind));
  }
  return list;
}

TEST(Fit, NamesKernelsOfARule) { expect_named(kinds_of_kernels(), 0.9); }
TEST(Fit, NamesActivationsSlopesAndBiases) { expect_named(kinds_of_vectors(), 0.9); }

TEST(Fit, NamesProductsInSteps) {
  const std::vector<Kind> kinds = kinds_of_products();
  Random random(3);
  int named = 0, count = 0;
  for (const FitWorld& world : fit_worlds()) {
    for (const Kind& kind : kinds) {
      for (const size_t layer : {size_t{1}, size_t{2}}) {
        if (world.name == "large" || !kind.fits(world, layer)) continue;
        const Diagnosis d = diagnose_layer(world, layer, kind.plant(world, layer, random));
        const bool is_named = d.mistakes == std::vector<std::string>{"products_in_steps"};
        named += is_named ? 1 : 0;
        ++count;
        EXPECT_TRUE(is_named || d.mistakes.empty()) << d.verdict;
        if (!is_named) std::printf("%s\n", d.verdict.c_str());
      }
    }
  }
  EXPECT_GE(named, count - 1);
}

}  // namespace
}  // namespace fsrcnn::test
