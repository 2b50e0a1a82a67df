#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/evidence_parts.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kToldSingly = 3;  // that are told one by one

std::string ordinal(int64_t n) {
  if (n == 2) return "second";
  if (n == 3) return "third";
  const bool teens = n % 100 >= 11 && n % 100 <= 13;
  return fmt::format("{}{}", n,
                     teens || n % 10 > 3 || n % 10 == 0 ? "th"
                     : n % 10 == 1                      ? "st"
                     : n % 10 == 2                      ? "nd"
                                                        : "rd");
}

/// First and last of each run of neighbours.
std::vector<std::pair<int64_t, int64_t>> runs_of(const std::vector<int64_t>& indices) {
  std::vector<std::pair<int64_t, int64_t>> runs;
  for (const int64_t i : indices) {
    if (!runs.empty() && runs.back().second + 1 == i) {
      runs.back().second = i;
    } else {
      runs.emplace_back(i, i);
    }
  }
  return runs;
}

std::string run_words(const std::pair<int64_t, int64_t>& run) {
  if (run.first == run.second) return std::to_string(run.first);
  return fmt::format("{} {} {}", run.first, run.first + 1 == run.second ? "and" : "to", run.second);
}

struct Period {
  int64_t period = 0, first = 0, width = 0;  ///< i is in it if (i - first) mod period < width
};

/// The period of which the set is exactly all, but for a window at the very ends.
std::optional<Period> period_of(const IndexSet& set, const std::vector<std::pair<int64_t, int64_t>>& runs) {
  if (runs.size() < 3) return std::nullopt;
  // The runs in the middle are whole; those at the ends may be cut.
  const int64_t width = runs[1].second - runs[1].first + 1, period = runs[2].first - runs[1].first;
  const int64_t first = runs[1].first, front = set.indices.front(), back = set.indices.back();
  if (width >= period || front > period || set.extent - back > period + width) return std::nullopt;
  const auto fits = [&](int64_t i) { return ((i - first) % period + period) % period < width; };
  int64_t count = 0;
  for (int64_t i = front; i <= back; ++i) count += fits(i) ? 1 : 0;
  if (count != static_cast<int64_t>(set.indices.size())) return std::nullopt;
  if (!std::all_of(set.indices.begin(), set.indices.end(), fits)) return std::nullopt;
  return Period{period, first, width};
}

/// A period whose narrow window holds all of the set, which need not be all that the window holds.
std::optional<Period> loose_period_of(const IndexSet& set) {
  const auto count = static_cast<int64_t>(set.indices.size());
  std::optional<Period> best;
  double least = 1;
  for (int64_t period = 4; period <= set.extent / 3 && count >= 4; ++period) {
    std::vector<int64_t> residues;
    for (const int64_t i : set.indices) residues.push_back(i % period);
    std::sort(residues.begin(), residues.end());
    residues.erase(std::unique(residues.begin(), residues.end()), residues.end());
    // The window lies behind the widest gap.
    int64_t gap = residues.front() + period - residues.back(), first = residues.front();
    for (size_t k = 1; k < residues.size(); ++k) {
      if (residues[k] - residues[k - 1] > gap) gap = residues[k] - residues[k - 1], first = residues[k];
    }
    const int64_t width = period - gap + 1;
    // By chance some period fits a few indices.
    const double chance =
        static_cast<double>(set.extent) * std::pow(static_cast<double>(width) / static_cast<double>(period), count - 1);
    std::set<int64_t> windows;
    for (const int64_t i : set.indices) windows.insert((i - first + period) / period);
    const int64_t spanned = *windows.rbegin() - *windows.begin() + 1, hit = static_cast<int64_t>(windows.size());
    if (3 * width > period || hit < 3 || 4 * hit < 3 * spanned || chance > 1e-3) continue;
    // Of periods that fit alike, tiles and vectors have those of eights.
    const double round = period % 8 == 0 ? 0.8 : period % 4 == 0 ? 0.9 : 1;
    const double share = round * static_cast<double>(width) / static_cast<double>(period);
    if (!best || share < least) best = Period{period, first, width}, least = share;
  }
  return best;
}

