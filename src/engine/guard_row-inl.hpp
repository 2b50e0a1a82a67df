// The guard on overshoot over the fused engine's sums; engine/looks.hpp has it as plain loops. Included once for each
// instruction set by foreach_target.h, inside of nothing.
#if defined(FSRCNN_ENGINE_GUARD_ROW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FSRCNN_ENGINE_GUARD_ROW_INL
#undef FSRCNN_ENGINE_GUARD_ROW_INL
#else
#define FSRCNN_ENGINE_GUARD_ROW_INL
#endif

#include "base/simd-inl.hpp"
#include "engine/fused_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

struct Three {
  V most, middle, least;
};

HWY_INLINE Three sorted(V a, V b, V c) {
  const V more = hn::Max(a, b), less = hn::Min(a, b), between = hn::Min(more, c);
  return {hn::Max(more, c), hn::Max(less, between), hn::Min(less, between)};
}

// Columns of three pixels are sorted once for three outputs. Then the rows are sorted, which leaves the columns so: the
// third of all is the second of a row or column, or the third of the first row or column.
void guard_limits(const GuardLimits& g) {
  const auto column = [&](int p) HWY_ATTR {
    return sorted(hn::Load(d, g.rows[0] + p * kLanes), hn::Load(d, g.rows[1] + p * kLanes),
                  hn::Load(d, g.rows[2] + p * kLanes));
  };
  const V half = hn::Set(d, 0.5F), sixteenth = hn::Set(d, 0.0625F), eight = hn::Set(d, 8.0F);
  Three before = column(-1), here = column(0);
  for (int p = 0; p < g.positions; ++p) {
    const Three next = column(p + 1);
    const Three most = sorted(before.most, here.most, next.most);
    const V most_middle = hn::Max(hn::Max(before.middle, here.middle), next.middle);
    const V least_middle = hn::Min(hn::Min(before.middle, here.middle), next.middle);
    const Three least = sorted(before.least, here.least, next.least);
    const V third_most = hn::Max(hn::Max(hn::Min(most.middle, most_middle), most.least), least.most);
    const V third_least = hn::Min(hn::Min(hn::Max(least.middle, least_middle), least.most), most.least);
    const V range = hn::Sub(most.most, least.least);
    const V wide = hn::Mul(half, range), narrow = hn::Mul(sixteenth, range);
    const auto room = [&](V distance) HWY_ATTR { return hn::Min(wide, hn::Add(narrow, hn::Mul(eight, distance))); };
    hn::Store(hn::Sub(least.least, room(hn::Sub(third_least, least.least))), d, g.low + p * kLanes);
    hn::Store(hn::Add(most.most, room(hn::Sub(most.most, third_most))), d, g.high + p * kLanes);
    before = here;
    here = next;
  }
}

void guard_row(const GuardRow& g) {
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0F), kept = hn::Set(d, g.kept);
  for (int phase = 0; phase < g.phases; ++phase) {
    float* const sums = g.sums + phase * g.phase_stride;
    const V bias = hn::Set(d, g.bias[phase]);
    for (int i = 0; i < g.positions * kLanes; i += kLanes) {
      const V x = hn::Add(hn::Load(d, sums + i), bias);
      const V inside = hn::Min(one, hn::Max(zero, x));
      const V limited = hn::Min(hn::Load(d, g.high + i), hn::Max(hn::Load(d, g.low + i), inside));
      const V guarded = hn::Add(limited, hn::Mul(kept, hn::Sub(inside, limited)));
      // What Min and Max make of a NaN is the instruction set's.
      hn::Store(hn::IfThenElse(hn::Eq(x, x), guarded, x), d, sums + i);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#endif  // per target
