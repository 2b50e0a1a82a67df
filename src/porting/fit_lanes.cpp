// Channels that come late, or are shifted, each by another number of places; a part of the picture that is; and all
// that comes after some pixel.
#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/evidence.hpp"
#include "porting/fit_places.hpp"
#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kLanePlaces = 32;
constexpr double kLaneShare = 0.8;     // of them, that must agree with a rule for all channels
constexpr int64_t kLatest = 80;        // places, and rows
constexpr int64_t kFarthestPart = 16;  // rows and columns
constexpr int64_t kAny = JudgedPlaces::kAny;

class Lanes {
 public:
  explicit Lanes(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {}

  std::vector<Mistake> all() {
    if (shape_.c < 2 || shape_.h < 4 || shape_.w < 4) return {};
    bool any = false;
    int64_t unknown = 0;
    for (int64_t c = 0; c < shape_.c; ++c) {
      by_.push_back(delay_of(c));
      if (!by_.back() && !is_flat(c) && 4 * ++unknown > shape_.c) return {};
      any = any || (by_.back() && *by_.back() != 0);
    }
    if (any) tell();
    return std::move(list_);
  }

 private:
  bool is_flat(int64_t c) const {
    const float* v = layer_.found().plane(0, c);
    const auto [low, high] = std::minmax_element(v, v + shape_.h * shape_.w);
    return *high - *low <= 8 * layer_.tolerance();
  }

  /// Of a channel's places those that agree with a delay of n. Of shifts by columns those at the ends of rows need not.
  double share(int64_t c, int64_t n) const {
    const int64_t size = shape_.h * shape_.w;
    const float *found = layer_.found().plane(0, c), *right = layer_.right().plane(0, c);
    int inside = 0, same = 0;
    for (const int64_t at : places_[static_cast<size_t>(c)]) {
      if (at - n < 0 || at - n >= size) continue;
      ++inside;
      same += std::abs(found[at] - right[at - n]) <= layer_.tolerance() ? 1 : 0;
      if (inside - same > 12) return 0;
    }
    return inside < 8 ? 0 : static_cast<double>(same) / inside;
  }

  /// Looked for from channel 0 on.
  std::optional<int64_t> delay_of(int64_t c) {
    const int64_t size = shape_.h * shape_.w;
    const float* found = layer_.found().plane(0, c);
    std::mt19937 generator(static_cast<uint32_t>(c + 1));
    std::vector<int64_t>& places = places_.emplace_back();
    for (size_t i = 0; i < 40 * kLanePlaces && places.size() < kLanePlaces; ++i) {
      const auto at = static_cast<int64_t>(generator() % static_cast<uint64_t>(size));
      const int64_t next = at % shape_.w + 1 < shape_.w ? at + 1 : at - 1;
      if (std::abs(found[at] - found[next]) > 4 * layer_.tolerance()) places.push_back(at);
    }
    if (places.size() < 8) return std::nullopt;
    std::optional<int64_t> best;
    double most = 0.6;
    const auto consider = [&](int64_t n) {
      const double s = share(c, n);
      if (s > most + (best ? 0.05 : 0)) best = n, most = s;
    };
    for (int64_t n = 0; n <= std::max(kLatest, shape_.c); ++n) {
      consider(n);
      if (most == 1 && best) return best;
      if (n > 0) consider(-n);
    }
    for (int64_t n = 1; n <= std::min(kLatest, shape_.h / 2); ++n) {
      consider(n * shape_.w);
      consider(-n * shape_.w);
    }
    return best;
  }

  /// by_ of all channels as a * (c / group) + b, or a * (c % group) + b.
  std::optional<std::pair<std::string, double>> rule(std::vector<int64_t>& full, int64_t unit) const {
    const auto fits = [&](const auto& f) {
      for (int64_t c = 0; c < shape_.c; ++c) {
        const auto& known = by_[static_cast<size_t>(c)];
        const int64_t n = unit * f(c);
        // Where little changes, more than one delay may agree.
        if (known && *known != n && share(c, n) < kLaneShare) return false;
      }
      for (int64_t c = 0; c < shape_.c; ++c) full[static_cast<size_t>(c)] = unit * f(c);
      return true;
    };
    const std::string what = unit == 1 ? "place" : "row";
    const auto amount = [&](int64_t a, int64_t b) {
      return fmt::format("{}{}{}", std::abs(a) == 1 ? "" : fmt::format("{} ", std::abs(a)),
                         std::abs(a) == 1 ? "one " + what : what + "s", b == 0 ? "" : fmt::format(" (from {} on)", b));
    };
    for (int64_t group = 1; group <= shape_.c / 2; ++group)
      for (int64_t a = -4; a <= 4; ++a)
        for (int64_t b = -8; b <= 8; ++b) {
          if (a == 0) continue;
          const char* late = a > 0 ? "late" : "early";
          const char* later = a > 0 ? "later" : "earlier";
          if (fits([&](int64_t c) { return a * (c / group) + b; })) {
            if (group == 1 && b == 0 && std::abs(a) == 1) {
              return std::pair(fmt::format("channel c comes c {}s too {}, as in a systolic array whose skew is left in "
                                           "(each channel one {} {} than the one before)",
                                           what, late, what, later),
                               1.0);
            }
            return std::pair(
                group == 1
                    ? fmt::format("each channel comes {} {} than the one before (a skew)", amount(a, b), later)
                    : fmt::format("each {} channels come {} {} than those before (a skew)", group, amount(a, b), later),
                1.2);
          }
          if (group > 2 && fits([&](int64_t c) { return a * (c % group) + b; })) {
            return std::pair(fmt::format("in each group of {} channels, each comes {} {} than the one before (a skew)",
                                         group, amount(a, b), later),
                             1.3);
          }
        }
    // The same for some of them.
    std::set<int64_t> different;
    IndexSet late{shape_.c, {}};
    for (int64_t c = 0; c < shape_.c; ++c) {
      const auto& known = by_[static_cast<size_t>(c)];
      full[static_cast<size_t>(c)] = known.value_or(0);
      if (!known || *known == 0) continue;
      different.insert(*known);
      late.indices.push_back(c);
    }
    if (different.size() == 1) {
      const int64_t n = *different.begin() / unit;
      const int64_t at = late.indices[0];
      const int64_t step = late.indices.size() > 1 ? late.indices[1] - at : 0;
      // Channels that tell nothing are late as the pattern has it.
      bool periodic = step > 1;
      for (size_t i = 1; i < late.indices.size() && periodic; ++i) {
        periodic = late.indices[i] - late.indices[i - 1] == step;
      }
      const std::string which = to_words(late, "channel");
      const bool one = late.indices.size() == 1 || which.starts_with("each") || which.starts_with("every");
      return std::pair(fmt::format("{} come{} {} {}{} too {}", which, one ? "s" : "", std::abs(n), what,
                                   std::abs(n) == 1 ? "" : "s", n > 0 ? "late" : "early"),
                       periodic ? 0.9 : 1.2);
    }
    if (late.indices.size() > 16 && different.size() > 8) return std::nullopt;
    std::vector<std::string> parts;
    for (size_t i = 0; i < late.indices.size() && i < 6; ++i) {
      parts.push_back(
          fmt::format("channel {} by {}", late.indices[i], *by_[static_cast<size_t>(late.indices[i])] / unit));
    }
    return std::pair(fmt::format("the channels come late by different numbers of {}s: {}{}", what,
                                 fmt::join(parts, ", "), late.indices.size() > 6 ? ", ..." : ""),
                     static_cast<double>(std::min<size_t>(late.indices.size(), 2 * different.size() + 2)));
  }

  void tell() {
    bool rows = true, columns = true, equal = true;
    for (const auto& n : by_) {
      if (!n) continue;
      rows = rows && *n % shape_.w == 0;
      columns = columns && std::abs(*n) < shape_.w;
      equal = equal && by_[0] && *n == *by_[0];
    }
    if (equal) return;  // that is a shift of all
    std::vector<int64_t> full(by_.size());
    const int64_t unit = rows ? shape_.w : 1;
    const auto named = rule(full, unit);
    if (!named) return;
    for (const Entering entering : {Entering::zeros, Entering::edge, Entering::circular}) {
      const char* how = entering == Entering::zeros  ? "zeros come in"
                        : entering == Entering::edge ? "the first value is repeated"
                                                     : "the other end comes in";
      const auto put = [&](const std::string& id, const std::string& what,
                           const std::function<std::pair<int64_t, int64_t>(int64_t)>& by, bool raster) {
        list_.push_back({"output_lanes_" + id, fmt::format("in the output, {} ({}; {})", named->first, what, how),
                         "output_layout", false,
                         [full, entering, by, raster](LayerPort& p) {
                           p.after.emplace_back([=](const Tensor<float>& t) {
                             const Shape s = t.shape();
                             if (s.c != static_cast<int64_t>(full.size())) return t;
                             Tensor<float> to = t;
                             for (int64_t c = 0; c < s.c; ++c) {
                               const int64_t n = full[static_cast<size_t>(c)], size = s.h * s.w;
                               if (n == 0) continue;
                               const Tensor<float> lane({1, 1, s.h, s.w}, {t.plane(0, c), t.plane(0, c) + size});
                               const auto [dy, dx] = by(n);
                               const Tensor<float> late =
                                   raster ? delayed(lane, n, entering) : moved(lane, dy, dx, entering);
                               std::copy_n(late.data(), size, to.plane(0, c));
                             }
                             return to;
                           });
                         },
                         named->second + (entering == Entering::zeros ? 0 : 0.05)});
      };
      if (!rows) {
        put(
            "delayed", "in raster order, rows run on into the next",
            [](int64_t) { return std::pair<int64_t, int64_t>(0, 0); }, true);
      }
      if (columns && !rows) {
        put(
            "columns", "shifted by columns", [](int64_t n) { return std::pair<int64_t, int64_t>(0, n); }, false);
      }
      if (rows) {
        put(
            "rows", "shifted by rows", [w = shape_.w](int64_t n) { return std::pair<int64_t, int64_t>(n / w, 0); },
            false);
      }
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<std::vector<int64_t>> places_;  // of each channel, that are compared
  std::vector<std::optional<int64_t>> by_;    // of each channel; empty: it is flat, or nothing agrees
  std::vector<Mistake> list_;
};

/// The same for all channels, in a rectangle, or from a pixel on.
class MovedParts {
 public:
  explicit MovedParts(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()), places_(layer) {}

  std::vector<Mistake> all() {
    if (places_.empty() || shape_.h < 4 || shape_.w < 4) return {};
    measure();
    rectangle();
    tail();
    return std::move(list_);
  }

 private:
  void measure() {
    const int64_t size = shape_.h * shape_.w;
    first_ = size, top_ = shape_.h, left_ = shape_.w;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      if (std::abs(layer_.found().data()[i] - layer_.right().data()[i]) <= layer_.tolerance()) continue;
      const int64_t at = i % size, y = at / shape_.w, x = at % shape_.w;
      first_ = std::min(first_, at);
      top_ = std::min(top_, y), bottom_ = std::max(bottom_, y + 1);
      left_ = std::min(left_, x), right_ = std::max(right_, x + 1);
    }
  }

  void put(const std::string& id, const std::string& sentence, double numbers, const TensorOp& op) {
    list_.push_back(
        {"output_" + id, sentence, "output_layout", false, [op](LayerPort& p) { p.after.push_back(op); }, numbers});
  }

  bool is_inside(int64_t y, int64_t x) const { return y >= top_ && y < bottom_ && x >= left_ && x < right_; }

  void rectangle() {
    if (top_ == 0 && left_ == 0 && bottom_ == shape_.h && right_ == shape_.w) return;
    const int64_t size = shape_.h * shape_.w;
    for (int64_t dy = -kFarthestPart; dy <= kFarthestPart; ++dy)
      for (int64_t dx = -kFarthestPart; dx <= kFarthestPart; ++dx) {
        if (dy == 0 && dx == 0) continue;
        // What comes in at the rectangle's edge may be anything.
        if (bottom_ - top_ <= 2 * std::abs(dy) || right_ - left_ <= 2 * std::abs(dx)) continue;
        const bool moves = places_.agree([&](int64_t i) {
          const int64_t y = i % size / shape_.w, x = i % shape_.w;
          return is_inside(y, x) && is_inside(y - dy, x - dx) ? i - dy * shape_.w - dx : kAny;
        });
        if (moves) put_rectangle(dy, dx);
      }
  }

  void put_rectangle(int64_t dy, int64_t dx) {
    const auto range = [](int64_t first, int64_t end, int64_t extent) {
      IndexSet set{extent, {}};
      for (int64_t i = first; i < end; ++i) set.indices.push_back(i);
      return set;
    };
    const IndexSet rows = range(top_, bottom_, shape_.h), columns = range(left_, right_, shape_.w);
    std::string where = rows.is_all() ? to_words(columns, "column") : to_words(rows, "row");
    if (!rows.is_all() && !columns.is_all()) where += " in " + to_words(columns, "column");
    std::vector<std::string> by;
    if (dy != 0)
      by.push_back(fmt::format("{} row{} too {}", std::abs(dy), std::abs(dy) == 1 ? "" : "s", dy > 0 ? "low" : "high"));
    if (dx != 0)
      by.push_back(
          fmt::format("{} column{} too far {}", std::abs(dx), std::abs(dx) == 1 ? "" : "s", dx > 0 ? "right" : "left"));
    for (const bool whole : {true, false})  // reads the picture around it, too, or itself alone
      for (const Entering entering : {Entering::zeros, Entering::edge, Entering::circular}) {
        const int64_t y0 = whole ? 0 : top_, y1 = whole ? shape_.h : bottom_, x0 = whole ? 0 : left_,
                      x1 = whole ? shape_.w : right_;
        const auto source = [=](int64_t at, int64_t first, int64_t end) -> int64_t {
          if (at >= first && at < end) return at;
          if (entering == Entering::zeros) return -1;
          if (entering == Entering::edge) return std::clamp(at, first, end - 1);
          return (at - first + end - first) % (end - first) + first;
        };
        const char* how = entering == Entering::zeros  ? "zeros come in"
                          : entering == Entering::edge ? "the edge is repeated"
                                                       : "the other side comes in";
        put("part_moved", fmt::format("in the output, {} are shifted: {} ({})", where, fmt::join(by, " and "), how),
            1.4 + (whole ? 0 : 0.1),
            [=, shape = shape_, top = top_, bottom = bottom_, left = left_, right = right_](const Tensor<float>& t) {
              Tensor<float> to = t;
              if (t.shape() != shape) return to;
              for (int64_t c = 0; c < shape.c; ++c)
                for (int64_t y = top; y < bottom; ++y)
                  for (int64_t x = left; x < right; ++x) {
                    const int64_t fy = source(y - dy, y0, y1), fx = source(x - dx, x0, x1);
                    to(0, c, y, x) = fy < 0 || fx < 0 ? 0 : t(0, c, fy, fx);
                  }
              return to;
            });
      }
  }

  /// From a pixel on all come late or early: one was lost, or came twice.
  void tail() {
    const int64_t size = shape_.h * shape_.w;
    if (first_ == 0 || first_ >= size - 2) return;
    for (int64_t n = -kLatest; n <= kLatest; ++n) {
      if (n == 0) continue;
      const bool moves = places_.agree([&](int64_t i) {
        const int64_t at = i % size;
        return at < first_ ? i : at - n < 0 || at - n >= size ? kAny : i - n;
      });
      if (!moves) continue;
      // The first that are late may be the same by chance.
      for (const bool edge : {false, true}) {
        const int64_t start = first_;
        put("late_from",
            fmt::format(
                "in the output, from row {}, column {} on all values come {} place{} too {} in raster order ({})",
                start / shape_.w, start % shape_.w, std::abs(n), std::abs(n) == 1 ? "" : "s", n > 0 ? "late" : "early",
                n > 0 ? "values come twice, or too many" : "values are lost"),
            1.4, [=, shape = shape_](const Tensor<float>& t) {
              Tensor<float> to = t;
              if (t.shape() != shape) return to;
              for (int64_t c = 0; c < shape.c; ++c)
                for (int64_t i = start; i < size; ++i) {
                  const int64_t from = i - n;
                  to.plane(0, c)[i] = from >= 0 && from < size ? t.plane(0, c)[from]
                                      : edge                   ? t.plane(0, c)[from < 0 ? 0 : size - 1]
                                                               : 0;
                }
              return to;
            });
      }
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  JudgedPlaces places_;
  int64_t first_ = 0;                                    // in raster order, that differs in some channel
  int64_t top_ = 0, bottom_ = 0, left_ = 0, right_ = 0;  // of what differs
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_lanes(const LayerCase& layer) {
  std::vector<Mistake> list = Lanes(layer).all();
  for (Mistake& m : MovedParts(layer).all()) list.push_back(std::move(m));
  return list;
}

}  // namespace fsrcnn
