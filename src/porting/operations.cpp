#include "porting/operations.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "porting/line_orders.hpp"

namespace fsrcnn {
namespace {

constexpr double kUsualOrder = 0.3;  // the numbers of orders of lines that are tried

using Eigen::Index;
using Eigen::VectorXf;

/// For each channel the one that it is taken from; -1: it is 0.
using Sources = std::vector<int64_t>;

Tensor<float> taken_from(const Tensor<float>& t, const Sources& sources) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.c; ++c) {
    if (sources[c] >= 0) std::copy_n(t.plane(0, sources[c]), s.h * s.w, to.plane(0, c));
  }
  return to;
}

class List {
 public:
  List(const PortChain& right, const Samples& samples, size_t port)
      : output_(right.step(port).output),
        samples_(samples),
        port_(port),
        channels_(output_.shape().c),
        residual_(samples.residual()),
        error_(std::max(residual_.squaredNorm(), 1e-30F)) {}

  std::vector<Operation> all() {
    channels();
    values();
    pixels();
    arrays();
    std::stable_sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) { return a.left < b.left; });
    return std::move(list_);
  }

 private:
  /// With the best factor, as what is behind may be bent.
  double left_by(const VectorXf& column) const {
    const float square = column.squaredNorm();
    if (square <= 1e-12F * error_) return 1;
    const float factor = column.dot(residual_) / square;
    return factor <= 0 ? 1 : (residual_ - factor * column).squaredNorm() / error_;
  }

  void channels() {
    if (channels_ < 2) return;
    mixing_ = samples_.by_mixing(port_, output_);
    Sources same(channels_);
    std::iota(same.begin(), same.end(), 0);
    for (int64_t a = 0; a < channels_; ++a) {
      Sources s = same;
      s[a] = -1;
      take("channel_lost", fmt::format("channel {} is 0", a), s);
      for (int64_t b = 0; b < channels_; ++b) {
        s = same;
        s[a] = b;
        if (b != a) take("channel_twice", fmt::format("channel {} is that of {}", a, b), s);
        s = same;
        std::swap(s[a], s[b]);
        if (b > a) take("channels_exchanged", fmt::format("channels {} and {} are exchanged", a, b), s);
      }
    }
    const auto take_all = [&](const std::string& id, const std::string& sentence, auto&& source) {
      Sources s(channels_);
      for (int64_t c = 0; c < channels_; ++c) s[c] = source(c);
      if (s != same) take(id, sentence, s);
    };
    const int64_t n = channels_;
    for (int64_t by = 1; by < n; ++by) {
      take_all("channels_moved", fmt::format("the channels are moved on by {}: channel {} is that of 0", by, by),
               [&](int64_t c) { return (c + n - by) % n; });
    }
    take_all("channels_reversed", "the channels are in reversed order", [&](int64_t c) { return n - 1 - c; });
    for (int64_t group = 2; group <= n / 2; ++group) {
      if (n % group != 0) continue;
      take_all("channels_reversed_by", fmt::format("the channels are reversed in groups of {}", group),
               [&](int64_t c) { return c / group * group + group - 1 - c % group; });
      take_all(
          "channels_transposed",
          fmt::format("the channels are stored as {} x {} and read as {} x {}", group, n / group, n / group, group),
          [&](int64_t c) { return c % group * (n / group) + c / group; });
    }
    for (int64_t from = 1; from < n; ++from) {
      if (from + 1 < n) {
        take_all("channels_lost", fmt::format("the channels from {} on are 0", from),
                 [&](int64_t c) { return c < from ? c : -1; });
      }
      if (from > 1) {
        take_all("channels_lost", fmt::format("the channels before {} are 0", from),
                 [&](int64_t c) { return c < from ? -1 : c; });
      }
    }
  }

  void take(const std::string& id, const std::string& sentence, const Sources& sources) {
    VectorXf column = VectorXf::Zero(samples_.rows());
    for (int64_t c = 0; c < channels_; ++c) {
      if (sources[c] == c) continue;
      column -= mixing_.col(c * channels_ + c);
      if (sources[c] >= 0) column += mixing_.col(c * channels_ + sources[c]);
    }
    list_.push_back(
        {port_, id, sentence, [sources](const Tensor<float>& t) { return taken_from(t, sources); }, left_by(column)});
  }

  struct Named {
    std::string id, sentence;
    TensorOp make;
    std::function<Operation(double)> family = nullptr;
    double guess = 0;
  };

  void values() {
    std::vector<Named> list;
    const auto add = [&](const char* id, std::string sentence, std::function<float(float)> curve) {
      list.push_back({id, std::move(sentence), mapped(std::move(curve))});
    };
    const auto [lowest, highest] = std::minmax_element(output_.values().begin(), output_.values().end());
    const float low = *lowest, high = *highest;
    for (const float v : {0.125F, 0.25F, 0.5F, 1.0F, 2.0F, 4.0F, 8.0F}) {
      if (high <= v && low >= -v) continue;
      add("cut", fmt::format("values are clipped (saturated) at +-{:g}", v),
          [v](float x) { return std::clamp(x, -v, v); });
      add("wrapped", fmt::format("values overflow: they wrap around at +-{:g}", v),
          [v](float x) { return x - 2 * v * std::floor((x + v) / (2 * v)); });
    }
    for (const float v : {1.0F, 2.0F, 4.0F, 8.0F, 16.0F}) {
      if (low >= 0 && high < v) continue;
      add("wrapped_unsigned",
          fmt::format("values wrap around modulo {:g}, as words below 0 that are read without their sign", v),
          [v](float x) { return x - v * std::floor(x / v); });
    }
    for (int bits = 1; bits <= 12; ++bits) {
      const float step = std::ldexp(1.0F, -bits);
      add("steps", fmt::format("values are rounded to steps of 1/{}", 1 << bits),
          [step](float x) { return std::nearbyint(x / step) * step; });
      add("steps_down", fmt::format("values are truncated: rounded down to steps of 1/{}", 1 << bits),
          [step](float x) { return std::floor(x / step) * step; });
      add("steps_to_zero", fmt::format("values are truncated towards 0, to steps of 1/{}", 1 << bits),
          [step](float x) { return std::trunc(x / step) * step; });
    }
    add("no_negatives", "negative values are 0", [](float x) { return std::max(x, 0.0F); });
    add("absolute", "negative values lost their sign", [](float x) { return std::abs(x); });
    // Limits that only the output tells; of several guesses the best is solved for.
    const auto above = [port = port_](double v) {
      return Operation{port, "cut_above", fmt::format("values above {:.5g} are clipped (saturated)", v),
                       mapped([v](float x) { return std::min(x, static_cast<float>(v)); })};
    };
    const auto below = [port = port_](double v) {
      return Operation{port, "cut_below", fmt::format("values below {:.5g} are clipped (saturated)", v),
                       mapped([v](float x) { return std::max(x, static_cast<float>(v)); })};
    };
    const auto both = [port = port_](double v) {
      return Operation{port, "cut_both", fmt::format("values are clipped (saturated) at +-{:.5g}", v),
                       mapped([v](float x) {
                         const auto limit = static_cast<float>(std::abs(v));
                         return std::clamp(x, -limit, limit);
                       })};
    };
    const auto moved = [port = port_](double v) {
      return Operation{port, "moved",
                       fmt::format("all values are {:.5g} too {} (an offset)", std::abs(v), v > 0 ? "high" : "low"),
                       mapped([v](float x) { return x + static_cast<float>(v); })};
    };
    const auto guess = [&](const std::function<Operation(double)>& family, double at) {
      const Operation o = family(at);
      list.push_back({o.id, o.sentence, o.make, family, at});
    };
    for (const double part : {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}) {
      if (high > 0) guess(above, part * high);
      if (low < 0) guess(below, part * low);
      guess(both, part * std::max(high, -low));
    }
    for (const double sign : {1.0, -1.0}) guess(moved, sign * 0.02 * (high - low));
    rank(list);
  }

  /// source(y, x, height, width): where in the plane a pixel's value is taken from; outside of it: 0.
  using Source = std::function<int64_t(int64_t, int64_t, int64_t, int64_t)>;

  void pixels() {
    std::vector<Named> list;
    const auto add = [&](const std::string& id, std::string sentence, Source source) {
      list.push_back({id, std::move(sentence), [source = std::move(source)](const Tensor<float>& t) {
                        const Shape s = t.shape();
                        Tensor<float> to(s);
                        for (int64_t c = 0; c < s.c; ++c) {
                          for (int64_t y = 0; y < s.h; ++y) {
                            for (int64_t x = 0; x < s.w; ++x) {
                              const int64_t from = source(y, x, s.h, s.w);
                              if (from >= 0 && from < s.h * s.w) to(0, c, y, x) = t.plane(0, c)[from];
                            }
                          }
                        }
                        return to;
                      }});
    };
    for (const int64_t by : {1, 2, 3, 4, 5, 6, 8, -1, -2}) {
      add("delayed",
          fmt::format("pixels come {} {} in raster order (shifted, at a row's end into the next)", std::abs(by),
                      by > 0 ? "late" : "early"),
          [by](int64_t y, int64_t x, int64_t, int64_t w) { return y * w + x - by; });
    }
    for (const int64_t by : {1, 2, 4, 8, -1, -2, -4}) {
      add("pitch", fmt::format("rows are read with a pitch (row length) {} pixels off", by),
          [by](int64_t y, int64_t x, int64_t, int64_t w) { return y * (w + by) + x; });
    }
    add("pixel_pairs", "the two pixels of each pair are exchanged",
        [](int64_t y, int64_t x, int64_t, int64_t w) { return y * w + ((x ^ 1) < w ? x ^ 1 : x); });
    add("row_pairs", "the two rows of each pair are exchanged",
        [](int64_t y, int64_t x, int64_t h, int64_t w) { return ((y ^ 1) < h ? y ^ 1 : y) * w + x; });
    const Shape s = output_.shape();
    const std::vector<LineOrder> rows = line_orders(s.h, "row"), columns = line_orders(s.w, "column");
    const auto lines = [&](const LineOrder& of_rows, const LineOrder& of_columns, const std::string& words) {
      add("lines_" + of_rows.id + of_columns.id, words,
          [r = of_rows.from, c = of_columns.from](int64_t y, int64_t x, int64_t h, int64_t w) -> int64_t {
            if (std::ssize(r) != h || std::ssize(c) != w) return y * w + x;
            const int64_t row = r[static_cast<size_t>(y)], column = c[static_cast<size_t>(x)];
            return row < 0 || column < 0 ? -1 : row * w + column;
          });
    };
    const auto is_usual = [](const LineOrder& order) {
      const bool repeats = order.id.starts_with("repeated_") && !order.id.starts_with("repeated_2_");
      return !order.id.empty() && order.numbers <= kUsualOrder && !repeats;
    };
    for (const LineOrder& r : rows) {
      if (!is_usual(r)) continue;
      lines(r, columns[0], r.words);
      for (const LineOrder& c : columns) {
        if (c.id == r.id) lines(r, c, r.words + ", and " + c.words);
      }
    }
    for (const LineOrder& c : columns) {
      if (is_usual(c)) lines(rows[0], c, c.words);
    }
    rank(list);
  }

  /// All channels as one array with its axes in another order.
  void arrays() {
    if (channels_ < 2) return;
    std::vector<Named> list;
    const std::array<const char*, 3> name = {"channels", "rows", "columns"};
    std::array<size_t, 3> order = {0, 1, 2};
    while (std::next_permutation(order.begin(), order.end())) {
      for (const bool reads : {false, true}) {
        const std::string nhwc = order == std::array<size_t, 3>{1, 2, 0} ? " (NHWC, channels last)" : "";
        list.push_back({"layout",
                        fmt::format("values are {} in the layout of {}, {}, {}{}, where they are {} as planes (NCHW)",
                                    reads ? "read" : "stored", name[order[0]], name[order[1]], name[order[2]], nhwc,
                                    reads ? "stored" : "read"),
                        [order, reads](const Tensor<float>& t) {
                          const Shape s = t.shape();
                          const std::array<int64_t, 3> extent = {s.c, s.h, s.w};
                          Tensor<float> to(s);
                          for (int64_t i = 0; i < t.count(); ++i) {
                            std::array<int64_t, 3> at = {};
                            int64_t rest = i;
                            for (size_t k = 3; k-- > 0;) {
                              at[order[k]] = rest % extent[order[k]];
                              rest /= extent[order[k]];
                            }
                            const int64_t planar = (at[0] * s.h + at[1]) * s.w + at[2];
                            to.data()[reads ? planar : i] = t.data()[reads ? i : planar];
                          }
                          return to;
                        }});
      }
    }
    rank(list);
  }

  static TensorOp mapped(std::function<float(float)> curve) {
    return [curve = std::move(curve)](const Tensor<float>& t) {
      Tensor<float> to = t;
      for (float& v : to.values()) v = curve(v);
      return to;
    };
  }

  void rank(const std::vector<Named>& list) {
    std::vector<Tensor<float>> fields;
    for (const Named& named : list) {
      Tensor<float>& field = fields.emplace_back(named.make(output_));
      for (int64_t i = 0; i < output_.count(); ++i) field.data()[i] -= output_.data()[i];
    }
    const Eigen::MatrixXf columns = samples_.by_fields(port_, fields);
    std::map<std::string, Operation> best;  // of each family
    for (size_t i = 0; i < list.size(); ++i) {
      const Named& n = list[i];
      Operation o{port_, n.id, n.sentence, n.make, left_by(columns.col(static_cast<Index>(i))), n.family, n.guess};
      if (!n.family) {
        list_.push_back(std::move(o));
      } else if (!best.contains(n.id) || o.left < best[n.id].left) {
        best[n.id] = std::move(o);
      }
    }
    for (auto& [id, operation] : best) list_.push_back(std::move(operation));
  }

  const Tensor<float>& output_;
  const Samples& samples_;
  size_t port_;
  int64_t channels_;
  const VectorXf& residual_;
  float error_;
  Eigen::MatrixXf mixing_;
  std::vector<Operation> list_;
};

}  // namespace

std::vector<Operation> operations_at(const PortChain& right, const Samples& samples, size_t port) {
  return List(right, samples, port).all();
}

}  // namespace fsrcnn
