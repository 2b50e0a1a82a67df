// Pixels that stand in other places by a rule: fields, tiles in another order, curves through memory, pixels left out
// and repeated, arrays in another order.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "porting/fit_places.hpp"
#include "porting/fits.hpp"
#include "porting/line_orders.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestTile = 64;
constexpr double kRuleShare = 0.9;  // the share of all values that a rule must meet to be given

/// Every second bit of i.
int64_t each_second_bit(int64_t i) {
  int64_t r = 0;
  for (int b = 0; b < 16; ++b) r |= (i >> (2 * b) & 1) << b;
  return r;
}

class Sources {
 public:
  explicit Sources(const LayerCase& layer)
      : layer_(layer), shape_(layer.found().shape()), size_(shape_.h * shape_.w), places_(layer) {}

  std::vector<Mistake> all() {
    if (places_.empty() || shape_.h < 4 || shape_.w < 4) return {};
    lines();
    resampled();
    tiles();
    curves();
    arrays();
    return std::move(list_);
  }

 private:
  /// `source`: (y, x) -> the place in the plane, below 0: zero.
  template <class Source>
  bool agrees(const Source& source) const {
    return places_.agree([&](int64_t at) -> int64_t {
      const int64_t in = at % size_, from = source(in / shape_.w, in % shape_.w);
      return from < 0 || from >= size_ ? -1 : at - in + from;
    });
  }

