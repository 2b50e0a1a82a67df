// Parts of a sum that are left out, counted twice or weighed otherwise: taps of the kernels, input channels, groups;
// and what is added that should not be.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/pad2d.hpp"
#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kFittedPart = 48;  // pixels a side of the part of a large picture that parts are fitted to

/// Which of the kernels' values belong to part k.
using Belongs = std::function<bool(int64_t in, int64_t ky, int64_t kx, size_t k)>;

class Parts {
 public:
  explicit Parts(const LayerCase& layer) : whole_(layer) {
    const Shape in = layer.input().shape();
    const int64_t s = layer.port().factor;
    if (std::max(in.h, in.w) <= 2 * kFittedPart || layer.found().shape().h != s * in.h) return;
    const int64_t h = std::min(in.h, kFittedPart), w = std::min(in.w, kFittedPart);
    // The part of the picture where most is wrong.
    double most = -1;
    int64_t top = 0, left = 0;
    for (int64_t i = 0; i < 9; ++i) {
      const int64_t y = (in.h - h) * (i / 3) / 2, x = (in.w - w) * (i % 3) / 2;
      double wrong = 0;
      for (int64_t c = 0; c < layer.found().shape().c; ++c)
        for (int64_t r = s * y; r < s * (y + h); r += 2)
          for (int64_t k = s * x; k < s * (x + w); k += 2)
            wrong += std::abs(layer.found()(0, c, r, k) - layer.right()(0, c, r, k)) > layer.tolerance() ? 1 : 0;
      if (wrong > most) most = wrong, top = y, left = x;
    }
    input_ = pad2d(layer.input(), {-top, top + h - in.h, -left, left + w - in.w}, PaddingMode::zeros);
    found_ =
        pad2d(layer.found(), {-s * top, s * (top + h - in.h), -s * left, s * (left + w - in.w)}, PaddingMode::zeros);
    part_.emplace(layer.context(), layer.port(), input_, found_, layer.tolerance());
    // What lies at a cut saw other neighbours.
    const Shape f = found_.shape();
    const int64_t reach = layer.reach();
    where_.assign(static_cast<size_t>(f.c * f.h * f.w), 0);
    for (int64_t c = 0; c < f.c; ++c)
      for (int64_t y = reach; y < f.h - reach; ++y)
        for (int64_t x = reach; x < f.w - reach; ++x) where_[static_cast<size_t>((c * f.h + y) * f.w + x)] = 1;
  }

  std::vector<Mistake> all() {
    const Shape w = port().weight.shape();
    if (w.h * w.w > 1) taps();
    if (port().kernels_each() > 1 && port().groups == 1) {
      channels();
      for (Mistake& m : groups_of(port())) list_.push_back(std::move(m));
    }
    return std::move(list_);
  }

 private:
  const LayerCase& layer() const { return part_ ? *part_ : whole_; }
  const LayerPort& port() const { return whole_.port(); }
  int64_t input_of(int64_t a, int64_t b) const { return port().is_transposed ? a : b; }

  Tensor<float> feature(const Belongs& belongs, size_t k) const {
    LayerPort p = port();
    p.activates = false;
    p.bias.clear();
    p.after.clear();
    p.between.clear();
    scale(p, [&](int64_t in, int64_t ky, int64_t kx) { return belongs(in, ky, kx, k) ? 1.0F : 0.0F; });
    return compute(p, layer().input());
  }

  static void scale(LayerPort& p, const std::function<float(int64_t, int64_t, int64_t)>& factor) {
    const Shape s = p.weight.shape();
    for (int64_t a = 0; a < s.n; ++a)
      for (int64_t b = 0; b < s.c; ++b)
        for (int64_t ky = 0; ky < s.h; ++ky)
          for (int64_t kx = 0; kx < s.w; ++kx) p.weight(a, b, ky, kx) *= factor(p.is_transposed ? a : b, ky, kx);
  }

  /// How often each part is in the sum, where it should be once. Empty: not explained so.
  std::optional<std::vector<double>> times(size_t count, const Belongs& belongs) const {
    std::vector<Tensor<float>> maps;
    std::vector<const Tensor<float>*> features;
    for (size_t k = 0; k < count; ++k) maps.push_back(feature(belongs, k));
    for (const Tensor<float>& map : maps) features.push_back(&map);
    const auto fit = fit_features(layer(), layer().linear(), features, where_.empty() ? nullptr : &where_);
    if (!fit || fit->inliers < 0.3) return std::nullopt;
    std::vector<double> times = fit->factors;
    bool any = false;
    for (double& t : times) {
      if (std::abs(t - std::nearbyint(t)) < 0.02) t = std::nearbyint(t);
      any = any || t != 0;
      t += 1;
    }
    if (!any) return std::nullopt;
    return times;
  }

