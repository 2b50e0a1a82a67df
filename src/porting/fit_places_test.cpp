#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

/// The row (column) that stands where `at` lies outside, in a mode.
int64_t beyond(int64_t at, int64_t extent, int mode) {
  if (at >= 0 && at < extent) return at;
  if (mode == 0) return std::clamp<int64_t>(at, 0, extent - 1);
  if (mode == 1) return at < 0 ? -at : 2 * extent - 2 - at;
  if (mode == 2) return at < 0 ? -1 - at : 2 * extent - 1 - at;
  return (at + extent) % extent;
}

std::vector<Kind> kinds_of_places() {
  std::vector<Kind> list;
  const auto is_padded = [](const FitWorld& w, size_t layer) { return has_kernel(w, layer); };
  list.push_back(in_loops("padding of another mode on some sides", is_padded, {"padding*"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            const int rows = static_cast<int>(some(r, 0, 3)), columns = static_cast<int>(some(r, 0, 3));
                            const int64_t sides = some(r, 1, 3);
                            l.read = [=](const Tensor<float>& in, auto c, auto y, auto x, auto, auto) -> double {
                              const Shape s = in.shape();
                              const int64_t fy = sides & 1 ? beyond(y, s.h, rows) : y,
                                            fx = sides & 2 ? beyond(x, s.w, columns) : x;
                              return fy < 0 || fx < 0 || fy >= s.h || fx >= s.w ? 0 : in(0, c, fy, fx);
                            };
                          }));
  list.push_back(in_loops(
      "a constant beyond the picture", is_padded, {"padding"}, [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.read = [v = real(r, 0.05, 0.5)](const Tensor<float>& in, auto c, auto y, auto x, auto, auto) {
          const Shape s = in.shape();
          return y < 0 || x < 0 || y >= s.h || x >= s.w ? v : in(0, c, y, x);
        };
      }));
  list.push_back(in_loops(
      "bottom padding not cleared",
      [](const auto& w, size_t layer) { return has_kernel(w, layer) && !is_tail(w, layer); }, {"padding"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.read = [k = l.kernel + some(r, 0, 3)](const Tensor<float>& in, auto c, auto y, auto x, auto, auto) -> double {
          const Shape s = in.shape();
          const int64_t fy = y >= s.h ? y - k : y;
          return fy < 0 || x < 0 || x >= s.w ? 0 : in(0, c, fy, x);
        };
      }));
  list.push_back(
      in_loops("rows run on into the next", is_padded, {"padding"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        l.read = [](const Tensor<float>& in, auto c, auto y, auto x, auto, auto) -> double {
          const Shape s = in.shape();
          if (y < 0 || y >= s.h) return 0;
          const int64_t i = y * s.w + x;
          return i < 0 || i >= s.h * s.w ? 0 : in.plane(0, c)[i];
        };
      }));
  list.push_back(in_loops(
      "tiles with too small a halo", is_padded, {"tiles"}, [](LayerLoops& l, const auto& w, size_t layer, Random& r) {
        const Shape s = input_of(w, layer).shape();
        const int64_t width = some(r, 7, s.w - 6), reach = is_tail(w, layer) ? 2 : l.kernel / 2;
        const int64_t height = some(r, 0, 1) == 1 ? some(r, 7, s.h - 6) : s.h, halo = some(r, 0, reach - 1);
        l.read = [=](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) -> double {
          const auto inside = [&](int64_t at, int64_t near, int64_t size, int64_t extent) {
            const int64_t first = near / size * size;
            return at >= std::max<int64_t>(0, first - halo) && at < std::min(extent, first + size + halo);
          };
          return inside(y, oy, height, s.h) && inside(x, ox, width, s.w) ? in(0, c, y, x) : 0;
        };
      }));
  list.push_back(in_output("a rectangle not written", is_any, {"rectangle_*", "output_*", "zeros_scattered"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             const Shape s = t.shape();
                             const int64_t y0 = some(r, 2, s.h / 2), x0 = some(r, 2, s.w / 2);
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = y0; y < y0 + s.h / 3; ++y)
                                 for (int64_t x = x0; x < x0 + s.w / 3; ++x) t(0, c, y, x) = 0;
                           }));
  list.push_back(
      in_output("a race", is_any, {"scattered"}, [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
        for (int i = 0; i < 12; ++i) {
          t.data()[some(r, 0, t.count() - 1)] += static_cast<float>(real(r, -0.5, 0.5));
        }
      }));
  list.push_back(in_output("one wrong value", is_any, {"one_value", "says one value of channel"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             t.data()[some(r, 0, t.count() - 1)] += 0.5F;
                           }));
  list.push_back(
      in_output("dropout", is_any, {"dropout"}, [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
        const double p = real(r, 0.1, 0.6);
        for (float& v : t.values()) v = real(r, 0, 1) < p ? 0 : static_cast<float>(v / (1 - p));
      }));
  list.push_back(in_output("constant", is_any, {"constant_output", "says everywhere, where values from"},
                           [](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                             std::fill(t.values().begin(), t.values().end(), static_cast<float>(some(r, 0, 2)) / 2);
                           }));
  return list;
}