/// How many values differ for each channel, row and column.
struct Counts {
  std::vector<int64_t> channel, row, column;
};

Counts count(const Errors& errors) {
  const Shape s = errors.found.shape();
  Counts counts{std::vector<int64_t>(s.c), std::vector<int64_t>(s.h), std::vector<int64_t>(s.w)};
  for (const int64_t i : errors.differing) {
    ++counts.channel[i / (s.h * s.w) % s.c], ++counts.row[i / s.w % s.h], ++counts.column[i % s.w];
  }
  return counts;
}

IndexSet nonzero(const std::vector<int64_t>& counts) {
  IndexSet set{static_cast<int64_t>(counts.size())};
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) set.indices.push_back(static_cast<int64_t>(i));
  }
  return set;
}

class PlaceFinder {
 public:
  PlaceFinder(const Errors& errors, int64_t scale, Evidence& evidence)
      : errors_(errors), s_(errors.found.shape()), scale_(scale), evidence_(evidence) {}

  void run() {
    const Counts counts = count(errors_);
    evidence_.channels = nonzero(counts.channel);
    evidence_.rows = nonzero(counts.row);
    evidence_.columns = nonzero(counts.column);
    if (scale_ > 1) {
      evidence_.by_phase.resize(scale_ * scale_);
      for (const int64_t i : errors_.differing) ++evidence_.by_phase[row(i) % scale_ * scale_ + column(i) % scale_];
    }
    border();
    evidence_.place = words();
  }

 private:
  int64_t channel(int64_t i) const { return i / (s_.h * s_.w) % s_.c; }
  int64_t row(int64_t i) const { return i / s_.w % s_.h; }
  int64_t column(int64_t i) const { return i % s_.w; }

  /// Sets is_border where nothing in the interior, a quarter of the picture or more, differs.
  void border() {
    int64_t deepest = -1;
    for (const int64_t i : errors_.differing) {
      deepest = std::max(deepest, std::min({row(i), column(i), s_.h - 1 - row(i), s_.w - 1 - column(i)}));
    }
    evidence_.border_depth = deepest + 1;
    evidence_.is_border = deepest >= 0 && 4 * (deepest + 1) <= std::min(s_.h, s_.w);
  }

  std::string words() const {
    const auto count = static_cast<int64_t>(errors_.differing.size());
    if (count == 0) return "";
    if (errors_.all()) return s_.h * s_.w == 1 ? "all its values" : "everywhere";
    if (count <= kToldSingly) return few();
    std::vector<std::string> parts;
    if (!evidence_.channels.is_all()) parts.push_back(to_words(evidence_.channels, "channel"));
    const std::string pattern = plane_pattern();
    if (!pattern.empty()) parts.push_back(pattern);
    if (parts.empty()) {
      const double part = static_cast<double>(count) / static_cast<double>(s_.c * s_.h * s_.w);
      return fmt::format("{}: {} of {} values", part > 0.9 ? "nearly everywhere" : "scattered over all of it", count,
                         s_.c * s_.h * s_.w);
    }
    return fmt::format("{}", fmt::join(parts, ", ")) + share();
  }

  std::string few() const {
    std::vector<std::string> parts;
    for (const int64_t i : errors_.differing) {
      parts.push_back(fmt::format("channel {} at row {}, column {}", channel(i), row(i), column(i)));
    }
    return (parts.size() == 1 ? "one value of " : fmt::format("{} values: ", parts.size())) +
           fmt::format("{}", fmt::join(parts, "; "));
  }