  /// "left out: 3, 4; counted twice: 5".
  static std::string told(const std::vector<double>& times, const std::function<std::string(size_t)>& name,
                          double& numbers) {
    std::vector<std::string> missing, twice, other;
    double n = 0;
    for (size_t k = 0; k < times.size(); ++k) {
      if (times[k] == 0) missing.push_back(name(k));
      if (times[k] == 2) twice.push_back(name(k));
      if (times[k] != 0 && times[k] != 1 && times[k] != 2) {
        other.push_back(fmt::format("{} ({} times)", name(k), named_number(times[k], 1e-4, n)));
      }
    }
    numbers = 0.5 + static_cast<double>(missing.size() + twice.size()) / 8 + 1.5 * static_cast<double>(other.size());
    std::vector<std::string> parts;
    const auto put = [&](const char* what, std::vector<std::string>& names) {
      if (names.empty()) return;
      const size_t all = names.size();
      names.resize(std::min<size_t>(all, 8));
      parts.push_back(fmt::format("{} {}{}", fmt::join(names, ", "), all > 8 ? ", ... " : "", what));
    };
    put("left out", missing);
    put("counted twice", twice);
    put("weighed otherwise", other);
    return fmt::format("{}", fmt::join(parts, "; "));
  }

  /// Values left out that are the outer ring, or all of one phase of a transposed convolution's output; or "".
  std::string known_set(const std::vector<double>& times) const {
    const Shape w = port().weight.shape();
    if (!std::all_of(times.begin(), times.end(), [](double t) { return t == 0 || t == 1; })) return "";
    const auto are_missing = [&](const std::function<bool(int64_t y, int64_t x)>& belongs) {
      for (int64_t i = 0; i < w.h * w.w; ++i) {
        if (belongs(i / w.w, i % w.w) != (times[static_cast<size_t>(i)] == 0)) return false;
      }
      return true;
    };
    for (int64_t r = 1; 2 * r < std::min(w.h, w.w); ++r) {
      if (are_missing([&](int64_t y, int64_t x) { return y < r || x < r || y >= w.h - r || x >= w.w - r; })) {
        return fmt::format("the outer ring{} left out: only the inner {} by {} count",
                           r == 1 ? " is" : fmt::format("s ({}) are", r), w.h - 2 * r, w.w - 2 * r);
      }
    }
    const int64_t s = port().is_transposed ? port().factor : 1;
    for (int64_t phase = 0; s > 1 && phase < s * s; ++phase) {
      const int64_t py = phase / s, px = phase % s;
      if (are_missing([&](int64_t y, int64_t x) {
            return (y + s * w.h - port().padding.h) % s == py && (x + s * w.w - port().padding.w) % s == px;
          })) {
        return fmt::format(
            "those of phase ({0}, {1}) are left out: of the output's pixels (y, x) in each {2} by {2} "
            "that one is never computed, it is the bias alone",
            py, px, s);
      }
    }
    return "";
  }

  void taps() {
    const Shape w = port().weight.shape();
    const auto by_tap = [&w](int64_t, int64_t ky, int64_t kx, size_t k) {
      return static_cast<size_t>(ky * w.w + kx) == k;
    };
    const auto t = times(static_cast<size_t>(w.h * w.w), by_tap);
    if (!t) return;
    // Whole rows and columns are told as such.
    std::vector<double> rows(static_cast<size_t>(w.h)), columns(static_cast<size_t>(w.w));
    bool by_rows = true, by_columns = true;
    for (size_t k = 0; k < t->size(); ++k) {
      const size_t y = k / static_cast<size_t>(w.w), x = k % static_cast<size_t>(w.w);
      rows[y] = (*t)[y * static_cast<size_t>(w.w)], columns[x] = (*t)[x];
      by_rows = by_rows && (*t)[k] == rows[y];
      by_columns = by_columns && (*t)[k] == columns[x];
    }
    double n = 0;
    std::string what = known_set(*t);
    if (!what.empty()) {
      n = 0.5;
    } else if (by_rows && !by_columns) {
      what = told(
          rows, [](size_t k) { return fmt::format("row {}", k); }, n);
    } else if (by_columns && !by_rows) {
      what = told(
          columns, [](size_t k) { return fmt::format("column {}", k); }, n);
    } else {
      what = told(
          *t,
          [&](size_t k) { return fmt::format("({}, {})", k / static_cast<size_t>(w.w), k % static_cast<size_t>(w.w)); },
          n);
    }
    list_.push_back({"taps", fmt::format("of each kernel's values (row, column): {}", what), "taps", true,
                     [times = *t, width = w.w](LayerPort& p) {
                       scale(p, [&](int64_t, int64_t ky, int64_t kx) {
                         return static_cast<float>(times[static_cast<size_t>(ky * width + kx)]);
                       });
                     },
                     n});
  }