std::vector<Kind> kinds_of_sums() {
  std::vector<Kind> list;
  list.push_back(in_loops("a tap left out", has_kernel, {"taps", "kernel*", "window_pixels*"},
                          [](LayerLoops& l, const auto&, size_t, Random& r) {
                            // One near the middle: those at the rim may be nearly 0.
                            const int64_t m = l.kernel / 2, ty = m + some(r, -1, 0), tx = m + some(r, 0, 1);
                            l.weight = [f = l.weight, ty, tx](auto o, auto i, auto y, auto x) {
                              return y == ty && x == tx ? 0 : f(o, i, y, x);
                            };
                          }));
  list.push_back(in_loops("a row of the kernels left out", has_kernel, {"taps", "window_rows*"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.weight = [f = l.weight, last = l.kernel / 2 + 1](auto o, auto i, auto y, auto x) {
                              return y == last ? 0 : f(o, i, y, x);
                            };
                          }));
  list.push_back(in_loops(
      "an input channel left out", [](const auto&, size_t layer) { return layer > 0; }, {"input_channels*", "kernels*"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.weight = [f = l.weight, c = some(r, 0, l.inputs - 1)](auto o, auto i, auto y, auto x) {
          return i == c ? 0 : f(o, i, y, x);
        };
      }));
  list.push_back({"a skip connection too many",
                  is_mapping,
                  [](const FitWorld& w, size_t layer, Random& r) {
                    Tensor<float> t = w.values[layer + 1];
                    const Tensor<float>& added = w.values[layer];
                    const bool inner = some(r, 0, 1) == 1;
                    for (int64_t i = 0; i < t.count(); ++i) t.data()[i] += added.data()[i];
                    if (inner) {
                      LayerLoops l(w.model, layer);
                      int64_t at = 0;
                      l.write = [](double v, auto, auto, auto) { return v; };
                      l.activate = [f = l.activate, &added, at](double z, auto o) mutable {
                        return f(z + added.data()[at++], o);
                      };
                      t = l.run(w.values[layer]);
                    }
                    return t;
                  },
                  {"added_to_*"}});
  list.push_back(in_loops("dilation", is_mapping, {"dilation_2"}, [](LayerLoops& l, const auto&, size_t, Random&) {
    l.read = [](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) -> double {
      const Shape s = in.shape();
      const int64_t fy = 2 * y - oy, fx = 2 * x - ox;
      return fy < 0 || fx < 0 || fy >= s.h || fx >= s.w ? 0 : in(0, c, fy, fx);
    };
  }));
  list.push_back(in_loops(
      "gamma", [](const auto&, size_t layer) { return layer == 0; }, {"input_gamma_*"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        const double g = some(r, 0, 1) == 1 ? 2.2 : 1 / 2.2;
        l.read = [f = l.read, g](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
          return std::pow(f(in, c, y, x, oy, ox), g);
        };
      }));
  list.push_back(in_loops(
      "an affine input", [](const auto&, size_t layer) { return layer == 0; }, {"input_scaled"},
      [](LayerLoops& l, const auto&, size_t, Random& r) {
        const double a = real(r, 0.5, 2), b = real(r, -0.5, 0.5);
        l.read = [a, b](const Tensor<float>& in, auto c, auto y, auto x, auto, auto) {
          const Shape s = in.shape();
          return y < 0 || x < 0 || y >= s.h || x >= s.w ? 0 : a * in(0, c, y, x) + b;
        };
      }));
  list.push_back(
      in_loops("Fortran's order", is_mapping, {"kernels_*"}, [](LayerLoops& l, const auto& w, size_t layer, Random&) {
        const Tensor<float>& v = w.model.layers[layer].weight;
        const Shape s = v.shape();
        l.weight = [&v, s](auto o, auto i, auto y, auto x) -> double {
          return v.data()[((x * s.h + y) * s.c + i) * s.n + o];
        };
      }));
  list.push_back(in_loops(
      "off by one value", is_any, {"kernels_off_by_*"}, [](LayerLoops& l, const auto& w, size_t layer, Random&) {
        const Tensor<float>& v = w.model.layers[layer].weight;
        const Shape s = v.shape();
        const bool tail = is_tail(w, layer);
        l.weight = [&v, s, tail](auto o, auto i, auto y, auto x) -> double {
          const int64_t at =
              tail ? ((i * s.c + o) * s.h + s.h - 1 - y) * s.w + s.w - 1 - x : ((o * s.c + i) * s.h + y) * s.w + x;
          return at + 1 < v.count() ? v.data()[at + 1] : 0;
        };
      }));
  list.push_back(
      in_loops("rotated kernels", has_kernel, {"kernel_*"}, [](LayerLoops& l, const auto&, size_t, Random& r) {
        l.weight = [f = l.weight, k = l.kernel, turn = some(r, 1, 3)](auto o, auto i, auto y, auto x) {
          for (int64_t n = 0; n < turn; ++n) {
            const auto was = y;
            y = x, x = k - 1 - was;
          }
          return f(o, i, y, x);
        };
      }));
  list.push_back(in_loops("int8 weights", is_any,
                          {"kernels_int8_127", "kernels_rounded*", "weights_*", "says with weights of int8"},
                          [](LayerLoops& l, const auto& w, size_t layer, Random&) {
                            double most = 0;
                            for (const float v : w.model.layers[layer].weight.values())
                              most = std::max<double>(most, std::abs(v));
                            l.weight = [f = l.weight, q = most / 127](auto o, auto i, auto y, auto x) {
                              return std::nearbyint(f(o, i, y, x) / q) * q;
                            };
                          }));
  return list;
}

TEST(Fit, NamesPlaces) { expect_named(kinds_of_places(), 0.9); }
TEST(Fit, NamesSums) { expect_named(kinds_of_sums(), 0.9); }

}  // namespace
}  // namespace fsrcnn::test