  /// How many of the values in these channels, rows and columns differ, if not nearly all.
  std::string share() const {
    const double held = static_cast<double>(evidence_.channels.indices.size() * evidence_.rows.indices.size() *
                                            evidence_.columns.indices.size());
    const double part = static_cast<double>(errors_.differing.size()) / held;
    const bool box = !evidence_.rows.is_all() || !evidence_.columns.is_all() || !evidence_.channels.is_all();
    if (part > 0.9 || !box || evidence_.is_border) return "";
    return fmt::format(" ({} of their {:.0f} values)", errors_.differing.size(), held);
  }

  std::string plane_pattern() const {
    const bool all_rows = evidence_.rows.is_all(), all_columns = evidence_.columns.is_all();
    if (evidence_.is_border) {
      const std::string sides = border_words();
      if (!sides.empty()) return sides;
    }
    if (auto text = interior(); !text.empty()) return text;
    // Lines both ways fill rows and columns, so they come first.
    if (auto text = lines(); !text.empty()) return text;
    if (!all_rows || !all_columns) {
      if (auto text = raster_run(); !text.empty()) return text;
      std::vector<std::string> parts;
      if (!all_rows) parts.push_back(to_words(evidence_.rows, "row"));
      if (!all_columns) parts.push_back(to_words(evidence_.columns, "column"));
      return fmt::format("{}", fmt::join(parts, ", "));
    }
    for (const int64_t s : {scale_, int64_t{2}, int64_t{3}, int64_t{4}}) {
      if (auto text = phases(s); !text.empty()) return text;
    }
    if (auto text = quadrants(); !text.empty()) return text;
    return raster_run();
  }

  /// "the left border (1 pixel)", "the border, 3 pixels deep".
  std::string border_words() const {
    const int64_t depth = evidence_.border_depth;
    std::array<int64_t, 4> deep{};  // top, bottom, left, right: of those that no other side explains
    for (const int64_t i : errors_.differing) {
      const std::array<int64_t, 4> at = {row(i), s_.h - 1 - row(i), column(i), s_.w - 1 - column(i)};
      int near = 0;
      for (const int64_t distance : at) near += distance < depth ? 1 : 0;
      if (near != 1) continue;
      for (size_t side = 0; side < 4; ++side) {
        if (at[side] < depth) deep[side] = std::max(deep[side], at[side] + 1);
      }
    }
    static constexpr std::array<const char*, 4> kSides = {"top", "bottom", "left", "right"};
    std::vector<std::string> sides;
    const bool same = std::adjacent_find(deep.begin(), deep.end(), std::not_equal_to<>()) == deep.end();
    for (size_t side = 0; side < 4; ++side) {
      if (deep[side] > 0) sides.push_back(fmt::format("{} ({})", kSides[side], deep[side]));
    }
    // A corner alone, or a side alone, is told better by its rows and columns.
    if (sides.size() < 2) return "";
    for (const int64_t i : errors_.differing) {
      if (row(i) >= deep[0] && s_.h - 1 - row(i) >= deep[1] && column(i) >= deep[2] &&
          s_.w - 1 - column(i) >= deep[3]) {
        return "";
      }
    }
    if (sides.size() == 4 && same) {
      return depth == 1 ? "the outermost pixels of all sides" : fmt::format("the outer {} pixels of all sides", depth);
    }
    return fmt::format("the outer rows or columns: {}", fmt::join(sides, ", "));
  }

