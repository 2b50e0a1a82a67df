// Channels, rows, columns and phases of the output in other places: each is compared with each.
#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr int kSlicePlaces = 64;  // values of a slice that are compared; what agrees there is verified on all

class Orders {
 public:
  explicit Orders(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {}

  std::vector<Mistake> all() {
    channels_of_output();
    if (layer_.port().convolves && layer_.port().has_weight() && !layer_.port().shuffles() &&
        layer_.port().groups == 1) {
      channels_of_kernels(false);
      if (!layer_.port().bias.empty()) channels_of_kernels(true);
    }
    for (const Axis axis : {Axis::row, Axis::column}) lines(axis);
    if (layer_.port().factor > 1) {
      phases();
      moved_phases();
    }
    return std::move(list_);
  }

 private:
  struct Match {
    std::vector<int64_t> from;
    double matched = 0;  // the share of slices that are some slice
  };

  /// For each of `count` slices the one that it is. `difference(i, j, place)`: of slice i as found from slice j.
  Match match(int64_t count, const std::function<double(int64_t, int64_t, int)>& difference,
              const std::function<bool(int64_t)>& is_zero) const {
    Match m;
    const auto largest = [&](int64_t i, int64_t j, double limit) {
      double most = 0;
      for (int place = 0; place < kSlicePlaces && most <= limit; ++place)
        most = std::max(most, difference(i, j, place));
      return most;
    };
    for (int64_t i = 0; i < count; ++i) {
      double best = largest(i, i, layer_.tolerance());
      int64_t from = i;
      bool known = best <= layer_.tolerance();
      if (!known && is_zero(i)) from = -1, known = true;
      if (!known) {
        best = layer_.tolerance();
        for (int64_t j = 0; j < count; ++j) {
          const double d = largest(i, j, best);
          if (d <= best) from = j, best = d, known = true;
        }
      }
      m.from.push_back(from);
      m.matched += known ? 1.0 / static_cast<double>(count) : 0;
    }
    return m;
  }

  bool is_worth(const Match& m) const {
    bool same = true;
    for (size_t i = 0; i < m.from.size(); ++i) same = same && m.from[i] == static_cast<int64_t>(i);
    return !same && m.matched >= 0.3;
  }

  std::vector<int64_t> some_places(int64_t count) const {
    std::mt19937 generator(3);
    std::vector<int64_t> places;
    for (int i = 0; i < kSlicePlaces; ++i)
      places.push_back(static_cast<int64_t>(generator() % static_cast<uint64_t>(count)));
    return places;
  }

  void channels_of_output() {
    if (shape_.c < 2) return;
    const int64_t size = shape_.h * shape_.w;
    const std::vector<int64_t> places = some_places(size);
    const auto found = [&](int64_t c, int place) {
      return layer_.found().plane(0, c)[places[static_cast<size_t>(place)]];
    };
    const Match m = match(
        shape_.c,
        [&](int64_t i, int64_t j, int place) {
          return std::abs(found(i, place) - layer_.right().plane(0, j)[places[static_cast<size_t>(place)]]);
        },
        [&](int64_t c) {
          const float* plane = layer_.found().plane(0, c);
          return std::all_of(plane, plane + size, [](float v) { return v == 0; });
        });
    if (!is_worth(m)) return;
    double numbers = 0;
    const Order order = named_order(m.from, "channel", numbers);
    list_.push_back({"output_channels_" + order.id,
                     fmt::format("the channels (lanes) of the output are {}", order.words), "output_layout", true,
                     [from = m.from](LayerPort& p) {
                       p.after.emplace_back([from](const Tensor<float>& t) { return taken(t, Axis::channel, from); });
                     },
                     numbers});
  }

  /// Kernels, alone or with their biases, belong to other outputs than the slopes do.
  void channels_of_kernels(bool with_bias) {
    if (shape_.c < 2) return;
    const LayerPort& port = layer_.port();
    const int64_t size = shape_.h * shape_.w;
    const std::vector<int64_t> places = some_places(size);
    const auto bias = [&](int64_t c) { return port.bias.empty() || c < 0 ? 0 : port.bias[static_cast<size_t>(c)]; };
    const auto activated = [&](float z, int64_t c) {
      if (!port.activates) return z;
      if (port.activation == Layer::Activation::clamp) return std::clamp(z, port.low, port.high);
      if (port.activation == Layer::Activation::tanh) return std::tanh(z);
      if (port.is_last && port.clamps) return std::clamp(z, 0.0F, 1.0F);
      return z > 0 ? z : z * port.slope_of(c);
    };
    if (port.activation_before_bias || !port.positive_slope.empty()) return;
    const Match m = match(
        shape_.c,
        [&](int64_t i, int64_t j, int place) {
          const auto at = places[static_cast<size_t>(place)];
          const float z = layer_.products().plane(0, j)[at] + bias(with_bias ? j : i);
          return std::abs(activated(z, i) - layer_.found().plane(0, i)[at]);
        },
        [&](int64_t c) {
          const float value = activated(bias(with_bias ? -1 : c), c);
          const float* plane = layer_.found().plane(0, c);
          return std::all_of(plane, plane + size, [&](float v) { return std::abs(v - value) <= layer_.tolerance(); });
        });
    if (!is_worth(m)) return;
    double numbers = 0;
    const Order order = named_order(m.from, "channel", numbers);
    list_.push_back({with_bias ? "kernels_and_biases_" + order.id : "kernels_outputs_" + order.id,
                     with_bias ? fmt::format("the output channels of kernels and biases are {}", order.words)
                               : fmt::format("the kernels' output channels are {}", order.words),
                     "order", true,
                     [from = m.from, with_bias](LayerPort& p) {
                       const Tensor<float> w = p.weight;
                       const std::vector<float> b = p.bias;
                       const Shape s = w.shape();
                       for (int64_t a = 0; a < s.n; ++a)
                         for (int64_t c = 0; c < s.c; ++c) {
                           const int64_t source = from[static_cast<size_t>(p.is_transposed ? c : a)];
                           float* to = p.weight.plane(a, c);
                           if (source < 0) {
                             std::fill_n(to, s.h * s.w, 0.0F);
                           } else {
                             std::copy_n(p.is_transposed ? w.plane(a, source) : w.plane(source, c), s.h * s.w, to);
                           }
                         }
                       for (size_t i = 0; with_bias && i < b.size(); ++i) {
                         p.bias[i] = from[i] < 0 ? 0 : b[static_cast<size_t>(from[i])];
                       }
                     },
                     numbers + 0.1});
  }

  void lines(Axis axis) {
    const bool rows = axis == Axis::row;
    const int64_t count = rows ? shape_.h : shape_.w, other = rows ? shape_.w : shape_.h;
    const std::vector<int64_t> channels = some_places(shape_.c), along = some_places(other);
    const auto value = [&](const Tensor<float>& t, int64_t line, int place) {
      const auto p = static_cast<size_t>(place);
      return rows ? t(0, channels[p], line, along[p]) : t(0, channels[p], along[p], line);
    };
    const Match m = match(
        count,
        [&](int64_t i, int64_t j, int place) {
          return std::abs(value(layer_.found(), i, place) - value(layer_.right(), j, place));
        },
        [&](int64_t i) {
          for (int64_t c = 0; c < shape_.c; ++c)
            for (int64_t k = 0; k < other; ++k)
              if ((rows ? layer_.found()(0, c, i, k) : layer_.found()(0, c, k, i)) != 0) return false;
          return true;
        });
    if (!is_worth(m)) return;
    double numbers = 0;
    const Order order = named_order(m.from, name_of(axis), numbers);
    list_.push_back({fmt::format("output_{}s_{}", name_of(axis), order.id),
                     fmt::format("the {}s of the output are {}", name_of(axis), order.words), "output_layout", false,
                     [from = m.from, axis](LayerPort& p) {
                       p.after.emplace_back([from, axis](const Tensor<float>& t) { return taken(t, axis, from); });
                     },
                     numbers + 0.1});
  }

  /// Pixels (s y + a, s x + b) of the output stand where others of the same (y, x) should.
  void phases() {
    const int64_t s = layer_.port().factor;
    const Shape in = {1, 1, shape_.h / s, shape_.w / s};
    if (in.h * s != shape_.h || in.w * s != shape_.w) return;
    const std::vector<int64_t> channels = some_places(shape_.c), places = some_places(in.h * in.w);
    const auto value = [&](const Tensor<float>& t, int64_t phase, int place) {
      const auto p = static_cast<size_t>(place);
      return t(0, channels[p], places[p] / in.w * s + phase / s, places[p] % in.w * s + phase % s);
    };
    const Match m = match(
        s * s,
        [&](int64_t i, int64_t j, int place) {
          return std::abs(value(layer_.found(), i, place) - value(layer_.right(), j, place));
        },
        [&](int64_t phase) {
          for (int place = 0; place < kSlicePlaces; ++place)
            if (value(layer_.found(), phase, place) != 0) return false;
          return true;
        });
    if (!is_worth(m)) return;
    std::vector<std::string> parts;
    for (int64_t i = 0; i < s * s; ++i) {
      const int64_t j = m.from[static_cast<size_t>(i)];
      if (j == i) continue;
      parts.push_back(j < 0 ? fmt::format("({}, {}) is 0", i / s, i % s)
                            : fmt::format("({}, {}) holds what ({}, {}) should", i / s, i % s, j / s, j % s));
    }
    list_.push_back({"output_phases_exchanged",
                     fmt::format("the phases of the output ((y, x) within each {} by {} pixels) are exchanged: {}", s,
                                 s, fmt::join(parts, ", ")),
                     "output_layout", true,
                     [from = m.from, s](LayerPort& p) {
                       p.after.emplace_back([from, s](const Tensor<float>& t) {
                         Tensor<float> to(t.shape());
                         const Shape o = t.shape();
                         for (int64_t c = 0; c < o.c; ++c)
                           for (int64_t y = 0; y < o.h; ++y)
                             for (int64_t x = 0; x < o.w; ++x) {
                               const int64_t j = from[static_cast<size_t>(y % s * s + x % s)];
                               const int64_t fy = y / s * s + j / s, fx = x / s * s + j % s;
                               if (j >= 0 && fy < o.h && fx < o.w) to(0, c, y, x) = t(0, c, fy, fx);
                             }
                         return to;
                       });
                     },
                     0.6});
  }

  /// One phase stands some pixels of the input off.
  void moved_phases() {
    const int64_t s = layer_.port().factor;
    const Shape in = {1, shape_.c, shape_.h / s, shape_.w / s};
    if (in.h * s != shape_.h || in.w * s != shape_.w || in.h < 8 || in.w < 8) return;
    const auto phase_of = [&](const Tensor<float>& t, int64_t a, int64_t b) {
      Tensor<float> to(in);
      for (int64_t c = 0; c < in.c; ++c)
        for (int64_t y = 0; y < in.h; ++y)
          for (int64_t x = 0; x < in.w; ++x) to(0, c, y, x) = t(0, c, s * y + a, s * x + b);
      return to;
    };
    for (int64_t phase = 0; phase < s * s; ++phase) {
      const int64_t a = phase / s, b = phase % s;
      const Tensor<float> found = phase_of(layer_.found(), a, b), right = phase_of(layer_.right(), a, b);
      for (int64_t dy = -2; dy <= 2; ++dy)
        for (int64_t dx = -2; dx <= 2; ++dx) {
          if (dy == 0 && dx == 0) continue;
          int64_t same = 0, seen = 0;
          for (int64_t y = 3; y < in.h - 3; ++y)
            for (int64_t x = 3; x < in.w - 3; ++x, ++seen) {
              same += std::abs(found(0, 0, y, x) - right(0, 0, y - dy, x - dx)) <= layer_.tolerance() ? 1 : 0;
            }
          if (10 * same < 9 * seen || same == 0) continue;
          for (const Entering entering : {Entering::zeros, Entering::edge, Entering::circular})
            put_moved(a, b, dy, dx, entering);
        }
    }
  }

  void put_moved(int64_t a, int64_t b, int64_t dy, int64_t dx, Entering entering) {
    list_.push_back({"output_phase_moved",
                     fmt::format("phase ({}, {}) of the output ((y, x) within each {} by {} pixels) is {} "
                                 "(of the input)",
                                 a, b, layer_.port().factor, layer_.port().factor, moved_words(dy, dx)),
                     "output_layout", false,
                     [a, b, dy, dx, entering, s = layer_.port().factor](LayerPort& p) {
                       p.after.emplace_back([=](const Tensor<float>& t) {
                         const Tensor<float> by_mode = moved(t, dy * s, dx * s, entering);
                         Tensor<float> to = t;
                         const Shape o = t.shape();
                         for (int64_t c = 0; c < o.c; ++c)
                           for (int64_t y = a; y < o.h; y += s)
                             for (int64_t x = b; x < o.w; x += s) {
                               float value = by_mode(0, c, y, x);
                               if (entering == Entering::edge) {
                                 // The edge of the phase, not of the picture.
                                 const int64_t fy = std::clamp(y - dy * s, a, a + (o.h - 1 - a) / s * s);
                                 value = t(0, c, fy, std::clamp(x - dx * s, b, b + (o.w - 1 - b) / s * s));
                               }
                               to(0, c, y, x) = value;
                             }
                         return to;
                       });
                     },
                     0.7});
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_orders(const LayerCase& layer) { return Orders(layer).all(); }

}  // namespace fsrcnn
