#include "base/fma_peak.hpp"

#include "base/cpu.hpp"
#include "base/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/fma_peak.cpp"
#include <hwy/foreach_target.h>

#include "base/simd-inl.hpp"

#ifndef FSRCNN_PEAK_KERNEL
#define FSRCNN_PEAK_KERNEL
namespace fsrcnn {
struct PeakKernel {
  const char* cpu;
  double (*run)(int64_t rounds);
};
}  // namespace fsrcnn
#endif

HWY_BEFORE_NAMESPACE();
namespace fsrcnn {
namespace HWY_NAMESPACE {
namespace {

// More sums than the product of latency and units on any machine, and few enough for 16 registers.
constexpr int kSums = 12;

double run(int64_t rounds) {
  const V factor = hn::Set(d, 0.5F), summand = hn::Set(d, 1.0F);
  V sums[kSums];
  HWY_UNROLL(16)
  for (int i = 0; i < kSums; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t r = 0; r < rounds; ++r) {
    HWY_UNROLL(16)
    for (int i = 0; i < kSums; ++i) sums[i] = hn::MulAdd(sums[i], factor, summand);
  }
  V sum = sums[0];
  HWY_UNROLL(16)
  for (int i = 1; i < kSums; ++i) sum = hn::Add(sum, sums[i]);
  float lanes[kLanes];
  hn::StoreU(sum, d, lanes);
  [[maybe_unused]] const volatile float used = lanes[0];
  return 2.0 * kLanes * kSums * static_cast<double>(rounds);
}

}  // namespace

extern const PeakKernel kPeakKernel;
const PeakKernel kPeakKernel = {kCpuName, run};

}  // namespace HWY_NAMESPACE
}  // namespace fsrcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fsrcnn {

FSRCNN_DECLARE_KERNELS(PeakKernel, kPeakKernel)

double run_multiply_adds(std::string_view cpu, int64_t rounds) {
  static constexpr const PeakKernel* kAll[] = FSRCNN_KERNELS(PeakKernel, kPeakKernel);
  const PeakKernel* kernel = kernels_of(kAll, cpu);
  if (kernel == nullptr) kernel = kernels_of(kAll, cpu_names().front());
  return kernel->run(rounds);
}

}  // namespace fsrcnn
#endif  // HWY_ONCE
