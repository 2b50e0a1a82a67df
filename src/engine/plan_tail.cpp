#include <algorithm>

#include "engine/packing.hpp"
#include "engine/plan_builder.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

// As many as gemm adds up for four vectors at once with 32 registers, and for two with 16.
constexpr int kOutputsAtOnce = 6;

// The last layer as one convolution for each phase of each plane: output pixel (y, x) reads input (y + dy, x + dx).
struct TailWeights {
  const LoweredTerm& term;

  TapRange rows_of(int phase) const {
    return term.rows_of.empty() ? term.rows : term.rows_of[static_cast<size_t>(phase)];
  }
  TapRange columns_of(int phase) const {
    return term.columns_of.empty() ? term.columns : term.columns_of[static_cast<size_t>(phase)];
  }
  bool has_row(int phase, int dy) const { return dy >= rows_of(phase).first && dy <= rows_of(phase).last; }
  double at(int c, int phase, int dy, int dx) const {
    if (!has_row(phase, dy)) return 0;
    return term.weight(phase, c, dy - term.rows.first, dx - term.columns.first);
  }
};

}  // namespace

void PlanBuilder::add_tail(const LoweredTerm& term) {
  const TailWeights weights{term};
  const auto between = static_cast<size_t>(term.input);
  const LoweredTerm* const expanding = expanding_of(term);
  const std::vector<double>& factor = folds_[between].factor;
  PlanTail& tail = plan_.tail.emplace();
  tail.input = place_of(expanding != nullptr ? expanding->input : term.input);
  tail.channels = network_.values[between].channels;
  if (expanding != nullptr) {
    tail.expanding = pack_convolution(expanding->weight, network_.values[between].bias,
                                      folds_[static_cast<size_t>(expanding->input)].factor, folds_[between],
                                      plan_.kernels->expanded_outputs, 0, 0);
  }
  tail.border = std::min(term.border, std::max({term.rows.last, -term.rows.first, term.columns.last}));
  tail.phases = static_cast<int>(term.weight.shape().n);
  tail.bias = network_.values.back().bias;
  if (plan_.output >= 0) std::fill(tail.bias.begin(), tail.bias.end(), 0.0F);  // what is added has it
  tail.before = -term.rows.first;
  tail.after = term.rows.last;
  tail.pairs = plan_.precision == Precision::exact || tail.taps() == 1 ? 0 : tail.taps() <= 3 ? 2 : 3;

  // Rows of the tail's input are values of their own, tap row by tap row, where there are no transforms.
  const int row_taps = tail.pairs == 0 ? tail.taps() : toom_cook_taps(tail.pairs), values = tail.values();
  Matrix transform(static_cast<size_t>(values), std::vector<double>(static_cast<size_t>(row_taps)));
  for (size_t u = 0; u < transform.size() && tail.pairs == 0; ++u) transform[u][u] = 1;
  if (tail.pairs != 0) transform = filter_transform(tail.pairs, row_taps);
  struct Output {
    int value, phase, dx;
  };
  std::vector<Output> outputs;
  tail.sums.resize(static_cast<size_t>(tail.phases * values));
  const auto end_point = [&] {
    TailPoint& point = tail.points.emplace_back();
    point.outputs = static_cast<int>(outputs.size());
    pack(point.weights, point.blocks, kOutputsAtOnce, point.outputs, 1, tail.channels, [&](int, int c, int output) {
      const auto [value, phase, dx] = outputs[static_cast<size_t>(output)];
      double sum = 0;
      for (int u = 0; u < row_taps; ++u) {
        sum += transform[static_cast<size_t>(value)][static_cast<size_t>(u)] * weights.at(c, phase, tail.after - u, dx);
      }
      return sum * factor[static_cast<size_t>(c)];
    });
    outputs.clear();
  };
  for (int value = 0; value < values; ++value) {
    for (int phase = 0; phase < tail.phases; ++phase) {
      // A tap row, and at infinity the last of them, is not in all phases.
      const bool one_row = tail.pairs == 0 || value == values - 1;
      if (one_row && !weights.has_row(phase, tail.after - (tail.pairs == 0 ? value : row_taps - 1))) continue;
      const TapRange dx = weights.columns_of(phase);
      tail.sums[static_cast<size_t>(phase * values + value)] = {
          .first = static_cast<int>(outputs.size()), .count = dx.count(), .back = tail.after - dx.first};
      for (int x = dx.first; x <= dx.last; ++x) outputs.push_back({value, phase, x});
    }
    if (tail.pairs != 0) end_point();
  }
  if (tail.pairs == 0) end_point();
}

}  // namespace fsrcnn
