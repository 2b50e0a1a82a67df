#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace fsrcnn {
namespace {

TEST(ParallelFor, RunsEveryJobOnce) {
  for (const int64_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    parallel_for(count, [&](int64_t i) { ++runs[i]; });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
  }
}

TEST(ParallelFor, RethrowsAJobsException) {
  std::atomic<int> runs{0};
  const auto job = [&](int64_t i) {
    ++runs;
    if (i == 3) throw std::runtime_error("job 3");
  };
  EXPECT_THROW(parallel_for(1000000, job), std::runtime_error);
  EXPECT_LT(runs, 1000000);
}

}  // namespace
}  // namespace fsrcnn
