#include "porting/spread.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/segment.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kFaint = 1;          // rows of the output at the end of a reach that may be too faint to be seen
constexpr double kMostWrong = 0.7;     // of the rows or columns, to tell anything
constexpr size_t kMostIntervals = 40;  // more are noise

/// An output at position u of a layer changes those of the network from factor * u + low to factor * u + high.
struct Reach {
  int64_t factor = 1, low = 0, high = 0;
  bool operator==(const Reach&) const = default;
};

Reach through(Reach r, const LayerPort& port, bool rows) {
  if (!port.convolves) return r;
  if (!port.has_weight()) {
    const int64_t s = port.factor;
    return {r.factor * s, r.low * s, r.high * s + s - 1};
  }
  const Shape w = port.weight.shape();
  const int64_t span = rows ? port.dilation.h * (w.h - 1) : port.dilation.w * (w.w - 1);
  const int64_t padding = rows ? port.padding.h : port.padding.w, s = port.factor;
  if (port.is_transposed) return {r.factor * s, r.low * s - padding, r.high * s - padding + span};
  r.low += padding - span;
  r.high += padding;
  return {r.factor * s, r.low * s, r.high * s + s - 1};
}

/// Of each port's output.
std::vector<Reach> reaches(const std::vector<LayerPort>& ports, bool rows) {
  std::vector<Reach> list(ports.size());
  for (size_t i = 0; i < ports.size(); ++i) {
    for (size_t j = i + 1; j < ports.size(); ++j) list[i] = through(list[i], ports[j], rows);
  }
  return list;
}

struct Interval {
  int64_t first, last;
};

/// The wrong rows or columns; empty: all or none of them.
std::vector<Interval> wrong_intervals(const Tensor<float>& right, const Tensor<float>& found, double tolerance,
                                      bool rows) {
  const Shape s = right.shape();
  std::vector<uint8_t> wrong(rows ? s.h : s.w, 0);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = 0; y < s.h; ++y) {
      for (int64_t x = 0; x < s.w; ++x) {
        if (difference_of(right(0, c, y, x), found(0, c, y, x)) > tolerance) wrong[rows ? y : x] = 1;
      }
    }
  }
  std::vector<Interval> list;
  const auto count = static_cast<double>(std::count(wrong.begin(), wrong.end(), 1));
  if (count > kMostWrong * static_cast<double>(wrong.size())) return list;
  for (int64_t i = 0; i < std::ssize(wrong); ++i) {
    if (wrong[i] == 0) continue;
    if (i > 0 && wrong[i - 1] != 0) {
      list.back().last = i;
    } else {
      list.push_back({i, i});
    }
  }
  return list;
}

/// Whether something wrong in one or more rows of a layer's output can have made this interval.
bool reaches_no_further(const Reach& r, const Interval& interval, int64_t size) {
  const int64_t last = size / r.factor - 1;
  // The first and the last row of the layer's output whose reach lies within; what lies beyond the border is not seen.
  const auto floor_of = [&](int64_t a) { return a >= 0 ? a / r.factor : -((-a + r.factor - 1) / r.factor); };
  const int64_t from = interval.first == 0 ? 0 : -floor_of(-(interval.first - kFaint - r.low));
  const int64_t to = interval.last == size - 1 ? last : floor_of(interval.last + kFaint - r.high);
  return from <= to && from <= last && to >= 0;
}

}  // namespace

std::optional<Spread> spread_of(const std::vector<LayerPort>& ports, const Tensor<float>& right,
                                const Tensor<float>& found, double tolerance) {
  std::vector<uint8_t> possible(ports.size(), 1);
  std::vector<std::string> where;
  for (const bool rows : {true, false}) {
    const std::vector<Interval> intervals = wrong_intervals(right, found, tolerance, rows);
    if (intervals.size() > kMostIntervals) return std::nullopt;
    const int64_t size = rows ? right.shape().h : right.shape().w;
    const std::vector<Reach> list = reaches(ports, rows);
    for (const Interval& interval : intervals) {
      for (size_t i = 0; i < ports.size(); ++i) {
        if (!reaches_no_further(list[i], interval, size)) possible[i] = 0;
      }
    }
    if (intervals.empty()) continue;
    const Interval& i = intervals[0];
    where.push_back(
        fmt::format("{} {} to {} of {}{}", rows ? "rows" : "columns", i.first, i.last, size,
                    intervals.size() > 1 ? fmt::format(" and {} such parts more", intervals.size() - 1) : ""));
  }
  if (where.empty()) return std::nullopt;
  Spread spread{{}, fmt::format("{}", fmt::join(where, ", "))};
  const std::vector<Reach> of_rows = reaches(ports, true), of_columns = reaches(ports, false);
  for (size_t i = 0; i < ports.size(); ++i) {
    if (possible[i] == 0) continue;
    if (!spread.ports.empty() &&
        (of_rows[i] != of_rows[spread.ports[0]] || of_columns[i] != of_columns[spread.ports[0]])) {
      break;
    }
    spread.ports.push_back(i);
  }
  if (spread.ports.empty()) return std::nullopt;
  return spread;
}

}  // namespace fsrcnn
