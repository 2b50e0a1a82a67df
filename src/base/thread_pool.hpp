#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fsrcnn {

/// Threads made once, which several callers share.
class ThreadPool {
 public:
  /// threads >= 1; with 1, jobs run on the caller's thread. Fewer threads than asked for is no error.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Runs job(0) ... job(count - 1), in any order, and returns when all have ended. Calls from several threads share
  /// the pool, first come first served, and the next call's jobs fill the threads that the last jobs of one leave idle.
  /// A job that is alone runs on the caller's thread, which need not wait for another to wake. An exception of a job
  /// keeps those that have not begun from running, and is rethrown here. A job must not call run.
  void run(int64_t count, const std::function<void(int64_t)>& job);

 private:
  struct Batch;
  void work();

  int threads_;
  std::mutex mutex_;
  std::condition_variable work_added_, work_done_;
  std::deque<std::shared_ptr<Batch>> batches_;  // those with jobs that have not begun
  bool ending_ = false;
  std::vector<std::thread> workers_;
};

/// One for each core.
int default_thread_count();

/// default_thread_count() threads, made when first asked for.
ThreadPool& default_thread_pool();

/// default_thread_pool().run().
void parallel_for(int64_t count, const std::function<void(int64_t)>& job);

}  // namespace fsrcnn
