#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/per_process.hpp"
#include "fsrcnn/fsrcnn.hpp"

namespace fsrcnn {

/// Threads that several callers share.
class ThreadPool {
 public:
  /// threads >= 1; with 1, jobs run on the caller's thread. If the system provides fewer threads, those are used.
  explicit ThreadPool(int threads);
  /// Waits for the calls of run that have begun.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Runs job(0) ... job(count - 1), in any order, and returns when all have ended. Calls from several threads share
  /// the pool in order of arrival; the next call's jobs use threads that a call's last jobs leave idle. A single job
  /// runs on the caller's thread, to save waking another. So do the jobs of a call from within a job, of this pool or
  /// another, because its thread may be the last free one. After an exception in a job no further jobs start, and it is
  /// rethrown here. A forked child starts new threads.
  void run(int64_t count, const std::function<void(int64_t)>& job);

 private:
  class Workers;

  int threads_;
  std::unique_ptr<PerProcess<Workers>> workers_;  // none with one thread
};

/// One for each core, or what was set.
int default_thread_count();
/// For the whole program. Call it before the first use of default_thread_pool().
void set_default_thread_count(int threads);

/// default_thread_count() threads, started at first use.
ThreadPool& default_thread_pool();

/// The executor's threads; without an executor, `threads` new ones, or default_thread_pool() if threads = 0.
std::shared_ptr<ThreadPool> thread_pool_for(const std::optional<Executor>& executor, int threads);

/// default_thread_pool().run().
void parallel_for(int64_t count, const std::function<void(int64_t)>& job);

}  // namespace fsrcnn
