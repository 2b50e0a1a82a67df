#pragma once

#include <atomic>
#include <chrono>
#include <csignal>

namespace fsrcnn {

/// Ends this process when nobody is left at the other end of its socket, or when its work takes too long: by SIGXCPU if
/// it uses more of the processor's time than it may, by SIGALRM if it uses none for a minute. Time in which the whole
/// process is stopped does not count.
class DecoderWatch {
 public:
  static constexpr int kTooLong = SIGXCPU, kStandsStill = SIGALRM;

  /// Starts a thread that lasts as long as the process. How often it looks is for tests; it ends work that stands still
  /// after 60 looks.
  explicit DecoderWatch(int socket, std::chrono::milliseconds every = std::chrono::seconds(1));

  /// All work from now on may use so many seconds of the processor.
  void allow(double most_seconds);
  void begin_work() { works_ = true; }
  void end_work() { works_ = false; }

 private:
  void watch(int socket, std::chrono::milliseconds every) const;

  std::atomic<bool> works_{false};
  std::atomic<double> end_s_{0};  // of the processor's time
};

}  // namespace fsrcnn