  template <class Source>
  void put(const std::string& id, const std::string& sentence, double numbers, const Source& source) {
    std::vector<int64_t> map(static_cast<size_t>(size_));
    int64_t moved = 0;
    for (int64_t i = 0; i < size_; ++i) {
      const int64_t from = source(i / shape_.w, i % shape_.w);
      map[static_cast<size_t>(i)] = from < 0 || from >= size_ ? -1 : from;
      moved += map[static_cast<size_t>(i)] != i ? 1 : 0;
    }
    int64_t same = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      const int64_t from = map[static_cast<size_t>(i % size_)];
      const float value = from < 0 ? 0 : layer_.right().data()[i - i % size_ + from];
      same += std::abs(layer_.found().data()[i] - value) <= layer_.tolerance() ? 1 : 0;
    }
    if (moved == 0 || static_cast<double>(same) < kRuleShare * static_cast<double>(layer_.found().count())) return;
    list_.push_back({"output_" + id, sentence, "output_layout", false,
                     [map = std::move(map)](LayerPort& p) {
                       p.after.emplace_back([map](const Tensor<float>& t) {
                         const auto size = static_cast<int64_t>(map.size());
                         if (t.shape().h * t.shape().w != size) return t;
                         Tensor<float> to(t.shape());
                         for (int64_t i = 0; i < t.count(); ++i) {
                           const int64_t from = map[static_cast<size_t>(i % size)];
                           if (from >= 0) to.data()[i] = t.data()[i - i % size + from];
                         }
                         return to;
                       });
                     },
                     numbers});
  }

  int64_t at(int64_t y, int64_t x) const {
    return y < 0 || x < 0 || y >= shape_.h || x >= shape_.w ? -1 : y * shape_.w + x;
  }

  /// A rule for the rows and one for the columns.
  void lines() {
    const std::vector<LineOrder> rows = line_orders(shape_.h, "row"), columns = line_orders(shape_.w, "column");
    for (const LineOrder& r : rows)
      for (const LineOrder& c : columns) {
        if (r.id.empty() && c.id.empty()) continue;
        const auto source = [&](int64_t y, int64_t x) {
          return at(r.from[static_cast<size_t>(y)], c.from[static_cast<size_t>(x)]);
        };
        if (!agrees(source)) continue;
        const bool same = r.id == c.id;
        const std::string id = (r.id.empty() ? "" : "rows_" + r.id) + (r.id.empty() || c.id.empty() ? "" : "_") +
                               (c.id.empty() ? "" : "columns_" + c.id);
        std::string words = r.id.empty() ? c.words : c.id.empty() ? r.words : r.words + ", and " + c.words;
        if (same && r.id.starts_with("repeated_") && r.id.ends_with("_0")) {
          const std::string m = r.id.substr(9, r.id.find('_', 9) - 9);
          words = fmt::format(
              "only the first of each {0} by {0} pixels is kept, and repeated in their places (as "
              "by a stride of {0}, or one phase for all)",
              m);
        }
        put(id, "in the output, " + words, same ? r.numbers : r.numbers + c.numbers, source);
      }
  }

  /// Rows, columns or both of which each n-th is left out or comes twice.
  void resampled() {
    const auto name = [](int64_t n) { return n == 2 ? std::string("second") : fmt::format("{}th", n); };
    for (int64_t n = 2; n <= kLargestTile; ++n)
      for (int64_t phase = 0; phase < n; ++phase)
        for (const bool drops : {true, false})
          for (const int axes : {1, 2, 3}) {
            const auto from = [&](int64_t i, int64_t extent) {
              const int64_t by = (i + phase) / (drops ? n - 1 : n + 1);
              return std::clamp<int64_t>(drops ? i + by : i - by, 0, extent - 1);
            };
            const auto source = [&](int64_t y, int64_t x) {
              return at((axes & 1) != 0 ? from(y, shape_.h) : y, (axes & 2) != 0 ? from(x, shape_.w) : x);
            };
            if (!agrees(source)) continue;
            if (!drops && axes != 3) {
              // So few may be an address that stops too early.
              const int64_t extent = axes == 1 ? shape_.h : shape_.w;
              std::vector<int64_t> twice;
              for (int64_t i = 1; i < extent; ++i) {
                if (from(i, extent) == from(i - 1, extent)) twice.push_back(i);
              }
              const char* const line = axes == 1 ? "row" : "column";
              if (twice.size() == 1) {
                put("line_repeated",
                    twice[0] + 1 == extent
                        ? fmt::format("in the output, the last {} ({}) is the {} before it again", line, twice[0], line)
                        : fmt::format("in the output, {0} {1} is {0} {2} again, and all behind come one later", line,
                                      twice[0], twice[0] - 1),
                    0.5, source);
                continue;
              }
            }
            put(fmt::format("resampled_{}_{}", drops ? "dropped" : "repeated", n),
                fmt::format("in the output, each {} {} {} (nearest resampling to another size)", name(n),
                            axes == 1   ? "row"
                            : axes == 2 ? "column"
                                        : "row and column",
                            drops ? "is left out" : "comes twice"),
                axes == 3 ? 0.9 : 1.0, source);
          }
  }

  void tiles() {
    std::vector<int64_t> heights, widths;
    for (int64_t n = 1; n <= shape_.h; ++n)
      if (n <= kLargestTile || n == shape_.h || shape_.h % n == 0) heights.push_back(n);
    for (int64_t n = 1; n <= shape_.w; ++n)
      if (n <= kLargestTile || n == shape_.w || shape_.w % n == 0) widths.push_back(n);
    for (const int64_t h : heights)
      for (const int64_t w : widths) tile(h, w);
  }

  void tile(int64_t h, int64_t w) {
    const int64_t down = (shape_.h + h - 1) / h, across = (shape_.w + w - 1) / w;
    const std::string size = w == shape_.w   ? fmt::format("strips of {} rows", h)
                             : h == shape_.h ? fmt::format("strips of {} columns", w)
                             : h * w == 1    ? std::string("pixels")
                                             : fmt::format("tiles of {} by {} pixels", h, w);
    const double numbers = h == w ? 0.7 : 0.8;
    const auto moved = [&](int64_t y, int64_t x, int64_t ty, int64_t tx) { return at(ty * h + y % h, tx * w + x % w); };
    const auto try_rule = [&](const std::string& id, const std::string& words, const auto& source) {
      if (agrees(source)) {
        put(fmt::format("tiles_{}_{}_{}", id, h, w), fmt::format("the {} of the output {}", size, words), numbers,
            source);
      }
    };
    if (down > 1 && across > 1) {
      try_rule("by_columns", "are made column by column, but put together row by row (in another order)",
               [&](int64_t y, int64_t x) {
                 const int64_t t = y / h * across + x / w;
                 return moved(y, x, t % down, t / down);
               });
      try_rule("by_rows", "are made row by row, but put together column by column (in another order)",
               [&](int64_t y, int64_t x) {
                 const int64_t t = x / w * down + y / h;
                 return moved(y, x, t / across, t % across);
               });
      if (down == across) {
        try_rule("transposed", "are transposed as a whole: their rows and columns are exchanged",
                 [&](int64_t y, int64_t x) { return moved(y, x, x / w, y / h); });
      }
      for (const int64_t odd : {0, 1}) {
        const char* which = odd == 1 ? "each second" : "the first and each second further";
        try_rule(fmt::format("serpentine_rows_{}", odd), fmt::format("run back in {} row (serpentine order)", which),
                 [&](int64_t y, int64_t x) {
                   const int64_t ty = y / h, tx = x / w;
                   return moved(y, x, ty, ty % 2 == odd ? across - 1 - tx : tx);
                 });
        try_rule(fmt::format("serpentine_columns_{}", odd),
                 fmt::format("run back in {} column (serpentine order)", which), [&](int64_t y, int64_t x) {
                   const int64_t ty = y / h, tx = x / w;
                   return moved(y, x, tx % 2 == odd ? down - 1 - ty : ty, tx);
                 });
      }
    }
    const int64_t bottom = h, right = w;  // of a tile; those at the ends may be smaller
    const auto within = [&](const std::string& id, const std::string& words, const auto& f) {
      try_rule(id, words, [&](int64_t y, int64_t x) {
        const int64_t y0 = y / h * h, x0 = x / w * w;
        const auto [fy, fx] = f(y - y0, x - x0);
        return fy >= bottom || fx >= right ? -1 : at(y0 + fy, x0 + fx);
      });
    };
    using Place = std::pair<int64_t, int64_t>;
    if (h == w && h > 1) {
      within("each_transposed", "are transposed, each for itself (rows and columns exchanged)",
             [](int64_t y, int64_t x) {
               return Place{x, y};
             });
    }
    if (h > 1 && w > 1 && h != w) {
      within("each_by_columns", "are filled by columns, where they are read by rows", [&](int64_t y, int64_t x) {
        const int64_t i = y * w + x;
        return Place{i % h, i / h};
      });
      within("each_by_rows", "are filled by rows, where they are read by columns", [&](int64_t y, int64_t x) {
        const int64_t i = x * h + y;
        return Place{i / w, i % w};
      });
    }
    for (const int64_t odd : {0, 1}) {
      const char* which = odd == 1 ? "each second" : "the first and each second further";
      if (w > 1 && h > 1) {
        within(fmt::format("each_serpentine_{}", odd), fmt::format("run back in {} row of pixels (serpentine)", which),
               [&](int64_t y, int64_t x) {
                 return Place{y, y % 2 == odd ? w - 1 - x : x};
               });
        within(fmt::format("each_serpentine_columns_{}", odd),
               fmt::format("run back in {} column of pixels (serpentine)", which), [&](int64_t y, int64_t x) {
                 return Place{x % 2 == odd ? h - 1 - y : y, x};
               });
      }
    }
  }

  /// The curve of Morton (Z), in squares.
  void curves() {
    for (int bits = 1; bits <= 8 && (int64_t{1} << bits) <= std::max(shape_.h, shape_.w); ++bits) {
      const int64_t side = int64_t{1} << bits;
      for (const bool x_first : {true, false})
        for (const bool writes : {true, false}) {
          const auto source = [&](int64_t y, int64_t x) {
            const int64_t y0 = y / side * side, x0 = x / side * side;
            int64_t fy = 0, fx = 0;
            if (writes) {  // the i-th of the square by rows is the i-th on the curve
              const int64_t i = (y - y0) * side + x - x0;
              fx = each_second_bit(x_first ? i : i >> 1), fy = each_second_bit(x_first ? i >> 1 : i);
            } else {
              int64_t i = 0;
              for (int b = 0; b < bits; ++b) {
                i |= ((x_first ? x - x0 : y - y0) >> b & 1) << (2 * b);
                i |= ((x_first ? y - y0 : x - x0) >> b & 1) << (2 * b + 1);
              }
              fy = i / side, fx = i % side;
            }
            return at(y0 + fy, x0 + fx);
          };
          if (!agrees(source)) continue;
          put(fmt::format("morton_{}", side),
              fmt::format("the output is in Morton (Z) order in squares of {0} by {0} pixels", side), 0.6, source);
        }
    }
  }

  /// All channels as one array with its axes in another order, or in packs of channels.
  void arrays() {
    if (shape_.c < 2) return;
    const std::array<int64_t, 3> extent = {shape_.c, shape_.h, shape_.w};
    const std::array<const char*, 3> name = {"channels", "rows", "columns"};
    std::array<size_t, 3> order = {0, 1, 2};
    const auto flat = [w = shape_.w, h = shape_.h](int64_t c, int64_t y, int64_t x) { return (c * h + y) * w + x; };
    while (std::next_permutation(order.begin(), order.end())) {
      array(
          fmt::format("axes_{}{}{}", order[0], order[1], order[2]),
          fmt::format("the output is stored in the order {}, {}, {}", name[order[0]], name[order[1]], name[order[2]]),
          [=](int64_t i) {
            std::array<int64_t, 3> at{};
            for (size_t k = 3; k-- > 0;) at[order[k]] = i % extent[order[k]], i /= extent[order[k]];
            return flat(at[0], at[1], at[2]);
          },
          [=](int64_t i) {
            const std::array<int64_t, 3> at = {i / (extent[1] * extent[2]), i / extent[2] % extent[1], i % extent[2]};
            return (at[order[0]] * extent[order[1]] + at[order[1]]) * extent[order[2]] + at[order[2]];
          });
    }
    for (const int64_t pack : {2, 3, 4, 8, 16, 32}) {
      if (pack >= shape_.c || shape_.c % pack != 0) continue;
      const int64_t part = size_ * pack;
      array(
          fmt::format("packs_{}", pack),
          fmt::format("the output is stored in packs of {} channels that are together at each pixel", pack),
          [part, pack, size = size_](int64_t i) { return i / part * part + i % pack * size + i % part / pack; },
          [part, pack, size = size_](int64_t i) { return i / part * part + i % size * pack + i % part / size; });
    }
  }

  /// `written`: the value at i in memory is the one of this flat index; `read` is its inverse.
  void array(const std::string& id, const std::string& sentence, const std::function<int64_t(int64_t)>& written,
             const std::function<int64_t(int64_t)>& read) {
    for (const bool reads : {false, true}) {
      const auto& source = reads ? read : written;
      if (!places_.agree(source)) continue;
      list_.push_back({"output_" + id + (reads ? "_read" : ""),
                       sentence + (reads ? ", where it should be plain, or the other way round" : ", not as planes"),
                       "output_layout", false,
                       [source, count = layer_.found().count()](LayerPort& p) {
                         p.after.emplace_back([=](const Tensor<float>& t) {
                           if (t.count() != count) return t;
                           Tensor<float> to(t.shape());
                           for (int64_t i = 0; i < count; ++i) to.data()[i] = t.data()[source(i)];
                           return to;
                         });
                       },
                       0.3});
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  int64_t size_;
  JudgedPlaces places_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_sources(const LayerCase& layer) { return Sources(layer).all(); }

}  // namespace fsrcnn
