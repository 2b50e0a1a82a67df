#include "base/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace fsrcnn {
namespace {

// Whether this thread belongs to a pool.
thread_local bool is_worker = false;

std::atomic<int> default_threads{0};

void run_here(int64_t count, const std::function<void(int64_t)>& job) {
  for (int64_t i = 0; i < count; ++i) job(i);
}

}  // namespace

class ThreadPool::Workers {
 public:
  explicit Workers(int threads) {
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // no more threads to be had: those there are do the work
    }
  }

  ~Workers() {
    {
      std::unique_lock lock(mutex_);
      work_done_.wait(lock, [&] { return callers_ == 0; });
      ending_ = true;
    }
    work_added_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void run(int64_t count, const std::function<void(int64_t)>& job) {
    if (threads_.empty()) return run_here(count, job);
    Batch batch{count, 0, count, &job};
    {
      std::unique_lock lock(mutex_);
      (first_ == nullptr ? first_ : last_->after) = &batch;
      last_ = &batch;
      ++callers_;
      work_added_.notify_all();
      work_done_.wait(lock, [&] { return batch.unfinished == 0; });
      // Under the lock, so that the destructor does not go on before this call has let go of it.
      if (--callers_ == 0) work_done_.notify_all();
    }
    if (batch.failure) std::rethrow_exception(batch.failure);
  }

 private:
  // On its caller's stack: threads touch it under the lock alone, and the caller leaves when no job is unfinished.
  // Nothing is allocated here, so a process may fork while its threads run jobs even where the allocator's locks do
  // not survive that (the address sanitizer's).
  struct Batch {
    int64_t count, next, unfinished;
    const std::function<void(int64_t)>* job;
    std::exception_ptr failure = nullptr;
    Batch* after = nullptr;
  };

  void work() {
    is_worker = true;
    std::unique_lock lock(mutex_);
    for (;;) {
      work_added_.wait(lock, [&] { return ending_ || first_ != nullptr; });
      if (first_ == nullptr) return;
      Batch& batch = *first_;
      const int64_t i = batch.next++;
      if (batch.next == batch.count) first_ = batch.after;
      lock.unlock();
      std::exception_ptr failure;
      try {
        (*batch.job)(i);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      --batch.unfinished;
      if (failure && !batch.failure) {
        batch.failure = failure;
        if (batch.next < batch.count) {  // begun and not at its end: it is the first
          batch.unfinished -= batch.count - batch.next;
          batch.next = batch.count;
          first_ = batch.after;
        }
      }
      if (batch.unfinished == 0) work_done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_added_, work_done_;
  Batch *first_ = nullptr, *last_ = nullptr;  // those with jobs that have not begun; last_: only if there is a first
  int callers_ = 0;                           // of run
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

ThreadPool::ThreadPool(int threads) : threads_(std::max(1, threads)) {
  if (threads_ == 1) return;
  workers_ = std::make_unique<PerProcess<Workers>>([n = threads_] { return std::make_unique<Workers>(n); });
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::run(int64_t count, const std::function<void(int64_t)>& job) {
  if (count <= 1 || !workers_ || is_worker) return run_here(count, job);
  workers_->get().run(count, job);
}

int default_thread_count() {
  const int set = default_threads;
  return set > 0 ? set : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void set_default_thread_count(int threads) { default_threads = threads; }

ThreadPool& default_thread_pool() {
  static ThreadPool pool(default_thread_count());
  return pool;
}

std::shared_ptr<ThreadPool> thread_pool_for(const std::optional<Executor>& executor, int threads) {
  if (executor) return executor->pool();
  if (threads > 0) return std::make_shared<ThreadPool>(threads);
  return {std::shared_ptr<void>(), &default_thread_pool()};
}

void parallel_for(int64_t count, const std::function<void(int64_t)>& job) { default_thread_pool().run(count, job); }

}  // namespace fsrcnn
