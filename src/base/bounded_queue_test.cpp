#include "base/bounded_queue.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace fsrcnn {
namespace {

TEST(BoundedQueue, KeepsTheOrderAndEndsAfterTheLast) {
  BoundedQueue<int> queue(2);
  std::thread giver([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue.push(i));
    queue.close();
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(queue.pop(), i);
  EXPECT_EQ(queue.pop(), std::nullopt);
  giver.join();
}

TEST(BoundedQueue, HoldsNoMoreThanItsCapacity) {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed{0};
  std::thread giver([&] {
    for (int i = 0; i < 5; ++i, ++pushed) {
      if (!queue.push(i)) return;
    }
  });
  while (pushed < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(pushed, 2);
  queue.close();  // lets the giver end
  giver.join();
  EXPECT_EQ(pushed, 2);
}

TEST(BoundedQueue, TheTakerLearnsWhatTheGiverFailedWith) {
  BoundedQueue<int> queue(2);
  queue.push(1);
  queue.close(std::make_exception_ptr(std::runtime_error("no more")));
  EXPECT_THROW(queue.pop(), std::runtime_error);
  EXPECT_FALSE(queue.push(2));
}

}  // namespace
}  // namespace fsrcnn
