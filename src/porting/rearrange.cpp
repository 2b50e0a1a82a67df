#include "porting/rearrange.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fsrcnn {

Tensor<float> flip(const Tensor<float>& t, bool rows, bool columns) {
  const Shape s = t.shape();
  return permuted(t, [&](auto n, auto c, auto y, auto x) {
    return index_of(s, n, c, rows ? s.h - 1 - y : y, columns ? s.w - 1 - x : x);
  });
}

Tensor<float> transpose(const Tensor<float>& t) {
  const Shape s = t.shape();
  return permuted(t, [&](auto n, auto c, auto y, auto x) {
    const int64_t at = y * s.w + x;
    return index_of(s, n, c, 0, 0) + at % s.h * s.w + at / s.h;
  });
}

Tensor<float> to_nhwc(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  float* value = to.data();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x)
        for (int64_t c = 0; c < s.c; ++c) *value++ = t(n, c, y, x);
  return to;
}

Tensor<float> from_nhwc(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  const float* value = t.data();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x)
        for (int64_t c = 0; c < s.c; ++c) to(n, c, y, x) = *value++;
  return to;
}

int64_t extent_of(const Shape& shape, Axis axis) {
  return axis == Axis::channel ? shape.c : axis == Axis::row ? shape.h : shape.w;
}

const char* name_of(Axis axis) { return axis == Axis::channel ? "channel" : axis == Axis::row ? "row" : "column"; }

Tensor<float> taken(const Tensor<float>& t, Axis axis, const std::vector<int64_t>& from) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 0; x < s.w; ++x) {
          const int64_t at = axis == Axis::channel ? c : axis == Axis::row ? y : x;
          const int64_t source = from[static_cast<size_t>(at)];
          if (source < 0) continue;
          to(n, c, y, x) = t(n, axis == Axis::channel ? source : c, axis == Axis::row ? source : y,
                             axis == Axis::column ? source : x);
        }
  return to;
}

std::vector<Order> usual_orders(int64_t count) {
  std::vector<Order> list;
  const auto put = [&](std::string id, std::string words, const std::function<int64_t(int64_t)>& source) {
    std::vector<int64_t> from(static_cast<size_t>(count));
    bool same = true;
    for (int64_t i = 0; i < count; ++i) {
      from[static_cast<size_t>(i)] = source(i);
      same = same && source(i) == i;
    }
    const auto known = [&](const Order& o) { return o.from == from; };
    if (!same && std::none_of(list.begin(), list.end(), known)) list.push_back({std::move(id), std::move(words), from});
  };
  if (count < 2) return list;
  put("reversed", "in reversed order", [=](int64_t i) { return count - 1 - i; });
  if (count % 2 == 0) {
    put("halves_exchanged", "with the two halves exchanged", [=](int64_t i) { return (i + count / 2) % count; });
    put("pairs_exchanged", "exchanged in pairs (0 and 1, 2 and 3, ...)", [](int64_t i) { return i ^ 1; });
  }
  for (int64_t group = 3; group < count; ++group) {
    if (count % group != 0) continue;
    put(fmt::format("reversed_by_{}", group), fmt::format("reversed in groups of {}", group),
        [=](int64_t i) { return i / group * group + group - 1 - i % group; });
  }
  for (int64_t group = 2; group < count; ++group) {
    if (count % group != 0) continue;
    put(fmt::format("interleaved_by_{}", group),
        fmt::format("interleaved: an array of {} by {} was read as one of {} by {}", group, count / group,
                    count / group, group),
        [=](int64_t i) { return i % (count / group) * group + i / (count / group); });
    const int64_t groups = count / group;
    put(fmt::format("groups_of_{}_reversed", group), fmt::format("with its groups of {} in reversed order", group),
        [=](int64_t i) { return (groups - 1 - i / group) * group + i % group; });
    if (group % 2 == 0) {
      put(fmt::format("halves_exchanged_by_{}", group),
          fmt::format("with the halves of each group of {} exchanged", group),
          [=](int64_t i) { return i / group * group + (i + group / 2) % group; });
    }
    for (int64_t by = 1; by < group; ++by) {
      if (group > 8) break;
      put(fmt::format("rotated_by_{}_in_{}", by, group), fmt::format("rotated by {} in groups of {}", by, group),
          [=](int64_t i) { return i / group * group + (i + by) % group; });
    }
  }
  for (int64_t by = 1; by < count; ++by) {
    const int64_t later = by <= count / 2 ? by : by - count;
    put(fmt::format("rotated_by_{}", later),
        fmt::format("rotated by {} ({} stands where 0 should)", std::abs(later), by),
        [=](int64_t i) { return (i + by) % count; });
  }
  if (count > 10) {
    const std::vector<int64_t> names = order_of_names(count, 1);
    put("in_order_of_names", "in the order of their names (10 before 2), not of their numbers",
        [&](int64_t i) { return names[static_cast<size_t>(i)]; });
  }
  return list;
}

