#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/descriptor.hpp"

namespace fsrcnn {

/// The second word of the command line of a process that decodes pictures; the third is the number of its socket.
inline constexpr const char* kDecoderCommand = "decode-pictures";

/// Under a sanitizer, whose own memory is no picture's and whose reports are for people to read.
#ifdef __SANITIZE_ADDRESS__
#define FSRCNN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FSRCNN_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef FSRCNN_ADDRESS_SANITIZER
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Sends all bytes, and with the first an open file, if there is one; false if nobody receives any more.
bool send_all(int socket, const void* data, size_t bytes, int file = -1);
/// Receives so many bytes, and the file that came with the first; false at the end.
bool receive_all(int socket, void* data, size_t bytes, Descriptor* file = nullptr);

/// The work of such a process, in decoder_server.cpp.
[[noreturn]] void serve_pictures(int socket);

/// A process that decodes pictures, seen by the one that started it.
class DecoderProcess {
 public:
  /// As long as this process has no other threads, a copy of it, which costs a few milliseconds. Later, its locks may
  /// be held by threads that a copy does not have, so the program is started once more. Throws Error(io) if that fails.
  DecoderProcess();
  /// Ends it.
  ~DecoderProcess();
  DecoderProcess(const DecoderProcess&) = delete;
  DecoderProcess& operator=(const DecoderProcess&) = delete;

  int socket() const { return socket_.get(); }
  bool is_running();
  /// Waits for its end, which is near, and returns its status as waitpid() does; nothing if it is not known.
  std::optional<int> wait();

 private:
  Descriptor socket_;
  pid_t id_ = 0;
  bool reaped_ = false;
  std::optional<int> status_;
};

}  // namespace fsrcnn
