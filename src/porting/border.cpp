#include "porting/border.hpp"

#include <algorithm>

namespace fsrcnn {
namespace {

constexpr int64_t kZero = -1, kConstant = -2;

/// Where the value `distance` (1, 2, ...) beyond a side comes from.
int64_t source_of(const Side& side, bool is_first, int64_t distance, int64_t extent) {
  const auto inward = [&](int64_t steps) {
    const int64_t from_edge = std::min(steps, extent - 1);
    return is_first ? from_edge : extent - 1 - from_edge;
  };
  switch (side.beyond) {
    case Beyond::zeros:
    case Beyond::next_row:
    case Beyond::memory: return kZero;
    case Beyond::replicate: return inward(0);
    case Beyond::reflect: return inward(distance);
    case Beyond::symmetric: return inward(distance - 1);
    case Beyond::circular: return inward(extent - distance);
    case Beyond::constant: return kConstant;
    case Beyond::sources:
      if (distance > static_cast<int64_t>(side.sources.size())) return kZero;
      return side.sources[static_cast<size_t>(distance - 1)];
  }
  return kZero;
}

float constant_of(const Side& side, int64_t channel) {
  return side.constant[side.constant.size() == 1 ? 0 : static_cast<size_t>(channel)];
}

}  // namespace

Tensor<float> pad_sides(const Tensor<float>& input, const Margins& margins, const Border& border) {
  const Shape s = input.shape();
  Tensor<float> padded = pad2d(input, margins, PaddingMode::zeros);
  const Shape p = padded.shape();
  const int64_t x0 = std::max<int64_t>(0, margins.left), x1 = std::min(p.w, margins.left + s.w);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = 0; y < p.h; ++y) {
      const int64_t from = y - margins.top;
      if (from >= 0 && from < s.h) continue;
      const Side& side = border[from < 0 ? 0 : 1];
      const int64_t source = source_of(side, from < 0, from < 0 ? -from : from - s.h + 1, s.h);
      float* row = padded.row(0, c, y);
      if (source >= 0) std::copy_n(input.row(0, c, source) + x0 - margins.left, x1 - x0, row + x0);
      if (source == kConstant) std::fill(row + x0, row + x1, constant_of(side, c));
    }
    for (int64_t y = 0; y < p.h; ++y) {
      float* row = padded.row(0, c, y);
      for (int64_t x = 0; x < p.w; ++x) {
        const int64_t from = x - margins.left;
        if (from >= 0 && from < s.w) continue;
        const Side& side = border[from < 0 ? 2 : 3];
        if (side.beyond == Beyond::next_row && (y < margins.top || y >= margins.top + s.h)) continue;
        if (side.beyond == Beyond::next_row || side.beyond == Beyond::memory) {
          const int64_t other = from < 0 ? y - 1 : y + 1;
          const int64_t column = margins.left + (from < 0 ? from + s.w : from - s.w);
          row[x] = other >= 0 && other < p.h ? padded(0, c, other, std::clamp<int64_t>(column, 0, p.w - 1)) : 0;
          continue;
        }
        const int64_t source = source_of(side, from < 0, from < 0 ? -from : from - s.w + 1, s.w);
        if (source >= 0) row[x] = row[margins.left + source];
        if (source == kConstant) row[x] = constant_of(side, c);
      }
    }
  }
  return padded;
}

}  // namespace fsrcnn
