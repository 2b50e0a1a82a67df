#pragma once

// Forking in tests. Not where there is no fork; not under the thread sanitizer, which does not support threads in a
// child; not under the address sanitizer, whose locks do not survive a fork while a thread starts or allocates: the
// child hangs before it reaches our code; and not in an emulator: qemu-user has a thread of its own, and aborts in the
// child of a process with threads.
#if defined(__unix__) && !defined(__EMSCRIPTEN__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__) && !FSRCNN_EMULATED
#define FSRCNN_TESTS_FORK 1
#else
#define FSRCNN_TESTS_FORK 0
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#undef FSRCNN_TESTS_FORK
#define FSRCNN_TESTS_FORK 0
#endif
#endif

#if FSRCNN_TESTS_FORK
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace fsrcnn::test {

constexpr int kHung = -1;

/// What work() returns (0 to 99) in a child process; kHung if it takes longer than half a minute, and 100 + the number
/// of any other signal that ended it.
template <class Work>
int in_child(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    int result = 99;
    try {
      result = work();
    } catch (...) {
      result = 98;
    }
    _exit(result);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WTERMSIG(status) == SIGALRM ? kHung : 100 + WTERMSIG(status);
}

}  // namespace fsrcnn::test
#endif
