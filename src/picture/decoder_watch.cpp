#include "picture/decoder_watch.hpp"

#include <poll.h>
#include <unistd.h>

#include <ctime>
#include <thread>

namespace fsrcnn {
namespace {

/// Of the processor, by all threads of this process.
double used_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void end_by(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

}  // namespace

DecoderWatch::DecoderWatch(int socket, std::chrono::milliseconds every) {
  std::thread([this, socket, every] { watch(socket, every); }).detach();
}

void DecoderWatch::allow(double most_seconds) { end_s_ = used_seconds() + most_seconds; }

void DecoderWatch::watch(int socket, std::chrono::milliseconds every) const {
  constexpr int kMostLooks = 60;
  constexpr double kNothing = 0.01;  // of the time between two looks: less than that is this thread's own
  const double least_s = kNothing * std::chrono::duration<double>(every).count();
  double before_s = 0;
  for (int looks = 0;;) {
    pollfd peer{socket, POLLRDHUP, 0};
    if (poll(&peer, 1, static_cast<int>(every.count())) > 0) _exit(0);
    const double now_s = used_seconds();
    const bool works = works_;
    if (works && now_s > end_s_) end_by(kTooLong);
    looks = works && now_s - before_s < least_s ? looks + 1 : 0;
    if (looks >= kMostLooks) end_by(kStandsStill);
    before_s = now_s;
  }
}

}  // namespace fsrcnn
