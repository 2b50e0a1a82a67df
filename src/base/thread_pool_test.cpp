#include "base/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/in_child.hpp"
#include "support/sweep.hpp"
#include "support/threads.hpp"

namespace fsrcnn {
namespace {

TEST(ParallelFor, RunsEveryJobOnce) {
  for (const int64_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    parallel_for(count, [&](int64_t i) { ++runs[i]; });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
  }
}

TEST(ThreadPool, RethrowsAJobsExceptionAndGoesOn) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> runs{0};
      const auto job = [&](int64_t i) {
        ++runs;
        if (i == 3) throw std::runtime_error("job 3");
      };
      EXPECT_THROW(pool.run(1000000, job), std::runtime_error);
      EXPECT_LT(runs, 1000000);
      runs = 0;
      pool.run(50, [&](int64_t) { ++runs; });
      EXPECT_EQ(runs, 50);
    }
  }
}

#if FSRCNN_TESTS_THREADS
TEST(ThreadPool, ConcurrentCallersGetTheirOwnJobsAndFailures) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 200; ++round) {
        const int64_t count = 1 + (caller * 31 + round * 7) % 40;
        const bool fails = (caller + round) % 5 == 0;
        std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
        bool failed = false;
        try {
          pool.run(count, [&](int64_t i) {
            ++runs[static_cast<size_t>(i)];
            if (fails && i == count / 2) throw caller;
          });
        } catch (const int whose) {
          failed = whose == caller;
        }
        bool once = true;
        for (const auto& n : runs) once = once && (fails ? n <= 1 : n == 1);
        right += once && failed == fails ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 8 * 200);
}
#endif

// As many nested calls as threads: each thread waits for jobs that nobody is left to run, unless it runs them itself.
TEST(ThreadPool, AJobMayCallRun) {
  ThreadPool pool(2), other(2);
  std::atomic<int> runs{0};
  pool.run(8, [&](int64_t) {
    pool.run(8, [&](int64_t) { other.run(8, [&](int64_t) { pool.run(2, [&](int64_t) { ++runs; }); }); });
  });
  EXPECT_EQ(runs, 8 * 8 * 8 * 2);
  EXPECT_THROW(pool.run(4, [&](int64_t) { pool.run(4, [](int64_t) { throw std::runtime_error("inner"); }); }),
               std::runtime_error);
}

#if FSRCNN_TESTS_THREADS
// All jobs end at once while the pool is destroyed, and their many callers wake one after the other.
TEST(ThreadPool, DestructionWaitsForTheCallsThatHaveBegun) {
  constexpr int kCallers = 12;
  for (uint32_t round = 0; round < test::some_of(100); ++round) {
    std::optional<ThreadPool> pool(2 * kCallers);
    std::atomic<int> runs{0}, begun{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < kCallers; ++caller) {
      callers.emplace_back([&] {
        pool->run(2, [&](int64_t) {
          ++begun;
          go.wait(false);
          ++runs;
        });
      });
    }
    while (begun < 2 * kCallers) std::this_thread::yield();
    go = true;
    go.notify_all();
    pool.reset();
    EXPECT_EQ(runs, 2 * kCallers);
    for (std::thread& caller : callers) caller.join();
  }
}
#endif

#if FSRCNN_TESTS_FORK
TEST(ThreadPool, WorksInAChildMadeByFork) {
  ThreadPool pool(3);
  std::atomic<bool> stop{false};
  // Under load, so that locks are held and jobs are unfinished when the process forks.
  std::thread load([&] {
    while (!stop) pool.run(30, [](int64_t) {});
  });
  for (int round = 0; round < 50; ++round) {
    const int status = test::in_child([&] {
      std::atomic<int> runs{0};
      std::vector<std::thread> callers;
      for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] { pool.run(100, [&](int64_t) { ++runs; }); });
      }
      for (std::thread& caller : callers) caller.join();
      // And in a child of the child.
      const int grandchild = test::in_child([&] {
        pool.run(10, [&](int64_t) { ++runs; });
        return runs == 310 ? 0 : 1;
      });
      ThreadPool own(2);  // made and destroyed here
      own.run(5, [&](int64_t) { ++runs; });
      return runs == 305 ? grandchild : 1;
    });
    EXPECT_EQ(status, 0) << test::kHung << " means that it hung";
    if (status != 0) break;
  }
  stop = true;
  load.join();
}

TEST(ThreadPool, OfTheParentCanBeDestroyedInAChild) {
  std::optional<ThreadPool> pool(3);
  EXPECT_EQ(test::in_child([&] {
              pool.reset();
              return 0;
            }),
            0);
}
#endif

}  // namespace
}  // namespace fsrcnn
