#include "picture/decoder_rights.hpp"

#include <gtest/gtest.h>

#include "support/in_child.hpp"

// Rights are lost for ever, so each test has a process for that.
#if FSRCNN_TESTS_FORK && (defined(__x86_64__) || defined(__aarch64__))
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/atomic_output.hpp"
#include "base/descriptor.hpp"
#include "picture/decoder_watch.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::in_child;
using test::TemporaryFolder;

bool is_refused(int64_t result) { return result == -1 && errno == EPERM; }

TEST(DecoderRights, WhatADecoderDoesNotNeedIsRefused) {
  const TemporaryFolder folder;
  write_file(folder / "file", as_bytes("x"));
  const std::string file = folder / "file", other = folder / "other";
  const int result = in_child([&] {
    drop_rights();
    if (!is_refused(open(file.c_str(), O_WRONLY))) return 1;
    if (!is_refused(open(file.c_str(), O_RDWR))) return 2;
    if (!is_refused(open(other.c_str(), O_RDONLY | O_CREAT, 0600))) return 3;
    if (!is_refused(unlink(file.c_str()))) return 4;
    if (!is_refused(rename(file.c_str(), other.c_str()))) return 5;
    if (!is_refused(mkdir(other.c_str(), 0700))) return 6;
    if (!is_refused(chmod(file.c_str(), 0600))) return 7;
    if (!is_refused(socket(AF_INET, SOCK_STREAM, 0))) return 8;
    if (!is_refused(kill(getppid(), 0))) return 9;
    if (!is_refused(fork())) return 10;
    if (std::system("true") == 0) return 11;
    constexpr rlimit kLimit = {1, 1};
    if (!is_refused(prlimit(getppid(), RLIMIT_NPROC, &kLimit, nullptr))) return 12;
    constexpr long kFchmodat2 = 452;  // newer than the filter
    if (syscall(kFchmodat2, AT_FDCWD, file.c_str(), 0600, 0) != -1 || errno != ENOSYS) return 13;
    return 0;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"file"});
}

TEST(DecoderRights, WhatItNeedsStays) {
  const int result = in_child([&] {
    drop_rights();
    if (Descriptor(open("/proc/self/exe", O_RDONLY)).get() < 0) return 1;
    int value = 0;
    std::thread([&] { value = 7; }).join();
    if (value != 7) return 2;
    // As abort() does it.
    std::signal(SIGUSR1, [](int) {});
    return std::raise(SIGUSR1) == 0 ? 0 : 3;
  });
  EXPECT_EQ(result, 0);
}

TEST(DecoderRights, MemoryIsLimited) {
  const int result = in_child([] {
    limit_memory(0, 0);
    // More than a small picture can take, by addresses alone.
    for (int i = 0; i < 100000; ++i) {
      if (std::malloc(size_t{1} << 30) == nullptr) return 0;
    }
    return 1;
  });
  EXPECT_EQ(result, 0);
}

/// In a process that is watched; it ends with 0 if nothing happens to it.
template <class Work>
int watched(const Work& work) {
  return in_child([&] {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
    DecoderWatch watch(ends[0], std::chrono::milliseconds(20));
    return work(watch, ends[1]);
  });
}

int end_of(int signal_number) { return signal_number == SIGALRM ? test::kHung : 100 + signal_number; }

TEST(DecoderWatch, EndsWorkThatTakesTooLong) {
  EXPECT_EQ(watched([](DecoderWatch& watch, int) {
              watch.allow(0.1);
              watch.begin_work();
              for (std::atomic<int> i = 0;; ++i) continue;
              return 0;
            }),
            end_of(DecoderWatch::kTooLong));
}

TEST(DecoderWatch, EndsWorkThatStandsStill) {
  EXPECT_EQ(watched([](DecoderWatch& watch, int) {
              watch.allow(1000);
              watch.begin_work();
              std::this_thread::sleep_for(std::chrono::seconds(20));
              return 0;
            }),
            end_of(DecoderWatch::kStandsStill));
}

TEST(DecoderWatch, LetsOthersWait) {
  EXPECT_EQ(watched([](DecoderWatch& watch, int) {
              watch.allow(0);
              watch.begin_work();
              watch.end_work();
              std::this_thread::sleep_for(std::chrono::milliseconds(1600));
              return 0;
            }),
            0);
}

TEST(DecoderWatch, EndsWithItsParent) {
  // Its own code for that is 0, too; so it must come before the end of the work.
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(watched([](DecoderWatch&, int other) {
              close(other);
              std::this_thread::sleep_for(std::chrono::seconds(20));
              return 1;
            }),
            0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace fsrcnn
#endif