  /// Whole columns (or most of their values) and whole rows that hold all that differs.
  std::string lines() const {
    const auto full = [&](const std::vector<int64_t>& counts, int64_t across) {
      IndexSet set{static_cast<int64_t>(counts.size())};
      const auto most = static_cast<double>(across) * static_cast<double>(evidence_.channels.indices.size());
      for (size_t i = 0; i < counts.size(); ++i) {
        if (static_cast<double>(counts[i]) >= 0.5 * most) set.indices.push_back(static_cast<int64_t>(i));
      }
      return set;
    };
    const Counts counts = count(errors_);
    const IndexSet columns = full(counts.column, s_.h), rows = full(counts.row, s_.w);
    if (rows.indices.empty() || columns.indices.empty()) return "";
    if (3 * rows.indices.size() > counts.row.size() || 3 * columns.indices.size() > counts.column.size()) return "";
    const auto holds = [](const IndexSet& set, int64_t i) {
      return std::binary_search(set.indices.begin(), set.indices.end(), i);
    };
    for (const int64_t i : errors_.differing) {
      if (!holds(rows, row(i)) && !holds(columns, column(i))) return "";
    }
    return fmt::format("{} and {}", to_words(rows, "row"), to_words(columns, "column"));
  }

  std::string phases(int64_t s) const {
    if (s < 2 || s_.h < 2 * s || s_.w < 2 * s) return "";
    std::vector<int64_t> found(s * s);
    for (const int64_t i : errors_.differing) ++found[row(i) % s * s + column(i) % s];
    std::vector<std::string> parts;
    for (int64_t p = 0; p < s * s; ++p) {
      if (found[p] > 0) parts.push_back(fmt::format("(row {}, column {})", p / s, p % s));
    }
    if (static_cast<int64_t>(parts.size()) > s * s - 1 || errors_.differing.size() < 8) return "";
    return fmt::format("{} of each {}x{} pixels: {}",
                       parts.size() == 1 ? std::string("one") : std::to_string(parts.size()), s, s,
                       fmt::join(parts, ", "));
  }

  std::string quadrants() const {
    std::array<int64_t, 4> found{};
    for (const int64_t i : errors_.differing) ++found[(2 * row(i) >= s_.h ? 2 : 0) + (2 * column(i) >= s_.w ? 1 : 0)];
    static constexpr std::array<const char*, 4> kNames = {"top left", "top right", "bottom left", "bottom right"};
    std::vector<std::string> parts;
    for (size_t q = 0; q < 4; ++q) {
      if (found[q] > 0) parts.emplace_back(kNames[q]);
    }
    if (parts.size() == 4 || errors_.differing.size() < 16) return "";
    return fmt::format("the quadrants {}", fmt::join(parts, " and "));
  }

  /// All but a border that is right and as deep on all sides.
  std::string interior() const {
    const int64_t depth = evidence_.rows.indices.front();
    const auto is_inner = [&](const IndexSet& set) {
      return set.indices.front() == depth && set.indices.back() == set.extent - 1 - depth;
    };
    if (depth == 0 || 4 * depth > std::min(s_.h, s_.w) || !is_inner(evidence_.rows) || !is_inner(evidence_.columns)) {
      return "";
    }
    return depth == 1 ? "the interior; the outermost pixels of all sides are right"
                      : fmt::format("the interior; the outer {} pixels of all sides are right", depth);
  }

  /// From somewhere in a row to somewhere in another, without a gap, in each channel that differs.
  std::string raster_run() const {
    const int64_t size = s_.h * s_.w;
    std::vector<int64_t> at;
    for (const int64_t i : errors_.differing) at.push_back(i % size);
    std::sort(at.begin(), at.end());
    at.erase(std::unique(at.begin(), at.end()), at.end());
    const int64_t first = at.front(), last = at.back(), length = last - first + 1;
    const auto filled = static_cast<double>(errors_.differing.size()) /
                        static_cast<double>(length * static_cast<int64_t>(evidence_.channels.indices.size()));
    if (filled < 0.9 || length < 2 * s_.w || 20 * length > 19 * size) return "";
    if (first % s_.w == 0 && last % s_.w == s_.w - 1) return "";
    if (last == size - 1) return fmt::format("all from row {}, column {} on", first / s_.w, first % s_.w);
    return fmt::format("from row {}, column {} to row {}, column {}", first / s_.w, first % s_.w, last / s_.w,
                       last % s_.w);
  }

