#include "picture/guided_chroma_kernels.hpp"

#include "base/cpu.hpp"
#include "base/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "picture/guided_chroma_kernels.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

// Whole vectors, the last of which may do again what the one before did: outputs are never inputs.
template <class Function>
HWY_INLINE void whole_vectors(int64_t width, const Function& function) {
  for (int64_t x = 0; x < width - kLanes; x += kLanes) function(x);
  function(width - kLanes);
}

// Not fused, as in the reference.
HWY_INLINE V add_product(V sum, V a, V b) { return hn::Add(sum, hn::Mul(a, b)); }

void slopes(const ChromaGuideRow (&rows)[3], int64_t width, float* const (&slopes)[2]) {
  if (width < kLanes) return kGuidedChromaReference.slopes(rows, width, slopes);
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0F);
  whole_vectors(width, [&](int64_t x) HWY_ATTR {
    const auto load = [&](int j, int p, int i)
                          HWY_ATTR { return hn::Min(hn::Max(hn::LoadU(d, rows[j][p] + x + i - 1), zero), one); };
    const V luma = load(1, 0, 1), cb = load(1, 1, 1), cr = load(1, 2, 1);
    V luma_mean = zero, cb_mean = zero, cr_mean = zero, luma_square = zero;
    V cb_product = zero, cr_product = zero, cb_square = zero, cr_square = zero;
    const auto add = [&](int j, int i, V weight) HWY_ATTR {
      const V luma_difference = hn::Sub(load(j, 0, i), luma);
      const V cb_difference = hn::Sub(load(j, 1, i), cb), cr_difference = hn::Sub(load(j, 2, i), cr);
      const V weighted = hn::Mul(weight, luma_difference);
      const V cb_weighted = hn::Mul(weight, cb_difference), cr_weighted = hn::Mul(weight, cr_difference);
      luma_mean = hn::Add(luma_mean, weighted);
      luma_square = add_product(luma_square, weighted, luma_difference);
      cb_mean = hn::Add(cb_mean, cb_weighted);
      cr_mean = hn::Add(cr_mean, cr_weighted);
      cb_product = add_product(cb_product, weighted, cb_difference);
      cr_product = add_product(cr_product, weighted, cr_difference);
      cb_square = add_product(cb_square, cb_weighted, cb_difference);
      cr_square = add_product(cr_square, cr_weighted, cr_difference);
    };
    const V corner = hn::Set(d, 0.0625F), side = hn::Set(d, 0.125F);
    add(0, 0, corner);
    add(0, 1, side);
    add(0, 2, corner);
    add(1, 0, side);
    add(1, 2, side);
    add(2, 0, corner);
    add(2, 1, side);
    add(2, 2, corner);
    const auto variance = [&](V square, V mean)
                              HWY_ATTR { return hn::Max(hn::Sub(square, hn::Mul(mean, mean)), zero); };
    const V inverse = hn::Div(one, hn::Add(variance(luma_square, luma_mean), hn::Set(d, kLumaNoise)));
    const auto store = [&](V product, V mean, V square, float* to) HWY_ATTR {
      const V covariance = hn::Sub(product, hn::Mul(luma_mean, mean));
      const V slope = hn::Mul(covariance, inverse);
      const V correlation =
          hn::Div(hn::Mul(slope, covariance), hn::Add(variance(square, mean), hn::Set(d, kChromaNoise)));
      const V square_of_it = hn::Mul(correlation, correlation);
      hn::StoreU(hn::Mul(slope, hn::Mul(square_of_it, square_of_it)), d, to + x);
    };
    store(cb_product, cb_mean, cb_square, slopes[0]);
    store(cr_product, cr_mean, cr_square, slopes[1]);
  });
}

