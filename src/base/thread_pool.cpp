#include "base/thread_pool.hpp"

#include <algorithm>
#include <system_error>

namespace fsrcnn {

struct ThreadPool::Batch {
  int64_t count, next, unfinished;
  const std::function<void(int64_t)>* job;
  std::exception_ptr failure;
};

ThreadPool::ThreadPool(int threads) : threads_(std::max(1, threads)) {
  if (threads_ == 1) return;
  try {
    for (int i = 0; i < threads_; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // no more threads to be had: those there are do the work
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_added_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_added_.wait(lock, [&] { return ending_ || !batches_.empty(); });
    if (batches_.empty()) return;
    const std::shared_ptr<Batch> batch = batches_.front();
    const int64_t i = batch->next++;
    if (batch->next == batch->count) batches_.pop_front();
    lock.unlock();
    std::exception_ptr failure;
    try {
      (*batch->job)(i);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    --batch->unfinished;
    if (failure && !batch->failure) {
      batch->failure = failure;
      if (batch->next < batch->count) {
        batch->unfinished -= batch->count - batch->next;
        batch->next = batch->count;
        batches_.erase(std::find(batches_.begin(), batches_.end(), batch));
      }
    }
    if (batch->unfinished == 0) work_done_.notify_all();
  }
}

void ThreadPool::run(int64_t count, const std::function<void(int64_t)>& job) {
  if (count <= 0) return;
  if (workers_.empty() || count == 1) {
    for (int64_t i = 0; i < count; ++i) job(i);
    return;
  }
  const auto batch = std::make_shared<Batch>(Batch{count, 0, count, &job, nullptr});
  std::unique_lock lock(mutex_);
  batches_.push_back(batch);
  work_added_.notify_all();
  work_done_.wait(lock, [&] { return batch->unfinished == 0; });
  if (batch->failure) std::rethrow_exception(batch->failure);
}

int default_thread_count() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

ThreadPool& default_thread_pool() {
  static ThreadPool pool(default_thread_count());
  return pool;
}

void parallel_for(int64_t count, const std::function<void(int64_t)>& job) { default_thread_pool().run(count, job); }

}  // namespace fsrcnn