namespace {

/// All things are moved by the same, or by the same within each few; at the ends they may be otherwise.
bool is_periodic(const std::vector<int64_t>& from, const std::string& thing, Order& order) {
  const auto count = static_cast<int64_t>(from.size());
  for (int64_t period = 1; period <= std::min<int64_t>(16, count / 4); ++period) {
    const int64_t start = std::max<int64_t>(period, 3), end = count - start;
    std::vector<int64_t> by;
    for (int64_t i = start; i < start + period; ++i) by.push_back(from[static_cast<size_t>(i)] - i);
    bool fits = end - start >= 2 * period, moves = false;
    for (int64_t i = start; i < end && fits; ++i) {
      const int64_t source = from[static_cast<size_t>(i)];
      fits = source >= 0 && source - i == by[static_cast<size_t>((i - start) % period)];
      moves = moves || source != i;
    }
    if (!fits || !moves) continue;
    if (period == 1) {
      order = {fmt::format("moved_by_{}", -by[0]),
               fmt::format("{} {}s too {}", std::abs(by[0]), thing, by[0] < 0 ? "late" : "early"), from};
      return true;
    }
    std::vector<std::string> parts;
    for (int64_t phase = 0; phase < period; ++phase) {
      const int64_t move = by[static_cast<size_t>((phase + period - start % period) % period)];
      if (move != 0) parts.push_back(fmt::format("{} holds what {} should", phase, phase + move));
    }
    order = {fmt::format("exchanged_in_each_{}", period),
             fmt::format("not in their places within each {} {}s: {}", period, thing, fmt::join(parts, ", ")), from};
    return true;
  }
  return false;
}

}  // namespace

Order named_order(const std::vector<int64_t>& from, const std::string& thing, double& numbers) {
  const auto count = static_cast<int64_t>(from.size());
  numbers = 0.5;
  for (Order& order : usual_orders(count)) {
    if (order.from == from) return std::move(order);
  }
  std::vector<int64_t> other, zeros;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t source = from[static_cast<size_t>(i)];
    if (source < 0) zeros.push_back(i);
    if (source >= 0 && source != i) other.push_back(i);
  }
  numbers = 1 + static_cast<double>(zeros.size()) / 2 + static_cast<double>(other.size());
  if (Order periodic; is_periodic(from, thing, periodic)) {
    numbers = 1;
    return periodic;
  }
  const auto list = [](const std::vector<int64_t>& v) {
    const std::vector<int64_t> first(v.begin(), v.begin() + static_cast<ptrdiff_t>(std::min<size_t>(v.size(), 8)));
    return fmt::format("{}{}", fmt::join(first, ", "), v.size() > 8 ? ", ..." : "");
  };
  const auto things = [&](size_t n) { return n == 1 ? thing : thing + "s"; };
  if (other.empty()) {
    numbers = 0.3 + 0.1 * static_cast<double>(zeros.size());
    if (zeros.size() == 1 && (zeros[0] == 0 || zeros[0] == count - 1)) {
      return {"dead", fmt::format("0 in the {} {} ({})", zeros[0] == 0 ? "first" : "last", thing, zeros[0]), from};
    }
    return {"dead", fmt::format("0 in {} {} of {}", things(zeros.size()), list(zeros), count), from};
  }
  if (zeros.empty() && other.size() == 2 && from[static_cast<size_t>(other[0])] == other[1] &&
      from[static_cast<size_t>(other[1])] == other[0]) {
    numbers = 1;
    return {"exchanged", fmt::format("with {}s {} and {} exchanged", thing, other[0], other[1]), from};
  }
  if (zeros.empty() && other.size() == 1) {
    return {"copied",
            fmt::format("with a copy of {} {} in {} {}", thing, from[static_cast<size_t>(other[0])], thing, other[0]),
            from};
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < other.size() && i < 6; ++i) {
    parts.push_back(fmt::format("{} in the place of {}", from[static_cast<size_t>(other[i])], other[i]));
  }
  std::string words =
      fmt::format("in another order: {} {}{}", thing, fmt::join(parts, ", "), other.size() > 6 ? ", ..." : "");
  if (!zeros.empty()) words += fmt::format(", and 0 in {}", list(zeros));
  return {"in_other_order", words, from};
}

