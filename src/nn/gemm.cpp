#include "nn/gemm.hpp"

#include "base/cpu.hpp"
#include "base/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/gemm.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

constexpr int kGemmOutputs = kManyRegisters ? 14 : 6;

// As many vectors as leave the sums in registers, beside the inputs and a weight.
constexpr int vectors_at_once(int outputs) {
  constexpr int kSums = kManyRegisters ? 28 : 12;
  return outputs * 4 <= kSums - (kManyRegisters ? 0 : 2) ? 4 : outputs * 2 <= kSums ? 2 : 1;
}

template <int kOutputs, int kVectors>
HWY_INLINE void gemm_step(const Gemm& g, const float* in, const float* weights, float* out) {
  V sum[kOutputs][kVectors];
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) {
      sum[o][v] = g.accumulate ? hn::Load(d, out + o * g.out_channel_stride + v * kLanes)
                               : hn::Set(d, g.bias != nullptr ? g.bias[o] : 0.0F);
    }
  }
  for (int t = 0; t < g.taps; ++t) {
    const float* x = in + g.tap_offsets[t];
    for (int c = 0; c < g.channels; ++c, x += g.in_channel_stride, weights += kOutputs) {
      V values[kVectors];
      HWY_UNROLL(16)
      for (int v = 0; v < kVectors; ++v) values[v] = hn::LoadU(d, x + v * kLanes);
      HWY_UNROLL(16)
      for (int o = 0; o < kOutputs; ++o) {
        const V weight = hn::Set(d, weights[o]);
        HWY_UNROLL(16)
        for (int v = 0; v < kVectors; ++v) sum[o][v] = hn::MulAdd(values[v], weight, sum[o][v]);
      }
    }
  }
  HWY_UNROLL(16)
  for (int o = 0; o < kOutputs; ++o) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) {
      const V result = g.slope != nullptr ? prelu_to_one(sum[o][v], hn::Set(d, g.slope[o])) : sum[o][v];
      hn::Store(result, d, out + o * g.out_channel_stride + v * kLanes);
    }
  }
}

template <int kOutputs>
void gemm_outputs(const Gemm& g) {
  constexpr int kVectors = vectors_at_once(kOutputs);
  for (int b = 0; b < g.batch; ++b) {
    const float* in = g.in + b * g.in_batch_stride;
    const float* weights = g.weights + b * g.weights_batch_stride;
    float* out = g.out + b * g.out_batch_stride;
    int v = 0;
    for (; v + kVectors <= g.vectors; v += kVectors) {
      gemm_step<kOutputs, kVectors>(g, in + v * kLanes, weights, out + v * kLanes);
    }
    for (; v < g.vectors; ++v) gemm_step<kOutputs, 1>(g, in + v * kLanes, weights, out + v * kLanes);
  }
}

void gemm(int outputs, const Gemm& g) {
  with_constant<kGemmOutputs>(outputs, [&]<int kOutputs>() { gemm_outputs<kOutputs>(g); });
}

}  // namespace

extern const GemmKernels kGemmKernels;
const GemmKernels kGemmKernels = {.cpu = kCpuName, .lanes = kLanes, .most_outputs = kGemmOutputs, .gemm = gemm};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

FSRCNN_DECLARE_KERNELS(GemmKernels, kGemmKernels)

const GemmKernels* gemm_kernels(std::string_view cpu) {
  static constexpr const GemmKernels* kAll[] = FSRCNN_KERNELS(GemmKernels, kGemmKernels);
  return kernels_of(kAll, cpu);
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
