#include "base/cpu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "base/aligned.hpp"
#include "base/fma_peak.hpp"
#include "base/targets.hpp"
#include "engine/fused_kernels.hpp"
#include "nn/gemm.hpp"
#include "nn/interleave.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

TEST(Cpu, NamesAreThoseOfTheListOnceEachInItsOrder) {
  ASSERT_FALSE(cpu_names().empty());
  EXPECT_EQ(cpu_names().back(), "reference");
  const std::vector<std::string> fast = test::fast_cpus();
  const Target* at = kTargets;
  for (const std::string& name : fast) {
    at = std::find_if(at, std::end(kTargets), [&](const Target& target) { return name == target.name; });
    ASSERT_NE(at++, std::end(kTargets)) << name << " is not in the list, or not after the one before it";
  }
  EXPECT_EQ(std::set<std::string>(fast.begin(), fast.end()).size(), fast.size());
}

TEST(Cpu, EveryNameHasKernelsOfItsOwn) {
  for (const std::string& cpu : test::fast_cpus()) {
    ASSERT_NE(gemm_kernels(cpu), nullptr) << cpu;
    ASSERT_NE(interleave_kernels(cpu), nullptr) << cpu;
    ASSERT_NE(fused_kernels(cpu), nullptr) << cpu;
    EXPECT_EQ(fused_kernels(cpu)->cpu, cpu);
    EXPECT_GT(run_multiply_adds(cpu, 1), 0) << cpu;
  }
  EXPECT_EQ(gemm_kernels("reference"), nullptr);
  EXPECT_GT(run_multiply_adds("reference", 1), 0);
}

TEST(Cpu, TheBestThatIsCompiledAndSupportedComesFirst) {
  const int64_t here = HWY_TARGETS & HWY_SUPPORTED_TARGETS;
  ASSERT_NE(here, 0);
  const Target* best = std::find_if(std::begin(kTargets), std::end(kTargets),
                                    [&](const Target& target) { return target.bit == (here & -here); });
  ASSERT_NE(best, std::end(kTargets)) << "compiled for what is not in the list";
  EXPECT_EQ(cpu_names().front(), best->name) << "a lower bit is a better target to Highway";
}

TEST(Cpu, ClassesOfBitsAreThoseOfTheInstructions) {
  EXPECT_EQ(class_of_bits("avx512"), "fma");
  EXPECT_EQ(class_of_bits("avx2"), "fma");
  EXPECT_EQ(class_of_bits("neon"), "fma");
  for (const char* cpu : {"sse4", "sse2", "wasm", "scalar"}) EXPECT_EQ(class_of_bits(cpu), "no-fma") << cpu;
  EXPECT_EQ(class_of_bits("reference"), "reference");
}

// Halves to even, as the reference's std::nearbyint does; and the largest float below a half is no half.
TEST(Cpu, KernelsRoundToTheNearestInteger) {
  constexpr int kPositions = 4, kScale = 2;
  std::vector<float> values{
      0,      0.5F,    1.5F,     2.5F, std::nextafter(0.5F, 0.0F), std::nextafter(0.5F, 1.0F), 127.5F,
      254.5F, 1022.5F, 65534.5F, 65535};
  for (const std::string& cpu : test::fast_cpus()) {
    const FusedKernels& kernels = *fused_kernels(cpu);
    const size_t row = static_cast<size_t>(kPositions * kernels.lanes);
    const AlignedFloats sums = allocate_aligned(kScale * row);
    const float bias[kScale] = {};
    std::vector<uint16_t> out(kScale * row);
    for (const float value : values) {
      std::fill_n(sums.get(), kScale * row, value);
      kernels.output_row(SampleType::u16, kScale,
                         {.sums = sums.get(),
                          .phase_stride = static_cast<ptrdiff_t>(row),
                          .bias = bias,
                          .positions = kPositions,
                          .factor = 1,
                          .most = 65535,
                          .out = reinterpret_cast<std::byte*>(out.data())});
      for (const uint16_t sample : out) ASSERT_EQ(sample, std::nearbyint(value)) << cpu << ": " << value;
    }
  }
}

}  // namespace
}  // namespace fsrcnn
