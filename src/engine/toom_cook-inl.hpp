// Toom-Cook transforms on vectors. foreach_target.h includes this once for each instruction set, at file scope.
#if defined(FSRCNN_ENGINE_TOOM_COOK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FSRCNN_ENGINE_TOOM_COOK_INL
#undef FSRCNN_ENGINE_TOOM_COOK_INL
#else
#define FSRCNN_ENGINE_TOOM_COOK_INL
#endif

#include "base/simd-inl.hpp"
#include "engine/toom_cook.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

// sum + x * factor; sums are cheaper than products where there are units for both.
template <class Factor>
HWY_INLINE V add_scaled(V x, Factor factor, V sum) {
  return factor == 1 ? hn::Add(sum, x) : hn::MulAdd(x, hn::Set(d, static_cast<float>(factor)), sum);
}

// The points of n inputs, in(0) ... in(n - 1), for a convolution (Winograd's B^T d): 0 and infinity; a pair; all.
template <int kPairs, class In>
HWY_INLINE void ends_to_points(const In& in, V& zero, V& infinity) {
  constexpr auto kAll = toom_cook_polynomial<kPairs>(-1);
  zero = in(2 * kPairs);
  infinity = in(2 * kPairs + 1);
  HWY_UNROLL(16)
  for (int k = kPairs - 1; k >= 0; --k) {
    zero = add_scaled(in(2 * k), kAll[static_cast<size_t>(k)], zero);
    infinity = add_scaled(in(2 * k + 1), kAll[static_cast<size_t>(k)], infinity);
  }
}

template <int kPairs, int kI, class In>
HWY_INLINE void pair_to_points(const In& in, V& plus, V& minus) {
  constexpr auto kOthers = toom_cook_polynomial<kPairs>(kI);
  constexpr double kA = ToomCook<kPairs>::points[kI];
  V even = in(2 * kPairs), odd = hn::Mul(in(2 * kPairs - 1), hn::Set(d, static_cast<float>(kA)));
  HWY_UNROLL(16)
  for (int k = kPairs - 2; k >= 0; --k) {
    even = hn::MulAdd(in(2 * k + 2), hn::Set(d, static_cast<float>(kOthers[k])), even);
    odd = hn::MulAdd(in(2 * k + 1), hn::Set(d, static_cast<float>(kA * kOthers[k])), odd);
  }
  plus = hn::Add(even, odd);
  minus = hn::Sub(even, odd);
}

template <int kPairs>
HWY_INLINE void to_points(const V* HWY_RESTRICT in, V* HWY_RESTRICT out) {
  const auto at = [in](int i) HWY_ATTR { return in[i]; };
  ends_to_points<kPairs>(at, out[0], out[2 * kPairs + 1]);
  pair_to_points<kPairs, 0>(at, out[1], out[2]);
  pair_to_points<kPairs, 1>(at, out[3], out[4]);
  if constexpr (kPairs == 3) pair_to_points<kPairs, 2>(at, out[5], out[6]);
}

// out = the four outputs of n points, for a convolution (Winograd's A^T m): first what 0, infinity and the first pair
// give, then pair after pair.
template <int kPairs>
HWY_INLINE void begin_from_points(V zero, V plus, V minus, V infinity, V* HWY_RESTRICT out) {
  constexpr float a = ToomCook<kPairs>::points[0];
  const V sum = hn::Add(plus, minus), difference = hn::Sub(plus, minus);
  out[0] = hn::Add(zero, sum);
  if constexpr (a == 1.0F) {
    out[1] = difference;
    out[2] = sum;
    out[3] = hn::Add(infinity, difference);
  } else {
    out[1] = hn::Mul(difference, hn::Set(d, a));
    out[2] = hn::Mul(sum, hn::Set(d, a * a));
    out[3] = hn::MulAdd(difference, hn::Set(d, a * a * a), infinity);
  }
}

template <int kPairs, int kI>
HWY_INLINE void add_from_points(V plus, V minus, V* HWY_RESTRICT out) {
  constexpr float a = ToomCook<kPairs>::points[kI];
  const V sum = hn::Add(plus, minus), difference = hn::Sub(plus, minus);
  out[0] = hn::Add(out[0], sum);
  out[1] = hn::MulAdd(difference, hn::Set(d, a), out[1]);
  out[2] = hn::MulAdd(sum, hn::Set(d, a * a), out[2]);
  out[3] = hn::MulAdd(difference, hn::Set(d, a * a * a), out[3]);
}

// out = the values of the polynomial with coefficients x0 ... x3 at the n points (transposed convolution).
template <int kPairs>
HWY_INLINE void evaluate(V x0, V x1, V x2, V x3, V* HWY_RESTRICT out) {
  out[0] = x0;
  out[2 * kPairs + 1] = x3;
  HWY_UNROLL(16)
  for (int i = 0; i < kPairs; ++i) {
    const float a = ToomCook<kPairs>::points[static_cast<size_t>(i)];
    V even, odd;
    if (a == 1.0F) {
      even = hn::Add(x0, x2);
      odd = hn::Add(x1, x3);
    } else {
      even = hn::MulAdd(x2, hn::Set(d, a * a), x0);
      odd = hn::MulAdd(x3, hn::Set(d, a * a * a), hn::Mul(x1, hn::Set(d, a)));
    }
    out[2 * i + 1] = hn::Add(even, odd);
    out[2 * i + 2] = hn::Sub(even, odd);
  }
}

// sums += the n coefficients of the polynomial with these values at the n points: the transpose of to_points.
template <int kPairs>
HWY_INLINE void add_interpolated(const V* HWY_RESTRICT in, V* HWY_RESTRICT sums) {
  constexpr auto kAll = toom_cook_polynomial<kPairs>(-1);
  HWY_UNROLL(16)
  for (int k = 0; k <= kPairs; ++k) {
    sums[2 * k] = add_scaled(in[0], kAll[static_cast<size_t>(k)], sums[2 * k]);
    sums[2 * k + 1] = add_scaled(in[2 * kPairs + 1], kAll[static_cast<size_t>(k)], sums[2 * k + 1]);
  }
  const auto pair = [&]<int kI>() HWY_ATTR {
    constexpr auto kOthers = toom_cook_polynomial<kPairs>(kI);
    constexpr double kA = ToomCook<kPairs>::points[kI];
    const V even = hn::Add(in[2 * kI + 1], in[2 * kI + 2]), odd = hn::Sub(in[2 * kI + 1], in[2 * kI + 2]);
    HWY_UNROLL(16)
    for (int k = 0; k < kPairs; ++k) {
      sums[2 * k + 2] = hn::MulAdd(even, hn::Set(d, static_cast<float>(kOthers[k])), sums[2 * k + 2]);
      sums[2 * k + 1] = hn::MulAdd(odd, hn::Set(d, static_cast<float>(kA * kOthers[k])), sums[2 * k + 1]);
    }
  };
  pair.template operator()<0>();
  pair.template operator()<1>();
  if constexpr (kPairs == 3) pair.template operator()<2>();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#endif  // per target
