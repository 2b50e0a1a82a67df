#include <algorithm>

#include "engine/fused_plan.hpp"
#include "engine/packing.hpp"
#include "engine/toom_cook.hpp"

namespace fsrcnn {
namespace {

// As many as gemm adds up for four vectors at once with 32 registers, and for two with 16.
constexpr int kOutputsAtOnce = 6;

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

  // Rows of the tail's input are values of their own, tap row by tap row, where there are no transforms.
  const int row_taps = tail_pairs == 0 ? tail_taps() : toom_cook_taps(tail_pairs), values = tail_values();
  Matrix transform(static_cast<size_t>(values), std::vector<double>(static_cast<size_t>(row_taps)));
  for (size_t u = 0; u < transform.size() && tail_pairs == 0; ++u) transform[u][u] = 1;
  if (tail_pairs != 0) transform = filter_transform(tail_pairs, row_taps);
  struct Output {
    int value, phase, dx;
  };
  std::vector<Output> outputs;
  tail_sums.resize(static_cast<size_t>(phases() * values));
  const auto end_point = [&] {
    TailPoint& point = tail.emplace_back();
    point.outputs = static_cast<int>(outputs.size());
    pack(point.weights, point.blocks, kOutputsAtOnce, point.outputs, 1, d, [&](int, int c, int output) {
      const auto [value, phase, dx] = outputs[static_cast<size_t>(output)];
      double sum = 0;
      for (int u = 0; u < row_taps; ++u) {
        sum += transform[static_cast<size_t>(value)][static_cast<size_t>(u)] *
               weights.at(c, phase % scale, phase / scale, tail_after - u, dx);
      }
      return sum * factor[static_cast<size_t>(c)];
    });
    outputs.clear();
  };
  for (int value = 0; value < values; ++value) {
    for (int phase = 0; phase < phases(); ++phase) {
      // A tap row, and at infinity the last of them, is not in all phases.
      const bool one_row = tail_pairs == 0 || value == values - 1;
      if (one_row && !weights.has(phase % scale, tail_after - (tail_pairs == 0 ? value : row_taps - 1))) continue;
      const TapRange dx = tail_range[static_cast<size_t>(phase / scale)];
      tail_sums[static_cast<size_t>(phase * values + value)] = {
          .first = static_cast<int>(outputs.size()), .count = dx.last - dx.first + 1, .back = tail_after - dx.first};
      for (int x = dx.first; x <= dx.last; ++x) outputs.push_back({value, phase, x});
    }
    if (tail_pairs != 0) end_point();
  }
  if (tail_pairs == 0) end_point();
}

}  // namespace fsrcnn
