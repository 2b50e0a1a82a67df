#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/evidence_parts.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kProbes = 48;
constexpr size_t kFewestDistinct = 6;  // values that must be found where they went, or it may be chance
constexpr int64_t kMostShift = 16;     // pixels each way
constexpr int64_t kMostDelay = 4096;   // values in raster order
constexpr int64_t kNowhere = -1;

/// Where a value of the found tensor should have stood, as an index of the expected one; kNowhere: it is not of it.
using Source = std::function<int64_t(int64_t c, int64_t y, int64_t x)>;

class Moves {
 public:
  Moves(const Errors& errors, int64_t scale, Evidence& evidence)
      : x_(errors), s_(errors.found.shape()), scale_(scale), evidence_(evidence) {
    choose_probes();
  }

  void run() {
    if (probes_.empty()) return;
    // Of some rows or columns alone it says more which others they are than how far away.
    const bool some_rows = !evidence_.rows.is_all(), some_columns = !evidence_.columns.is_all();
    channels() || flipped() || axes() || (some_rows && lines(1)) || (some_columns && lines(2)) || delayed() ||
        shifted() || lanes() || phases() || lines(1) || lines(2);
  }

 private:
  bool same(int64_t found, int64_t expected) const { return std::abs(x_.f(found) - x_.e(expected)) <= x_.tolerance; }

  int64_t index(int64_t c, int64_t y, int64_t x) const {
    if (y < 0 || x < 0 || y >= s_.h || x >= s_.w || c < 0 || c >= s_.c) return kNowhere;
    return (c * s_.h + y) * s_.w + x;
  }

  std::array<int64_t, 3> place(int64_t i) const { return {i / (s_.h * s_.w), i / s_.w % s_.h, i % s_.w}; }

  /// Values that differ, spread over all that do, of many sizes: where all are 0, any place would do.
  void choose_probes() {
    const size_t count = x_.differing.size();
    const size_t stride = std::max<size_t>(1, count / 4096);
    std::vector<int64_t> some;
    for (size_t k = 0; k < count; k += stride) some.push_back(x_.differing[k]);
    std::sort(some.begin(), some.end(), [&](int64_t a, int64_t b) { return x_.f(a) < x_.f(b); });
    std::vector<int64_t> distinct;
    for (const int64_t i : some) {
      if (distinct.empty() || x_.f(i) - x_.f(distinct.back()) > 2 * x_.tolerance) distinct.push_back(i);
    }
    if (distinct.size() < kFewestDistinct || x_.f(distinct.back()) - x_.f(distinct.front()) < 64 * x_.tolerance) return;
    for (size_t k = 0; k < std::min(kProbes, distinct.size()); ++k) {
      probes_.push_back(distinct[k * distinct.size() / std::min(kProbes, distinct.size())]);
    }
  }

  /// Whether all that differ, but those that are of nowhere, are the expected values of their sources; and those that
  /// are right stay so.
  bool holds(const Source& source) const {
    size_t hits = 0;
    for (const int64_t i : probes_) {
      const auto [c, y, x] = place(i);
      const int64_t from = source(c, y, x);
      if (from == kNowhere) continue;
      if (!same(i, from)) return false;
      ++hits;
    }
    if (hits < std::max<size_t>(kFewestDistinct, probes_.size() / 2)) return false;
    size_t known = 0;
    for (const int64_t i : x_.differing) {
      const auto [c, y, x] = place(i);
      const int64_t from = source(c, y, x);
      if (from == kNowhere) continue;
      if (!same(i, from)) return false;
      ++known;
    }
    return 2 * known >= x_.differing.size();
  }

  bool everywhere(const Source& source) const {
    for (int64_t i = 0; i < x_.found.count(); ++i) {
      const auto [c, y, x] = place(i);
      const int64_t from = source(c, y, x);
      if (from != kNowhere && !same(i, from)) return false;
    }
    return true;
  }

