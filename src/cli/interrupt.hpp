#pragma once

#include <atomic>

namespace fsrcnn::cli {

/// From the first call on, SIGINT, SIGTERM and SIGHUP make this true instead of ending the program; a second one ends
/// it.
const std::atomic<bool>& stop_requested();

/// The signal that made it true, or 0.
int stop_signal();

/// Installs the handlers: without a call of stop_requested() they remove temporary files and end the program as the
/// signal would have.
void handle_signals();

}  // namespace fsrcnn::cli
