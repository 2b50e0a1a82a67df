#include "cli/peek.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/descriptor.hpp"

namespace fsrcnn::cli {
namespace {

constexpr size_t kMost = 4096;

/// What a pipe has now, or at its end. Waits for the first byte.
std::string waiting_in_pipe(int pipe) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  const Descriptor out(ends[0]), in(ends[1]);
  ssize_t bytes = 0;
  do bytes = tee(pipe, in.get(), kMost, 0);  // a copy: nothing is taken
  while (bytes < 0 && errno == EINTR);
  std::string text(bytes > 0 ? static_cast<size_t>(bytes) : 0, '\0');
  for (size_t done = 0; done < text.size();) {
    const ssize_t part = read(out.get(), text.data() + done, text.size() - done);
    if (part <= 0) return "";
    done += static_cast<size_t>(part);
  }
  return text;
}

bool has_ended(int pipe) {
  pollfd state{pipe, POLLIN, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
}

std::string peek_pipe(int pipe) {
  constexpr size_t kEnough = 64;  // to know a picture by
  constexpr const char* kFilm = "YUV4MPEG2";
  std::string text = waiting_in_pipe(pipe);
  // A slow writer may have begun with a few bytes.
  for (int tries = 0; tries < 1000; ++tries) {
    if (text.empty() || text.size() >= kEnough || text.starts_with(kFilm) || has_ended(pipe)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    text = waiting_in_pipe(pipe);
  }
  return text;
}

}  // namespace

std::string peek(int descriptor) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return "";
  if (S_ISFIFO(info.st_mode)) return peek_pipe(descriptor);
  std::string text(kMost, '\0');
  ssize_t bytes = 0;
  if (S_ISREG(info.st_mode)) {
    bytes = pread(descriptor, text.data(), text.size(), lseek(descriptor, 0, SEEK_CUR));
  } else if (S_ISSOCK(info.st_mode)) {
    bytes = recv(descriptor, text.data(), text.size(), MSG_PEEK);
  }
  text.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  return text;
}

}  // namespace fsrcnn::cli
