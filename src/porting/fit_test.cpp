#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

float quantile(std::vector<float> v, double q) {
  std::sort(v.begin(), v.end());
  return v[static_cast<size_t>(q * static_cast<double>(v.size() - 1))];
}

std::vector<Kind> kinds_of_values() {
  std::vector<Kind> list;
  list.push_back(in_output("output times a factor", is_any, {"output_scaled"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             const double a = real(r, 0.2, 0.9);
                             for (float& v : t.values()) v = static_cast<float>(v * a);
                           }));
  list.push_back(in_output("output plus an offset", is_any, {"output_scaled", "bias_offset", "sum_scaled"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             const double b = real(r, 0.01, 0.1);
                             for (float& v : t.values()) v = static_cast<float>(v + b);
                           }));
  list.push_back(in_loops(
      "weights times a factor", is_any, {"weights_scaled", "input_scaled", "sum_scaled", "weights_and_bias_scaled"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.weight = [f = l.weight, a = real(r, 0.5, 1.5)](auto o, auto i, auto y, auto x) { return a * f(o, i, y, x); };
      }));
  list.push_back(in_loops("bias times a factor", has_channels, {"bias_scaled", "bias"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            l.bias = [f = l.bias, a = real(r, 1.3, 3)](auto o) { return a * f(o); };
                          }));
  list.push_back(in_loops("one other bias", has_channels, {"bias"}, [](LayerLoops& l, const auto&, size_t, Random& r) {
    const int64_t c = some(r, 0, l.outputs - 1);
    l.bias = [f = l.bias, c, b = real(r, 0.05, 0.2)](auto o) { return f(o) + (o == c ? b : 0); };
  }));
  list.push_back(in_loops("biases off by one", has_channels, {"bias_off_by_*", "bias_rotated*", "bias"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.bias = [f = l.bias, n = l.outputs](auto o) { return o + 1 < n ? f(o + 1) : 0.0; };
                          }));
  list.push_back(
      in_loops("channels scaled", has_channels, {"channels_scaled"}, [](LayerLoops& l, const auto&, size_t, Random& r) {
        const int64_t c = some(r, 0, l.outputs - 1);
        const double a = real(r, 1.1, 1.9);
        l.weight = [f = l.weight, c, a](auto o, auto i, auto y, auto x) { return f(o, i, y, x) * (o == c ? a : 1); };
      }));
  list.push_back(in_output("clipped", is_any, {"output_clipped", "sum_clipped"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             const float high = quantile(t.values(), real(r, 0.8, 0.95));
                             for (float& v : t.values()) v = std::min(v, high);
                           }));
  list.push_back(in_loops("sums wrap", has_channels, {"sum_wrapped", "output_wrapped"},
                          [](LayerLoops& l, const auto& w, size_t layer, Random&) {
                            const std::vector<float>& v = w.values[layer + 1].values();
                            const double size = std::max(-quantile(v, 0.02), quantile(v, 0.98));
                            const double half = std::exp2(std::floor(std::log2(std::max(size, 1e-3))));
                            l.activate = [f = l.activate, half](double z, auto o) {
                              return f(z - 2 * half * std::floor((z + half) / (2 * half)), o);
                            };
                          }));
  list.push_back(
      in_loops("other slopes", has_channels, {"slopes", "slope_*"}, [](LayerLoops& l, const auto&, size_t, Random& r) {
        std::vector<double> a;
        for (int64_t i = 0; i < l.outputs; ++i) a.push_back(real(r, -0.5, 0.9));
        l.activate = [a](double z, auto o) { return z > 0 ? z : z * a[static_cast<size_t>(o)]; };
      }));
  list.push_back(in_loops("the activation's halves exchanged", has_channels, {"activation_negated", "activation_other"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.activate = [f = l.activate](double z, auto o) { return -f(-z, o); };
                          }));
  return list;
}

