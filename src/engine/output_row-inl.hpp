// The fused engine's samples from its sums. Included once for each instruction set by foreach_target.h, inside of
// nothing.
#if defined(FSRCNN_ENGINE_OUTPUT_ROW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FSRCNN_ENGINE_OUTPUT_ROW_INL
#undef FSRCNN_ENGINE_OUTPUT_ROW_INL
#else
#define FSRCNN_ENGINE_OUTPUT_ROW_INL
#endif

#include <cstring>

#include "base/simd-inl.hpp"
#include "engine/fused_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

// Four vectors of words become the four words of one lane after those of another: of lane 4 b + r, in words[r] from
// 4 b on.
HWY_INLINE void transpose_words([[maybe_unused]] int32_t (*words)[kLanes]) {
#if HWY_TARGET != HWY_SCALAR
  const hn::RebindToSigned<D> di;
  const hn::RepartitionToWide<decltype(di)> wide;
  const auto load = [&](int w) HWY_ATTR { return hn::Load(di, words[w]); };
  const auto store = [&](auto pairs, int w) HWY_ATTR { hn::Store(hn::BitCast(di, pairs), di, words[w]); };
  const auto a = hn::BitCast(wide, hn::InterleaveLower(di, load(0), load(1)));
  const auto b = hn::BitCast(wide, hn::InterleaveUpper(di, load(0), load(1)));
  const auto c = hn::BitCast(wide, hn::InterleaveLower(di, load(2), load(3)));
  const auto e = hn::BitCast(wide, hn::InterleaveUpper(di, load(2), load(3)));
  store(hn::InterleaveLower(wide, a, c), 0);
  store(hn::InterleaveUpper(wide, a, c), 1);
  store(hn::InterleaveLower(wide, b, e), 2);
  store(hn::InterleaveUpper(wide, b, e), 3);
#endif
}

// Of 0 <= x < 2^23, halves to even. Highway's own adds 0.5 where there are no vectors, and makes 1 of what is below
// 0.5.
HWY_INLINE auto nearest_int(V x) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  const hn::RebindToSigned<D> di;
  return hn::And(hn::BitCast(di, hn::Add(x, hn::Set(d, 8388608.0F))), hn::Set(di, 0x7FFFFF));
#else
  return hn::NearestInt(x);
#endif
}

// Four positions make 4 * kScale samples in a row for each lane. As many as fit are put into a word of 32 bits, and
// four words beside each other where there are as many, so that going from lane after lane to column after column takes
// a load and a store for each of them.
template <class Sample, int kScale>
void output_row_of(const OutputRow& r) {
  constexpr int kInWord = 4 / sizeof(Sample), kWords = 4 * kScale / kInWord;
  using DI = hn::RebindToSigned<D>;
  const DI di;
  const V factor = hn::Set(d, r.factor), most = hn::Set(d, r.most);
  const ptrdiff_t lane_words = ptrdiff_t{r.positions} * kScale / kInWord;
  HWY_ALIGN int32_t words[kWords][kLanes];
  for (int p = 0; p < r.positions; p += 4) {
    HWY_UNROLL(16)
    for (int w = 0; w < kWords; ++w) {
      auto word = hn::Zero(di);
      HWY_UNROLL(16)
      for (int i = 0; i < kInWord; ++i) {
        const int sample = w * kInWord + i, phase = sample % kScale;
        V x = hn::Load(d, r.sums + phase * r.phase_stride + (p + sample / kScale) * kLanes);
        x = hn::Add(x, hn::Set(d, r.bias[phase]));
        // A NaN stays one, but where no integer stands for it. What Min and Max make of it is the instruction set's.
        const auto number = hn::Eq(x, x);
        if constexpr (kInWord != 1) x = hn::IfThenElseZero(number, x);
        const V sample_value = hn::Min(most, hn::Max(hn::Zero(d), hn::Mul(x, factor)));
        if constexpr (kInWord == 1) {
          word = hn::BitCast(di, hn::IfThenElse(number, sample_value, x));
        } else {
          word = hn::Or(word, hn::ShiftLeftSame(nearest_int(sample_value), i * 32 / kInWord));
        }
      }
      hn::Store(word, di, words[w]);
    }
    std::byte* to = r.out + p / 4 * kWords * 4;
    if constexpr (kWords % 4 == 0 && kLanes % 4 == 0) {
      HWY_UNROLL(16)
      for (int w = 0; w < kWords; w += 4) transpose_words(words + w);
      for (int lane = 0; lane < kLanes; ++lane, to += lane_words * 4) {
        HWY_UNROLL(16)
        for (int w = 0; w < kWords; w += 4) std::memcpy(to + 4 * w, &words[w + lane % 4][lane / 4 * 4], 16);
      }
      continue;
    }
    for (int lane = 0; lane < kLanes; ++lane, to += lane_words * 4) {
      HWY_UNROLL(16)
      for (int w = 0; w < kWords; ++w) std::memcpy(to + 4 * w, &words[w][lane], 4);
    }
  }
}

template <class Sample>
void output_row_of(int scale, const OutputRow& r) {
  if (scale == 1) output_row_of<Sample, 1>(r);
  if (scale == 2) output_row_of<Sample, 2>(r);
  if (scale == 3) output_row_of<Sample, 3>(r);
  if (scale == 4) output_row_of<Sample, 4>(r);
}

void output_row(SampleType type, int scale, const OutputRow& r) {
  switch (type) {
    case SampleType::u8: return output_row_of<uint8_t>(scale, r);
    case SampleType::u16: return output_row_of<uint16_t>(scale, r);
    case SampleType::f32: return output_row_of<float>(scale, r);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#endif  // per target
