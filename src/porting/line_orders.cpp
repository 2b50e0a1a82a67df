#include "porting/line_orders.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

constexpr int64_t kLargestGroup = 64;

int64_t reversed_bits(int64_t i, int bits) {
  int64_t r = 0;
  for (int b = 0; b < bits; ++b) r |= (i >> b & 1) << (bits - 1 - b);
  return r;
}

}  // namespace

std::vector<LineOrder> line_orders(int64_t n, const std::string& noun) {
  std::vector<LineOrder> list = {{"", "", {}, 0}};
  for (int64_t i = 0; i < n; ++i) list[0].from.push_back(i);
  const auto put = [&](std::string id, std::string words, double numbers, const std::function<int64_t(int64_t)>& f) {
    std::vector<int64_t> from;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t source = f(i);
      from.push_back(source >= n ? -1 : source);
    }
    for (const LineOrder& known : list) {
      if (known.from == from) return;
    }
    list.push_back({std::move(id), std::move(words), std::move(from), numbers});
  };
  const int64_t half = (n + 1) / 2;
  const std::string s = noun + "s";
  put("fields", fmt::format("the even {} come first, then the odd ones (fields that are not woven)", s), 0.3,
      [=](int64_t i) { return i < half ? 2 * i : 2 * (i - half) + 1; });
  put("odd_first", fmt::format("the odd {} come first, then the even ones (fields that are not woven)", s), 0.4,
      [=](int64_t i) { return i < n / 2 ? 2 * i + 1 : 2 * (i - n / 2); });
  put("woven", fmt::format("the {} of the two halves are interleaved (woven, as if they were fields)", s), 0.3,
      [=](int64_t i) { return i % 2 == 0 ? i / 2 : half + i / 2; });
  put("fields_exchanged", fmt::format("even and odd {} are exchanged", s), 0.3, [](int64_t i) { return i ^ 1; });
  put("halves_exchanged", fmt::format("the two halves of the {} are exchanged", s), 0.3,
      [=](int64_t i) { return (i + n / 2) % n; });
  put("reversed", fmt::format("the {} are in reversed order", s), 0.2, [=](int64_t i) { return n - 1 - i; });
  for (int64_t group = 2; group <= kLargestGroup && group < n; ++group) {
    put(fmt::format("reversed_by_{}", group), fmt::format("the {} are reversed in groups of {}", s, group), 0.4,
        [=](int64_t i) { return std::min(i / group * group + group, n) - 1 - i % group; });
  }
  for (int64_t m = 2; m <= 16 && m < n; ++m) {
    for (int64_t first = 0; first < m; ++first) {
      put(fmt::format("repeated_{}_{}", m, first),
          fmt::format("only each {} {} (from {} on) is kept, and repeated {} times (as after a stride of {})",
                      m == 2 ? "second" : fmt::format("{}th", m), noun, first, m, m),
          first == 0 ? 0.3 : 0.4, [=](int64_t i) { return std::min(i / m * m + first, n - 1); });
    }
    put(fmt::format("enlarged_{}", m), fmt::format("each {} is repeated {} times (enlarged)", noun, m), 0.4,
        [=](int64_t i) { return i / m; });
    put(fmt::format("left_out_{}", m),
        fmt::format("only each {} {} is kept, and the rest is 0", m == 2 ? "second" : fmt::format("{}th", m), noun),
        0.4, [=](int64_t i) { return i * m; });
  }
  for (int bits = 2; (int64_t{1} << bits) <= n; ++bits) {
    const int64_t group = int64_t{1} << bits;
    put(fmt::format("bits_reversed_{}", group),
        fmt::format("the {} are in bit-reversed order in groups of {}", s, group), 0.5,
        [=](int64_t i) { return i / group * group + reversed_bits(i % group, bits); });
  }
  for (int64_t group = 2; group <= kLargestGroup && group < n; ++group) {
    if (n % group != 0) continue;
    put(fmt::format("interleaved_by_{}", group),
        fmt::format("the {} are interleaved: as an array of {} by {} that is read as one of {} by {}", s, group,
                    n / group, n / group, group),
        0.5, [=](int64_t i) { return i % (n / group) * group + i / (n / group); });
    put(fmt::format("groups_reversed_{}", group), fmt::format("the groups of {} {} are in reversed order", group, s),
        0.5, [=](int64_t i) { return (n / group - 1 - i / group) * group + i % group; });
  }
  return list;
}

}  // namespace fsrcnn
