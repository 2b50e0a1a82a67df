#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace fsrcnn {

void parallel_for(int64_t count, const std::function<void(int64_t)>& job) {
  const int64_t threads = std::min<int64_t>(std::max(1U, std::thread::hardware_concurrency()), count);
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::jthread> helpers;
  for (int64_t i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
}

}  // namespace fsrcnn