void between_rows(const float* const (&rows)[5], const float (&weights)[4], int64_t width, float* out) {
  if (width < kLanes) return kGuidedChromaReference.between_rows(rows, weights, width, out);
  const V first = hn::Set(d, weights[0]), second = hn::Set(d, weights[1]);
  const V third = hn::Set(d, weights[2]), fourth = hn::Set(d, weights[3]);
  whole_vectors(width, [&](int64_t x) HWY_ATTR {
    const V base = hn::LoadU(d, rows[2] + x);
    const auto difference = [&](int row) HWY_ATTR { return hn::Sub(hn::LoadU(d, rows[row] + x), base); };
    V sum = add_product(base, first, difference(0));
    sum = add_product(sum, second, difference(1));
    sum = add_product(sum, third, difference(3));
    hn::StoreU(add_product(sum, fourth, difference(4)), d, out + x);
  });
}

void between_slopes(const float* const (&rows)[3], const float (&weights)[2], int64_t width, float* out) {
  if (width < kLanes) return kGuidedChromaReference.between_slopes(rows, weights, width, out);
  const V first = hn::Set(d, weights[0]), second = hn::Set(d, weights[1]);
  whole_vectors(width, [&](int64_t x) HWY_ATTR {
    const V base = hn::LoadU(d, rows[1] + x);
    const V sum = add_product(base, first, hn::Sub(hn::LoadU(d, rows[0] + x), base));
    hn::StoreU(add_product(sum, second, hn::Sub(hn::LoadU(d, rows[2] + x), base)), d, out + x);
  });
}

// The samples of kLanes outputs lie within kLanes: no output goes further than to the next.
void across(const ChromaColumns& in, const NearSamples& samples, int64_t count, const float* luma, float* cb,
            float* cr) {
  static_assert(kLanes <= ChromaColumns::kPadding);
  if (count < kLanes) return kGuidedChromaReference.across(in, samples, count, luma, cb, cr);
  whole_vectors(count, [&](int64_t x) HWY_ATTR {
    const hn::RebindToSigned<D> signed_lanes;
    const int32_t first = samples.nearest[x];
    const auto which =
        hn::IndicesFromVec(d, hn::Sub(hn::LoadU(signed_lanes, samples.nearest + x), hn::Set(signed_lanes, first)));
    const auto near = [&](int plane, int offset) HWY_ATTR {
      return hn::TableLookupLanes(hn::LoadU(d, in.planes[plane] + (first - in.first) + offset), which);
    };
    const auto cubic = [&](int plane) HWY_ATTR {
      const V base = near(plane, 0);
      V sum = base;
      const auto add = [&](int k, int offset) HWY_ATTR {
        sum = add_product(sum, hn::LoadU(d, samples.cubic[k] + x), hn::Sub(near(plane, offset), base));
      };
      add(0, -2);
      add(1, -1);
      add(2, 1);
      add(3, 2);
      return sum;
    };
    const auto linear = [&](int plane) HWY_ATTR {
      const V base = near(plane, 0);
      const V sum = add_product(base, hn::LoadU(d, samples.linear[0] + x), hn::Sub(near(plane, -1), base));
      return add_product(sum, hn::LoadU(d, samples.linear[1] + x), hn::Sub(near(plane, 1), base));
    };
    const V detail = hn::Sub(hn::LoadU(d, luma + x), cubic(0));
    hn::StoreU(add_product(cubic(1), linear(3), detail), d, cb + x);
    hn::StoreU(add_product(cubic(2), linear(4), detail), d, cr + x);
  });
}

}  // namespace

extern const GuidedChromaKernels kGuidedChromaKernels;
const GuidedChromaKernels kGuidedChromaKernels = {.cpu = kCpuName,
                                                  .slopes = slopes,
                                                  .between_rows = between_rows,
                                                  .between_slopes = between_slopes,
                                                  .across = across};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

FSRCNN_DECLARE_KERNELS(GuidedChromaKernels, kGuidedChromaKernels)

const GuidedChromaKernels& guided_chroma_kernels(std::string_view cpu) {
  static constexpr const GuidedChromaKernels* kAll[] = FSRCNN_KERNELS(GuidedChromaKernels, kGuidedChromaKernels);
  const GuidedChromaKernels* const kernels = kernels_of(kAll, cpu);
  return kernels != nullptr ? *kernels : kGuidedChromaReference;
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
