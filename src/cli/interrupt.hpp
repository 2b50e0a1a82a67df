#pragma once

#include <atomic>

namespace fsrcnn::cli {

/// While any object exists, SIGINT, SIGTERM and SIGHUP make it true instead of ending the program; a second signal ends
/// it.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  operator const std::atomic<bool>&() const;  // NOLINT(google-explicit-constructor): it is one
};

/// The signal that made it true, or 0.
int stop_signal();

/// Installs the handlers: without a StopRequest they remove temporary files and end the program as the signal would.
void handle_signals();

}  // namespace fsrcnn::cli