std::vector<Kind> kinds_of_orders() {
  std::vector<Kind> list;
  const auto channels = [&](const char* name, const std::set<std::string>& ids,
                            const std::function<int64_t(int64_t, int64_t, Random&, int64_t)>& source) {
    list.push_back(in_output(name, has_channels, ids,
                             [source](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random& r) {
                               const Shape s = t.shape();
                               const int64_t p = some(r, 1, s.c - 1);
                               for (int64_t c = 0; c < s.c; ++c) {
                                 const int64_t from = source(c, s.c, r, p);
                                 for (int64_t i = 0; i < s.h * s.w; ++i)
                                   t.plane(0, c)[i] = from < 0 ? 0 : right.plane(0, from)[i];
                               }
                             }));
  };
  channels("channels rotated", {"output_channels_*"}, [](auto c, auto n, auto&, auto p) { return (c + p) % n; });
  channels("a dead channel", {"output_channels_dead", "kernels_and_biases_*"},
           [](auto c, auto, auto&, auto p) { return c == p ? -1 : c; });
  channels("a copied channel", {"output_channels_*"}, [](auto c, auto, auto&, auto p) { return c == p ? p - 1 : c; });
  channels("channels in groups of two exchanged", {"output_channels_*"},
           [](auto c, auto, auto&, auto) { return c ^ 1; });
  list.push_back(in_loops("kernels of other outputs", has_channels, {"kernels_outputs_*", "kernels_off_by*"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            l.weight = [f = l.weight, n = l.outputs, p = some(r, 1, l.outputs - 1)](
                                           auto o, auto i, auto y, auto x) { return f((o + p) % n, i, y, x); };
                          }));
  list.push_back(in_loops(
      "input channels rotated", [](const auto& w, size_t layer) { return layer > 0 && is_any(w, layer); },
      {"input_channels_*", "kernels_inputs_*"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.weight = [f = l.weight, n = l.inputs, p = some(r, 1, l.inputs - 1)](auto o, auto i, auto y, auto x) {
          return f(o, (i + p) % n, y, x);
        };
      }));
  list.push_back(in_output("columns exchanged in pairs", is_any, {"output_columns_*", "output_phases_exchanged"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const Shape s = t.shape();
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 0; y < s.h; ++y)
                                 for (int64_t x = 0; x < s.w / 2 * 2; ++x) t(0, c, y, x) = right(0, c, y, x ^ 1);
                           }));
  list.push_back(in_output("phases exchanged", is_tail,
                           {"output_phases_exchanged", "output_rows_*", "output_columns_*"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto& w, size_t, Random&) {
                             const Shape o = t.shape();
                             const int64_t s = w.model.scale;
                             for (int64_t y = 0; y < o.h; ++y)
                               for (int64_t x = 0; x < o.w; ++x)
                                 t(0, 0, y, x) = right(0, 0, y / s * s + x % s, x / s * s + y % s);
                           }));
  list.push_back(in_output("moved", is_any, {"output_moved_*", "input_moved_*", "crop_off_*"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random& r) {
                             const Shape s = t.shape();
                             const int64_t dy = some(r, -3, 3), dx = some(r, 1, 4);
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 0; y < s.h; ++y)
                                 for (int64_t x = 0; x < s.w; ++x) {
                                   const int64_t fy = y - dy, fx = x - dx;
                                   t(0, c, y, x) = fy < 0 || fx < 0 || fy >= s.h || fx >= s.w ? 0 : right(0, c, fy, fx);
                                 }
                           }));
  list.push_back(in_output("delayed in raster order", is_any, {"output_delayed_*", "output_moved_*", "input_moved_*"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random& r) {
                             const Shape s = t.shape();
                             const int64_t n = some(r, 1, 2 * s.w);
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t i = 0; i < s.h * s.w; ++i)
                                 t.plane(0, c)[i] = i < n ? 0 : right.plane(0, c)[i - n];
                           }));
  return list;
}

TEST(Fit, NamesMapsOfValues) { expect_named(kinds_of_values(), 0.9); }
TEST(Fit, NamesOrders) { expect_named(kinds_of_orders(), 0.9); }

}  // namespace
}  // namespace fsrcnn::test
