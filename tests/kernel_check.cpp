// Every kernel of every instruction set that this machine has, by itself: against plain loops as a test, and with
// --time against the machine's peak.

#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/cpu.hpp"
#include "base/fma_peak.hpp"
#include "engine/fused_kernels.hpp"
#include "nn/gemm.hpp"
#include "nn/interleave.hpp"
#include "support/kernel_check.hpp"
#include "support/sweep.hpp"

namespace fsrcnn::test {
namespace {

constexpr uint32_t kSeeds = some_of(60);

std::vector<KernelCase> all_cases() {
  std::vector<KernelCase> cases = nn_kernel_cases();
  for (const std::vector<KernelCase>& some : {fused_kernel_cases(), output_kernel_cases()}) {
    cases.insert(cases.end(), some.begin(), some.end());
  }
  return cases;
}

std::vector<std::string> cpus_with_kernels() {
  std::vector<std::string> cpus = cpu_names();
  std::erase(cpus, "reference");
  return cpus;
}

TEST(Kernels, AreThereForEveryCpu) {
  for (const std::string& cpu : cpus_with_kernels()) {
    ASSERT_NE(gemm_kernels(cpu), nullptr) << cpu;
    ASSERT_NE(fused_kernels(cpu), nullptr) << cpu;
    ASSERT_NE(interleave_kernels(cpu), nullptr) << cpu;
    EXPECT_EQ(gemm_kernels(cpu)->lanes, fused_kernels(cpu)->lanes) << cpu;
  }
}

class KernelTest : public ::testing::Test {
 public:
  KernelTest(const KernelCase& kernel, const std::string& cpu) : kernel_(kernel), cpu_(cpu) {}
  void TestBody() override {
    for (uint32_t seed = first_seed(); seed < first_seed() + kSeeds; ++seed) {
      KernelRandom random(seed);
      const KernelRun run = kernel_.prepare(cpu_, random);
      run.run();
      ASSERT_EQ(run.difference(), "") << "FSRCNN_TEST_SEED=" << seed << ", values of kind "
                                      << static_cast<int>(random.values());
    }
  }

 private:
  KernelCase kernel_;
  std::string cpu_;
};

// The fastest of many runs, each of some milliseconds, in seconds.
template <class Run>
double time_of(const Run& run) {
  const auto seconds = [&](int64_t count) {
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < count; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  int64_t count = 1;
  while (seconds(count) < 2e-3) count *= 2;
  double best = 1e9;
  for (int i = 0; i < 15; ++i) best = std::min(best, seconds(count) / static_cast<double>(count));
  return best;
}

// A table for people: the time of a call and, of kernels that compute, which part of the peak the direct algorithm
// would reach in that time; Toom-Cook's transforms can go beyond.
int print_times(const std::string& filter) {
  for (const std::string& cpu : cpus_with_kernels()) {
    double peak = 0;
    constexpr int64_t kRounds = 10000;
    peak = run_multiply_adds(cpu, kRounds) / time_of([&] { run_multiply_adds(cpu, kRounds); });
    fmt::print("{}: peak {:.1f} GFLOP/s on one thread\n", cpu, peak * 1e-9);
    for (const KernelCase& kernel : all_cases()) {
      if (std::string(kernel.name).find(filter) == std::string::npos) continue;
      KernelRandom random(first_seed(), true);
      const KernelRun run = kernel.prepare(cpu, random);
      run.run();
      if (const std::string difference = run.difference(); !difference.empty()) {
        fmt::print("  {:24} is wrong: {}\n", kernel.name, difference);
        return 1;
      }
      const double seconds = time_of(run.run);
      fmt::print("  {:24} {:9.2f} us", kernel.name, seconds * 1e6);
      if (run.operations > 0) {
        fmt::print("  {:7.1f} GFLOP/s, {:3.0f} % of the peak", run.operations / seconds * 1e-9,
                   100 * run.operations / seconds / peak);
      }
      fmt::print("\n");
    }
  }
  return 0;
}

}  // namespace
}  // namespace fsrcnn::test

int main(int argc, char** argv) {
  using namespace fsrcnn;
  ::testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && std::strcmp(argv[1], "--time") == 0) return test::print_times(argc > 2 ? argv[2] : "");
  if (argc > 1) {
    fmt::print(stderr, "usage: {} [--time [PART OF A NAME]]\n", argv[0]);
    return 2;
  }
  for (const test::KernelCase& kernel : test::all_cases()) {
    for (const std::string& cpu : test::cpus_with_kernels()) {
      ::testing::RegisterTest("KernelCheck", fmt::format("{}_{}", kernel.name, cpu).c_str(), nullptr, nullptr, __FILE__,
                              __LINE__, [=]() -> ::testing::Test* { return new test::KernelTest(kernel, cpu); });
    }
  }
  return RUN_ALL_TESTS();
}