Tensor<float> delayed(const Tensor<float>& t, int64_t n, Entering entering) {
  const Shape s = t.shape();
  const int64_t size = s.h * s.w;
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.n * s.c; ++c) {
    const float* from = t.data() + c * size;
    float* const plane = to.data() + c * size;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t source = i - n;
      if (source >= 0 && source < size) {
        plane[i] = from[source];
      } else if (entering == Entering::edge) {
        plane[i] = from[std::clamp<int64_t>(source, 0, size - 1)];
      } else if (entering == Entering::circular) {
        plane[i] = from[((source % size) + size) % size];
      }
    }
  }
  return to;
}

void copy_lines(const Tensor<float>& from, bool rows, int64_t first, int64_t end, Tensor<float>& to) {
  const Shape s = from.shape();
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = rows ? first : 0; y < (rows ? end : s.h); ++y)
      for (int64_t x = rows ? 0 : first; x < (rows ? s.w : end); ++x) to(0, c, y, x) = from(0, c, y, x);
}

std::string moved_words(int64_t dy, int64_t dx) {
  std::vector<std::string> parts;
  const auto put = [&](int64_t n, const char* unit, const char* positive, const char* negative) {
    if (n == 0) return;
    parts.push_back(
        fmt::format("{} {}{} {}", std::abs(n), unit, std::abs(n) == 1 ? "" : "s", n > 0 ? positive : negative));
  };
  put(dy, "row", "down", "up");
  put(dx, "column", "right", "left");
  return fmt::format("shifted {}", fmt::join(parts, " and "));
}

Tensor<float> moved(const Tensor<float>& t, int64_t dy, int64_t dx, Entering entering) {
  const Shape s = t.shape();
  const auto source = [&](int64_t at, int64_t extent) -> int64_t {
    if (at >= 0 && at < extent) return at;
    if (entering == Entering::zeros) return -1;
    return entering == Entering::edge ? std::clamp<int64_t>(at, 0, extent - 1) : ((at % extent) + extent) % extent;
  };
  std::vector<int64_t> rows(static_cast<size_t>(s.h)), columns(static_cast<size_t>(s.w));
  for (int64_t y = 0; y < s.h; ++y) rows[static_cast<size_t>(y)] = source(y - dy, s.h);
  for (int64_t x = 0; x < s.w; ++x) columns[static_cast<size_t>(x)] = source(x - dx, s.w);
  return taken(taken(t, Axis::row, rows), Axis::column, columns);
}

Tensor<float> mapped(const Tensor<float>& t, const std::function<float(float)>& f) {
  Tensor<float> to = t;
  std::transform(to.values().begin(), to.values().end(), to.values().begin(), f);
  return to;
}

std::vector<int64_t> order_of_names(int64_t a, int64_t b) {
  std::vector<std::pair<std::string, int64_t>> names;
  for (int64_t i = 0; i < a * b; ++i) names.emplace_back(fmt::format("{}_{}.txt", i / b, i % b), i);
  std::sort(names.begin(), names.end());
  std::vector<int64_t> order;
  for (const auto& [name, i] : names) order.push_back(i);
  return order;
}

}  // namespace fsrcnn
