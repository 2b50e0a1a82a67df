#include "cli/interrupt.hpp"

#include <csignal>

#include "base/atomic_output.hpp"

namespace fsrcnn::cli {
namespace {

std::atomic<bool> stop{false};
std::atomic<int> awaited{0}, signal_received{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int signal_number) {
  if (awaited > 0 && !stop) {
    signal_received = signal_number;
    stop = true;
    return;
  }
  // Leaves nothing half-written behind.
  remove_temporary_files();
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

}  // namespace

StopRequest::StopRequest() { ++awaited; }
StopRequest::~StopRequest() { --awaited; }
StopRequest::operator const std::atomic<bool>&() const { return stop; }

int stop_signal() { return signal_received; }

void handle_signals() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal_number, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of writing
  std::signal(SIGPIPE, SIG_IGN);  // and so is a pipe without a reader
}

}  // namespace fsrcnn::cli
