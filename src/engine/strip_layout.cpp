#include "engine/strip_layout.hpp"

#include <algorithm>

namespace fsrcnn {
namespace {

constexpr int64_t kUnit = 64;            // columns that a strip's width is a multiple of
constexpr int64_t kCachedColumns = 704;  // measured: more than 1 MB of feature maps, but the busy ones stay in 1 MB

int64_t multiple_of_4_below(int64_t x) { return x - (x % 4 + 4) % 4; }

int64_t units(int64_t columns) { return (columns + kUnit - 1) / kUnit * kUnit; }

// A lane's walk is not shorter than the halo that is copied from the end of the walk before it.
int64_t least_walks(const FusedPlan& plan) { return units(int64_t{plan.most_copied_halo()} * plan.kernels->lanes); }

// Strips of `most` columns each, but the last, which is as wide as is left.
std::vector<StripRange> cut(const FusedPlan& plan, int64_t width, int64_t most) {
  const int64_t lag = plan.output_lag, invalid = plan.invalid_columns;
  const int lanes = plan.kernels->lanes;
  std::vector<StripRange> strips;
  for (int64_t x = 0; x < width;) {
    int64_t begin = multiple_of_4_below(x + lag - invalid);
    // At the picture's left edge nothing is invalid if what lies beyond is the padding of every layer.
    if (!plan.looks.extend_edges) begin = std::max<int64_t>(0, begin);
    const int64_t columns = std::min(most, std::max(least_walks(plan), units(width + lag - begin)));
    const int64_t end = std::min(width, begin + columns - lag);
    strips.push_back({begin, x, end, static_cast<int>(columns / lanes)});
    x = end;
  }
  return strips;
}

}  // namespace

StripLayout lay_out_strips(const FusedPlan& plan, int64_t width, int64_t height, int threads, int most_columns,
                           bool one_band) {
  // Narrower ones would stand still.
  const int64_t least = std::max((plan.invalid_columns + plan.output_lag + kUnit) / kUnit * kUnit, least_walks(plan));
  const int64_t wanted = most_columns == 0 ? kCachedColumns : most_columns / kUnit * kUnit;
  const int64_t most = std::max(least, wanted);
  // A band computes about half of its warm-up rows in each layer.
  const int64_t warm_up = kRowsAtOnce * plan.warm_up() / 2;
  StripLayout best{};
  int64_t best_cost = 0;
  for (int64_t columns = most_columns == 0 ? least : most; columns <= most; columns += kUnit) {
    const std::vector<StripRange> strips = cut(plan, width, columns);
    int64_t total = 0, widest = 0;
    for (const StripRange& s : strips) {
      total += int64_t{s.positions} * plan.kernels->lanes;
      widest = std::max(widest, int64_t{s.positions} * plan.kernels->lanes);
    }
    for (int64_t bands = 1; bands <= (one_band ? 1 : 2 * threads); ++bands) {
      const int64_t rows = ((height + bands - 1) / bands + 3) / 4 * 4;
      // Jobs are taken in turn: the last of them may leave the other threads idle.
      const int64_t jobs = static_cast<int64_t>(strips.size()) * bands;
      const int64_t rounds = (jobs + threads - 1) / threads;
      const int64_t cost = std::max(total * bands / threads, rounds * widest) * (rows + warm_up);
      if (best.strips.empty() || cost < best_cost) {
        best_cost = cost;
        best = {strips, rows, static_cast<int>(widest / plan.kernels->lanes)};
      }
    }
  }
  return best;
}

}  // namespace fsrcnn