  void channels() {
    const auto count = static_cast<size_t>(port().kernels_each());
    if (count > 128) return;
    const auto t = times(count, [](int64_t in, int64_t, int64_t, size_t k) { return static_cast<size_t>(in) == k; });
    if (!t) return;
    double n = 0;
    const std::string what = told(
        *t, [](size_t k) { return fmt::format("{}", k); }, n);
    list_.push_back(
        {"input_channels", fmt::format("of the {} input channels: {}", count, what), "taps", true,
         [times = *t](LayerPort& p) {
           scale(p, [&](int64_t in, int64_t, int64_t) { return static_cast<float>(times[static_cast<size_t>(in)]); });
         },
         n});
  }

  const LayerCase& whole_;
  Tensor<float> input_, found_;
  std::optional<LayerCase> part_;
  std::vector<uint8_t> where_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> groups_of(const LayerPort& port) {
  std::vector<Mistake> list;
  const int64_t in = port.in_channels(), out = port.out_channels();
  for (int64_t g = 2; g <= std::gcd(in, out); ++g) {
    if (in % g != 0 || out % g != 0) continue;
    list.push_back({fmt::format("groups_{}", g),
                    fmt::format("the convolution works in {} groups, each of which sees its own channels alone", g),
                    "taps", true,
                    [g, in, out](LayerPort& p) {
                      const Shape s = p.weight.shape();
                      for (int64_t a = 0; a < s.n; ++a)
                        for (int64_t b = 0; b < s.c; ++b) {
                          const int64_t i = p.is_transposed ? a : b, o = p.is_transposed ? b : a;
                          if (i * g / in != o * g / out) std::fill_n(p.weight.plane(a, b), s.h * s.w, 0.0F);
                        }
                    },
                    0.5});
  }
  return list;
}

std::vector<Mistake> fit_parts(const LayerCase& layer) {
  const LayerPort& port = layer.port();
  if (!port.convolves || !port.has_weight() || port.convolve || port.activation_before_bias) return {};
  return Parts(layer).all();
}

std::vector<Mistake> fit_sums(const LayerCase& layer) {
  std::vector<Mistake> list;
  const Shape shape = layer.found().shape();
  std::vector<std::pair<std::string, std::shared_ptr<const Tensor<float>>>> maps;
  maps.emplace_back("its input", std::make_shared<const Tensor<float>>(layer.input()));
  for (const auto& [name, map] : layer.context().maps) maps.emplace_back("the feature map of " + name, map);
  for (const auto& [name, map] : maps) {
    const Shape m = map->shape();
    if (m.h != shape.h || m.w != shape.w || (m.c != shape.c && m.c != 1)) continue;
    for (const bool activated : {true, false}) {
      if (!activated && !layer.bends()) continue;
      const Tensor<float>& right = activated ? layer.right() : layer.linear();
      const Tensor<float>& found = activated ? layer.found() : layer.found_linear().values;
      std::vector<std::pair<float, float>> points;
      const int64_t size = shape.h * shape.w, step = std::max<int64_t>(1, right.count() / 5000);
      for (int64_t i = 0; i < right.count(); i += step) {
        if (!activated && layer.found_linear().known[static_cast<size_t>(i)] == 0) continue;
        const int64_t at = m.c == 1 ? i % size : i;
        points.emplace_back(map->data()[at], found.data()[i] - right.data()[i]);
      }
      const auto line = fit_line(points, layer.tolerance(), true);
      if (!line || line->inliers < 0.3 || line->factor == 0) continue;
      double largest = 0, n = 0;
      for (const float v : map->values()) largest = std::max<double>(largest, std::abs(v));
      if (std::abs(line->factor) * largest <= 2 * layer.tolerance()) continue;
      const double precision = 4 * layer.tolerance() / largest;
      const double factor = std::abs(line->factor - 1) <= precision ? 1 : line->factor;
      const std::string times = factor == 1 ? "" : named_number(factor, precision, n) + " times ";
      list.push_back({activated ? "added_to_output" : "added_to_sum",
                      fmt::format("{}{} is added {} the activation (a skip connection too many)", times, name,
                                  activated ? "after" : "before"),
                      "sum", false,
                      [activated, factor, map = map](LayerPort& p) {
                        (activated ? p.after : p.between).emplace_back([factor, map](const Tensor<float>& t) {
                          Tensor<float> to = t;
                          const Shape s = t.shape();
                          const int64_t plane = s.h * s.w;
                          if (map->shape().h != s.h || map->shape().w != s.w) return to;
                          for (int64_t i = 0; i < t.count(); ++i) {
                            to.data()[i] +=
                                static_cast<float>(factor * map->data()[map->shape().c == 1 ? i % plane : i]);
                          }
                          return to;
                        });
                      },
                      0.3 + n});
    }
  }
  return list;
}

}  // namespace fsrcnn