  bool take(std::string id, const Source& source, const std::string& words, std::vector<int64_t> indices) {
    if (!holds(source)) return false;
    evidence_.facts.push_back({std::move(id),
                               fmt::format("{}: {}",
                                           everywhere(source) ? "the values are right but elsewhere"
                                                              : "those that differ are right values of elsewhere",
                                           words),
                               {},
                               std::move(indices)});
    return true;
  }

  bool flipped() {
    const Source upside_down = [&](int64_t c, int64_t y, int64_t x) { return index(c, s_.h - 1 - y, x); };
    const Source mirrored = [&](int64_t c, int64_t y, int64_t x) { return index(c, y, s_.w - 1 - x); };
    const Source turned = [&](int64_t c, int64_t y, int64_t x) { return index(c, s_.h - 1 - y, s_.w - 1 - x); };
    return take("flipped", upside_down, "upside down", {1}) || take("flipped", mirrored, "mirrored", {2}) ||
           take("flipped", turned, "turned by 180 degrees", {3});
  }

  /// The values in memory are those of the expected tensor with its axes in another order.
  bool axes() {
    static constexpr std::array<std::array<int64_t, 3>, 5> kOrders = {
        {{1, 2, 0}, {0, 2, 1}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}}};
    static constexpr std::array<const char*, 5> kNames = {
        "in the order row, column, channel (NHWC)", "transposed: in the order channel, column, row",
        "in the order column, row, channel (Fortran's)", "in the order row, channel, column",
        "in the order column, channel, row"};
    const std::array<int64_t, 3> extent = {s_.c, s_.h, s_.w};
    for (size_t k = 0; k < kOrders.size(); ++k) {
      const auto& order = kOrders[k];
      const Source source = [&](int64_t c, int64_t y, int64_t x) {
        int64_t rest = index(c, y, x);
        std::array<int64_t, 3> at{};
        for (int axis = 2; axis >= 0; --axis) at[order[axis]] = rest % extent[order[axis]], rest /= extent[order[axis]];
        return index(at[0], at[1], at[2]);
      };
      if (take("axes", source, kNames[k], {order.begin(), order.end()})) return true;
    }
    return false;
  }

  /// Distances from near to far, before and behind.
  template <class Try>
  static bool near_to_far(int64_t most, const Try& attempt) {
    for (int64_t n = 1; n <= most; ++n) {
      if (attempt(n) || attempt(-n)) return true;
    }
    return false;
  }

  bool delayed() {
    const int64_t size = s_.h * s_.w;
    return near_to_far(std::min(kMostDelay, size / 2), [&](int64_t n) {
      if (n % s_.w == 0) return false;  // rows
      const Source source = [&](int64_t c, int64_t y, int64_t x) {
        const int64_t from = y * s_.w + x - n;
        return from < 0 || from >= size ? kNowhere : c * size + from;
      };
      return take(
          "delayed", source,
          fmt::format("{} values {} in raster order, over the ends of rows", std::abs(n), n > 0 ? "late" : "early"),
          {n});
    });
  }

  bool shifted() {
    return near_to_far(kMostShift, [&](int64_t far) {
      for (int64_t k = -std::abs(far); k <= std::abs(far); ++k) {
        for (const auto& [dy, dx] : {std::pair{far, k}, std::pair{k, far}}) {
          const Source source = [&, dy = dy, dx = dx](int64_t c, int64_t y, int64_t x) {
            return index(c, y - dy, x - dx);
          };
          if (take("shifted", source, shift_words(dy, dx), {dy, dx})) return true;
        }
      }
      return false;
    });
  }

  static std::string shift_words(int64_t dy, int64_t dx) {
    std::vector<std::string> parts;
    const auto pixels = [](int64_t n) {
      return std::abs(n) == 1 ? std::string("1 pixel") : fmt::format("{} pixels", std::abs(n));
    };
    if (dy != 0) parts.push_back(fmt::format("{} too far {}", pixels(dy), dy > 0 ? "down" : "up"));
    if (dx != 0) parts.push_back(fmt::format("{} too far {}", pixels(dx), dx > 0 ? "right" : "left"));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  /// In the order of a stream that holds all channels of a pixel, then the next pixel.
  bool lanes() {
    if (s_.c < 2) return false;
    return near_to_far(std::min<int64_t>(4 * s_.c, kMostDelay), [&](int64_t n) {
      const Source source = [&](int64_t c, int64_t y, int64_t x) {
        const int64_t from = (y * s_.w + x) * s_.c + c - n;
        if (from < 0 || from >= x_.found.count()) return kNowhere;
        return index(from % s_.c, from / s_.c / s_.w, from / s_.c % s_.w);
      };
      return take("delayed_lanes", source,
                  fmt::format("{} values {} in the order row, column, channel", std::abs(n), n > 0 ? "late" : "early"),
                  {n});
    });
  }

  /// Within each block of s x s pixels.
  bool phases() {
    for (const int64_t s : {scale_, int64_t{2}}) {
      if (s < 2 || s_.h % s != 0 || s_.w % s != 0) continue;
      std::vector<int64_t> from(s * s);
      std::iota(from.begin(), from.end(), 0);
      bool all_found = true;
      for (int64_t p = 0; p < s * s && all_found; ++p) {
        all_found = false;
        for (int64_t q = 0; q < s * s && !all_found; ++q) {
          const int64_t candidate = (p + q) % (s * s);
          if (phase_is(s, p, candidate)) from[p] = candidate, all_found = true;
        }
      }
      if (!all_found || std::is_sorted(from.begin(), from.end())) continue;
      const Source source = [&](int64_t c, int64_t y, int64_t x) {
        const int64_t q = from[y % s * s + x % s];
        return index(c, y - y % s + q / s, x - x % s + q % s);
      };
      std::vector<std::string> parts;
      for (int64_t p = 0; p < s * s; ++p) {
        if (from[p] != p) parts.push_back(fmt::format("({}, {}) has ({}, {})", p / s, p % s, from[p] / s, from[p] % s));
      }
      std::vector<int64_t> indices = {s};
      indices.insert(indices.end(), from.begin(), from.end());
      if (take("phases_permuted", source,
               fmt::format("within each {}x{} pixels, (row, column) {}", s, s, fmt::join(parts, ", ")), indices))
        return true;
    }
    return false;
  }

  bool phase_is(int64_t s, int64_t p, int64_t q) const {
    for (int64_t c = 0; c < s_.c; ++c) {
      for (int64_t y = p / s; y < s_.h; y += s) {
        for (int64_t x = p % s; x < s_.w; x += s) {
          if (!same(index(c, y, x), index(c, y - p / s + q / s, x - p % s + q % s))) return false;
        }
      }
    }
    return true;
  }

  /// Each channel that differs is another one.
  bool channels() {
    if (s_.c < 2 || s_.h * s_.w < 8) return false;
    const int64_t size = s_.h * s_.w;
    std::vector<int64_t> from(s_.c), moved;
    std::iota(from.begin(), from.end(), 0);
    std::vector<int64_t> unknown;
    for (const int64_t c : evidence_.channels.indices) {
      const auto [low, high] = std::minmax_element(x_.found.plane(0, c), x_.found.plane(0, c) + size);
      bool is_found = false;
      for (int64_t k = 1; k < s_.c && !is_found && *high - *low > 64 * x_.tolerance; ++k) {
        const int64_t other = (c + k) % s_.c;
        is_found = true;
        for (int64_t i = 0; i < size && is_found; ++i) is_found = same(c * size + i, other * size + i);
        if (is_found) from[c] = other;
      }
      (is_found ? moved : unknown).push_back(c);
    }
    if (moved.empty()) return false;
    std::string words;
    const auto is_all = [&](const std::function<int64_t(int64_t)>& rule) {
      for (int64_t c = 0; c < s_.c; ++c) {
        if (from[c] != rule(c)) return false;
      }
      return unknown.empty();
    };
    if (is_all([&](int64_t c) { return s_.c - 1 - c; })) words = "the channels are in reverse order";
    for (int64_t n = 1; n < s_.c && words.empty(); ++n) {
      if (is_all([&](int64_t c) { return (c + n) % s_.c; }))
        words = fmt::format("channel c holds channel c + {} (modulo {})", n, s_.c);
    }
    if (words.empty()) {
      std::vector<std::string> parts;
      for (size_t k = 0; k < moved.size() && k < 6; ++k) {
        const int64_t c = moved[k];
        if (from[from[c]] == c && from[c] < c) continue;
        parts.push_back(from[from[c]] == c ? fmt::format("channels {} and {} are exchanged", c, from[c])
                                           : fmt::format("channel {} holds channel {}", c, from[c]));
      }
      words = fmt::format("{}{}", fmt::join(parts, ", "), moved.size() > 6 ? ", ..." : "");
    }
    for (const int64_t c : unknown) from[c] = kNowhere;
    evidence_.facts.push_back({"channels_permuted", words, {}, from});
    return unknown.empty();
  }

  /// Each row (axis 1) or column (2) that differs is another one, in all channels.
  bool lines(int axis) {
    const int64_t extent = axis == 1 ? s_.h : s_.w;
    const std::vector<int64_t>& differing = axis == 1 ? evidence_.rows.indices : evidence_.columns.indices;
    if (extent < 2) return false;
    std::vector<std::vector<int64_t>> values(extent);
    for (const int64_t i : x_.differing) values[place(i)[axis]].push_back(i);
    std::vector<int64_t> from(extent);
    std::iota(from.begin(), from.end(), 0);
    for (const int64_t line : differing) {
      const auto holds_line = [&](int64_t other) {
        if (other < 0 || other >= extent) return false;
        for (const int64_t i : values[line]) {
          auto [c, y, x] = place(i);
          (axis == 1 ? y : x) = other;
          if (!same(i, index(c, y, x))) return false;
        }
        from[line] = other;
        return true;
      };
      if (!near_to_far(extent - 1, [&](int64_t n) { return holds_line(line - n); })) return false;
    }
    const Source source = [&](int64_t c, int64_t y, int64_t x) {
      return axis == 1 ? index(c, from[y], x) : index(c, y, from[x]);
    };
    const char* const noun = axis == 1 ? "row" : "column";
    std::vector<std::string> parts;
    for (size_t k = 0; k < differing.size() && k < 4; ++k) {
      parts.push_back(fmt::format("{} {} holds {} {}", noun, differing[k], noun, from[differing[k]]));
    }
    const int64_t by = differing[0] - from[differing[0]];
    const auto rule = [&](const std::function<int64_t(int64_t)>& f) {
      return std::all_of(differing.begin(), differing.end(), [&](int64_t i) { return from[i] == f(i); });
    };
    const std::string words =
        rule([](int64_t i) { return i ^ 1; }) ? fmt::format("{}s are exchanged in pairs", noun)
        : rule([&](int64_t i) { return i - by; })
            ? fmt::format("each {} that differs holds the one {} {}", noun, std::abs(by), by > 0 ? "before" : "after")
            : fmt::format("{}{}", fmt::join(parts, ", "), differing.size() > 4 ? ", ..." : "");
    return take(fmt::format("{}s_permuted", noun), source, words, from);
  }

  const Errors& x_;
  const Shape s_;
  const int64_t scale_;
  Evidence& evidence_;
  std::vector<int64_t> probes_;
};

}  // namespace

void find_moves(const Errors& errors, int64_t scale, Evidence& evidence) { Moves(errors, scale, evidence).run(); }

}  // namespace fsrcnn
