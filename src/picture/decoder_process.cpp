#include "picture/decoder_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>

#include "base/error.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX wants it

namespace fsrcnn {
namespace {

constexpr int kSocketThere = 3;

[[noreturn]] void fail_to_start(int why) {
  fail(ErrorCode::io, "a process to decode pictures in could not be started: {}", std::generic_category().message(why));
}

/// Room for one descriptor beside the bytes of a message.
union Control {
  cmsghdr head;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

bool has_one_thread() {
  std::error_code error;
  const std::filesystem::directory_iterator threads("/proc/self/task", error);
  return !error && std::distance(begin(threads), end(threads)) == 1;
}

/// Makes a copy of this process, in a session of its own: no terminal sends it signals, and it ends when its socket is
/// closed.
pid_t copy_process(int socket) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);  // or a handler might remove our temporary files there
  const pid_t id = fork();
  const int error = errno;
  if (id == 0) {
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal_number, SIG_DFL);
    setsid();
    dup2(socket, kSocketThere);
    const int null = open("/dev/null", O_RDWR);  // NOLINT: dup2 leaves the copies open in what is started
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    // What libraries print would stand between our own lines.
    if (!kSanitized) dup2(null, STDERR_FILENO);
    closefrom(kSocketThere + 1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    serve_pictures(kSocketThere);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (id < 0) fail_to_start(error);
  return id;
}

/// Starts this program once more, in the same way.
pid_t start_program(int socket) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // First, because the socket may have the number of a standard stream, if that was closed.
  posix_spawn_file_actions_adddup2(&files, socket, kSocketThere);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
  if (!kSanitized) posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, kSocketThere + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  std::string name = "fsrcnn", command = kDecoderCommand, number = std::to_string(kSocketThere);
  const std::array<char*, 4> arguments = {name.data(), command.data(), number.data(), nullptr};
  pid_t id = 0;
  const int error = posix_spawn(&id, "/proc/self/exe", &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) fail_to_start(error);
  return id;
}

}  // namespace

bool send_all(int socket, const void* data, size_t bytes, int file) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    iovec part{const_cast<char*>(from), bytes};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Control control{};
    if (file >= 0) {
      message.msg_control = control.bytes.data();
      message.msg_controllen = control.bytes.size();
      cmsghdr* const head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(head), &file, sizeof(int));
    }
    const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    file = -1;
    from += sent;
    bytes -= static_cast<size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* data, size_t bytes, Descriptor* file) {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    iovec part{to, bytes};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Control control{};
    if (file != nullptr) {
      message.msg_control = control.bytes.data();
      message.msg_controllen = control.bytes.size();
    }
    const ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    const cmsghdr* const head = file == nullptr ? nullptr : CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(head), sizeof(int));
      file->reset(descriptor);
    }
    to += received;
    bytes -= static_cast<size_t>(received);
  }
  return true;
}

DecoderProcess::DecoderProcess() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail_to_start(errno);
  const Descriptor low(ends[0]), other(ends[1]);
  // Where a standard stream was closed, what is printed must not go to the process.
  socket_.reset(fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (socket_.get() < 0) fail_to_start(errno);
  id_ = has_one_thread() ? copy_process(other.get()) : start_program(other.get());
}

DecoderProcess::~DecoderProcess() {
  socket_.reset();
  if (id_ == 0 || !is_running()) return;
  kill(id_, SIGKILL);
  while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) continue;
}

bool DecoderProcess::is_running() {
  if (reaped_) return false;
  int status = 0;
  const pid_t ended = waitpid(id_, &status, WNOHANG);
  if (ended == 0) return true;
  reaped_ = true;  // by somebody else, if it is not a child any more
  if (ended == id_) status_ = status;
  return false;
}

std::optional<int> DecoderProcess::wait() {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  // It has closed its socket, and may still be on its way out.
  while (is_running() && steady_clock::now() - begin < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return status_;
}

}  // namespace fsrcnn
