#include <algorithm>
#include <utility>

#include "engine/fused_plan.hpp"
#include "engine/packing.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

using Range = std::pair<int, int>;  // [first, second)

// The last layer as one convolution for each phase: phase (py, px) of output pixel (y, x) reads input (y + dy, x + dx)
// with weight at(c, py, px, dy, dx).
struct TailWeights {
  const Model* model;
  const Layer* layer = &model->layers.back();
  int scale = static_cast<int>(model->scale), kernel = static_cast<int>(layer->weight.shape().h);

  // Of a deconvolution, input iy adds to output s * y + py by kernel row s * y + py - s * iy + 4.
  int tap(int phase, int delta) const {
    return model->tail == Tail::deconvolution ? phase + 4 - scale * delta : delta + kernel / 2;
  }
  bool has(int phase, int delta) const { return tap(phase, delta) >= 0 && tap(phase, delta) < kernel; }
  double at(int c, int py, int px, int dy, int dx) const {
    if (!has(py, dy) || !has(px, dx)) return 0;
    return model->tail == Tail::deconvolution ? layer->weight(c, 0, tap(py, dy), tap(px, dx))
                                              : layer->weight(py * scale + px, c, tap(py, dy), tap(px, dx));
  }
  // Phases with a tap there; they are next to each other.
  Range phases_with(int delta) const {
    Range range{scale, 0};
    for (int phase = 0; phase < scale; ++phase) {
      if (has(phase, delta)) range = {std::min(range.first, phase), std::max(range.second, phase + 1)};
    }
    return range;
  }
};

}  // namespace

void FusedPlan::pack_tail(const Model& model, const std::vector<double>& factor) {
  const TailWeights weights{&model};
  for (int phase = 0; phase < phases(); ++phase) {
    const std::vector<float>& bias = weights.layer->bias;
    const size_t channel =
        model.tail == Tail::deconvolution ? 0 : static_cast<size_t>(phase % scale * scale + phase / scale);
    tail_bias.push_back(bias.empty() ? 0 : bias[channel]);
  }
  tail_before = tail_after = 0;
  for (int phase = 0; phase < scale; ++phase) {
    TapRange range{weights.kernel, -weights.kernel};
    for (int delta = -weights.kernel; delta <= weights.kernel; ++delta) {
      if (weights.has(phase, delta)) range = {std::min(range.first, delta), std::max(range.last, delta)};
    }
    tail_range.push_back(range);
    tail_before = std::max(tail_before, -range.first);
    tail_after = std::max(tail_after, range.last);
  }
  tail_pairs = precision == Precision::exact || tail_taps() == 1 ? 0 : tail_taps() <= 3 ? 2 : 3;

  // Columns of taps that belong to the same phases go together.
  std::vector<std::pair<Range, std::vector<int>>> columns;
  for (int dx = -tail_before; dx <= tail_after; ++dx) {
    const Range px = weights.phases_with(dx);
    const auto same = std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.first == px; });
    (same == columns.end() ? columns.emplace_back(px, std::vector<int>{}) : *same).second.push_back(dx);
  }
  // The first pass starts the sums, so it must have all phases: the tap at 0 has, kernels being wider than a step.
  std::stable_sort(columns.begin(), columns.end(), [](const auto& a, const auto& b) {
    return a.first.second - a.first.first > b.first.second - b.first.first;
  });

  const int row_taps = tail_pairs == 0 ? 1 : toom_cook_taps(tail_pairs);
  const Matrix transform = tail_pairs == 0 ? Matrix{{1.0}} : filter_transform(tail_pairs, row_taps);
  const auto add_pass = [&](Range px, const std::vector<int>& dx, Range py, int first_point, int points, int dy) {
    // Of phases (py, px) with the index px * scale + py, all rows or one lie in equal steps.
    const bool all_rows = py == Range{0, scale};
    for (int row = py.first; row < (all_rows ? 1 : py.second); ++row) {
      TailPass pass{.first_point = first_point,
                    .points = points,
                    .dy = dy,
                    .first_phase = px.first * scale + row,
                    .phase_step = all_rows ? 1 : scale,
                    .dx = dx};
      pack(pass.weights, pass.blocks, gemm->most_outputs, (px.second - px.first) * (all_rows ? scale : 1), points,
           static_cast<int>(dx.size()) * d, [&](int point, int product, int output) {
             const int c = product % d, phase = pass.first_phase + output * pass.phase_step;
             double sum = 0;
             for (int u = 0; u < row_taps; ++u) {
               const int tap_row = tail_pairs == 0 ? dy : tail_after - u;
               sum += transform[static_cast<size_t>(first_point + point)][static_cast<size_t>(u)] *
                      weights.at(c, phase % scale, phase / scale, tap_row, dx[static_cast<size_t>(product / d)]);
             }
             return sum * factor[static_cast<size_t>(c)];
           });
      tail.push_back(std::move(pass));
    }
  };
  for (const auto& [px, dx] : columns) {
    if (tail_pairs == 0) {
      for (int dy = -tail_before; dy <= tail_after; ++dy) add_pass(px, dx, weights.phases_with(dy), 0, 1, dy);
      continue;
    }
    // At infinity there is the last tap alone, which not all phases have.
    const Range last = weights.phases_with(tail_after - (row_taps - 1));
    const int whole = last == Range{0, scale} ? tail_points() : tail_points() - 1;
    add_pass(px, dx, {0, scale}, 0, whole, 0);
    if (whole < tail_points()) add_pass(px, dx, last, whole, 1, 0);
  }
}

}  // namespace fsrcnn