  const Errors& errors_;
  const Shape s_;
  const int64_t scale_;
  Evidence& evidence_;
};

}  // namespace

std::string list_of(const std::vector<int64_t>& numbers, size_t most) {
  if (numbers.size() == 1) return std::to_string(numbers[0]);
  if (numbers.size() > most) {
    return fmt::format("{}, ..., {}", fmt::join(numbers.begin(), numbers.begin() + 3, ", "), numbers.back());
  }
  return fmt::format("{} and {}", fmt::join(numbers.begin(), numbers.end() - 1, ", "), numbers.back());
}

std::string to_words(const IndexSet& set, std::string_view noun) {
  const auto& list = set.indices;
  const auto count = static_cast<int64_t>(list.size());
  if (count == 0) return fmt::format("no {}", noun);
  if (set.is_all()) return count == 1 ? fmt::format("the {}", noun) : fmt::format("all {} {}s", count, noun);
  if (count == 1) {
    if (list[0] == 0) return fmt::format("the first {}", noun);
    if (list[0] == set.extent - 1) return fmt::format("the last {}", noun);
    return fmt::format("{} {}", noun, list[0]);
  }
  const auto runs = runs_of(list);
  const bool from_first = list.front() == 0, to_last = list.back() == set.extent - 1;
  if (runs.size() == 1 && from_first) return fmt::format("the first {} {}s", count, noun);
  if (runs.size() == 1 && to_last) return fmt::format("the last {} {}s", count, noun);
  if (runs.size() == 1) return fmt::format("{}s {}", noun, run_words(runs[0]));
  if (runs.size() == 2 && from_first && to_last) {
    const int64_t low = runs[0].second + 1, high = set.extent - runs[1].first;
    if (set.extent - count > 1 || set.extent < 5) {
      return fmt::format("the first {}and the last {}{}", low == 1 ? "" : fmt::format("{} ", low),
                         high == 1 ? "" : fmt::format("{} ", high), high == 1 ? noun : fmt::format("{}s", noun));
    }
  }
  if (const auto p = period_of(set, runs)) {
    const int64_t first = p->first % p->period;
    if (p->width == 1) return fmt::format("each {} {}, from {} on", ordinal(p->period), noun, first);
    if (p->width == p->period - 1) {
      return fmt::format("all {}s but each {}, from {} on", noun, ordinal(p->period), (first + p->width) % p->period);
    }
    const size_t whole = runs[0].second - runs[0].first + 1 == p->width ? 0 : 1;
    return fmt::format("{} {}s of each {} ({}, {}, ...)", p->width, noun, p->period, run_words(runs[whole]),
                       run_words(runs[whole + 1]));
  }
  if (count <= 6) return fmt::format("{}s {}", noun, list_of(list));
  if (set.extent - count <= 3) {
    std::vector<int64_t> others;
    for (int64_t i = 0; i < set.extent; ++i) {
      if (!std::binary_search(list.begin(), list.end(), i)) others.push_back(i);
    }
    return fmt::format("all {}s but {}", noun, list_of(others));
  }
  if (runs.size() <= 3) {
    std::vector<std::string> parts;
    for (const auto& run : runs) parts.push_back(run_words(run));
    return fmt::format("{}s {}", noun, fmt::join(parts, ", "));
  }
  const std::string some = fmt::format("{} of the {} {}s", count, set.extent, noun);
  if (const auto p = loose_period_of(set)) {
    const auto window = [&](int64_t at) { return run_words({at, at + p->width - 1}); };
    return fmt::format("{}, all among {} of each {} ({}, {}, ...)", some, p->width, p->period, window(p->first),
                       window(p->first + p->period));
  }
  return fmt::format("{} ({})", some, list_of(list));
}

void find_place(const Errors& errors, int64_t scale, Evidence& evidence) { PlaceFinder(errors, scale, evidence).run(); }

}  // namespace fsrcnn
