#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace fsrcnn {

void parallel_for(int64_t count, const std::function<void(int64_t)>& job) {
  const int64_t threads = std::min<int64_t>(std::max(1U, std::thread::hardware_concurrency()), count);
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::once_flag failed;
  const auto work = [&]() noexcept {
    try {
      for (int64_t i = next++; i < count; i = next++) job(i);
    } catch (...) {
      std::call_once(failed, [&] { failure = std::current_exception(); });
      next = count;
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (int64_t i = 1; i < threads; ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {  // no more threads to be had: those there are do the work
    }
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fsrcnn
