#include "base/atomic_output.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/stale_temporaries.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_with_errno(const char* doing, const fs::path& path) {
  fail(ErrorCode::io, "{} '{}' failed: {}", doing, path.string(), std::generic_category().message(errno));
}

// Whose an output's file is that is replaced, and its mode; the umask cannot be asked for without changing it for all
// threads.
std::optional<struct stat> rights_of(const fs::path& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return info;
}

/// Temporary files and folders that exist now, for remove_temporary_files(), which a signal may call at any time.
struct Registered {
  std::atomic<bool> used{false};
  std::array<char, PATH_MAX> path{};
};
std::array<Registered, 8> registry;
std::mutex registry_mutex;
std::map<fs::path, fs::path> targets;  // of the same temporaries, for messages

void register_temporary(const std::string& path, const fs::path& target) {
  const std::scoped_lock lock(registry_mutex);
  targets[path] = target;
  for (Registered& entry : registry) {
    if (path.size() >= entry.path.size() || entry.path[0] != '\0') continue;
    std::copy(path.begin(), path.end(), entry.path.begin());
    entry.used = true;
    return;
  }
}

void unregister_temporary(const std::string& path) {
  const std::scoped_lock lock(registry_mutex);
  targets.erase(path);
  for (Registered& entry : registry) {
    if (path != entry.path.data()) continue;
    entry.used = false;
    entry.path.fill('\0');
  }
}

/// The name that a file has after the commit of the temporary that it is in.
fs::path committed_name(const fs::path& path) {
  const std::scoped_lock lock(registry_mutex);
  for (fs::path above = path; above.has_relative_path(); above = above.parent_path()) {
    const auto found = targets.find(above);
    if (found == targets.end()) continue;
    const fs::path inside = path.lexically_relative(above);
    return inside == "." ? found->second : found->second / inside;
  }
  return path;
}

/// Like std::filesystem::remove_all, which takes memory and so must not be called by a signal handler.
void remove_in_handler(int parent, const char* name) noexcept {
  if (unlinkat(parent, name, 0) == 0) return;
  const Descriptor folder(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  alignas(dirent64) std::array<char, 2048> entries;
  ssize_t size = 0;
  while ((size = getdents64(folder.get(), entries.data(), entries.size())) > 0) {
    for (ssize_t at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      const std::string_view inside = entry->d_name;
      if (inside != "." && inside != "..") remove_in_handler(folder.get(), entry->d_name);
      at += entry->d_reclen;
    }
  }
  (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/// `shown` is the name that people know the file by.
void write_bytes(const fs::path& path, Bytes bytes, const fs::path& shown) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (fd.get() < 0) fail_with_errno("writing", shown);
  while (!bytes.empty()) {
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("writing", shown);
    bytes = bytes.subspan(written);
  }
}

}  // namespace

fs::path follow_links(fs::path path) {
  std::error_code error;
  for (int links = 0; fs::is_symlink(path, error); ++links) {
    if (links == 40) fail(ErrorCode::io, "writing '{}' failed: it is a symbolic link to itself", path.string());
    path = path.parent_path() / fs::read_symlink(path, error);
  }
  return path;
}

AtomicOutput::AtomicOutput(fs::path target, Kind kind) : target_(follow_links(std::move(target))), kind_(kind) {
  std::error_code ignored;
  if (kind == Kind::folder && target_.filename().empty()) target_ = target_.parent_path();
  if (kind == Kind::file && fs::exists(target_, ignored) && !fs::is_regular_file(target_, ignored)) {
    fail(ErrorCode::io, "writing '{}' failed: it is not a regular file; choose another name", target_.string());
  }
  if (kind == Kind::folder && fs::exists(target_, ignored) &&
      (!fs::is_directory(target_, ignored) || !fs::is_empty(target_, ignored))) {
    fail(ErrorCode::io, "writing '{}' failed: it already exists; choose another name", target_.string());
  }
  const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  remove_stale_temporaries(folder);
  // A new output gets the mode of any new file; one that replaces another is its owner's alone until it has that one's.
  const std::optional<struct stat> old = rights_of(target_);
  constexpr int kMostTries = 10;  // of locking it, in which another process may come between
  for (int tries = 1; temporary_.empty(); ++tries) {
    const std::string name = target_.parent_path() / temporary_name();
    register_temporary(name, target_);  // before it exists, because a signal may come at any time
    const int flags = kind == Kind::file ? O_WRONLY | O_CREAT | O_EXCL : O_RDONLY | O_DIRECTORY;
    if (kind == Kind::file || mkdir(name.c_str(), old ? 0700 : 0777) == 0) {
      lock_.reset(open(name.c_str(), flags | O_CLOEXEC, old ? 0600 : 0666));
    }
    if (lock_.get() < 0) {
      const int why = errno;
      unregister_temporary(name);
      errno = why;
      fail_with_errno("writing", target_);
    }
    if (lock_temporary(lock_.get(), name) || tries == kMostTries) {
      temporary_ = name;
    } else {
      lock_.reset();
      unregister_temporary(name);
    }
  }
  if (!old) return;
  // Some file systems have none to change, and only root gives files away; the file is good all the same.
  if (chown(temporary_.c_str(), old->st_uid, old->st_gid) != 0) errno = 0;
  (void)chmod(temporary_.c_str(), old->st_mode & 07777);
}

AtomicOutput::~AtomicOutput() {
  std::error_code ignored;
  if (temporary_.empty()) return;
  fs::remove_all(temporary_, ignored);
  unregister_temporary(temporary_.string());
}

void AtomicOutput::write(Bytes bytes) const { write_bytes(temporary_, bytes, target_); }

void AtomicOutput::commit() {
  const Descriptor fd(open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  const auto flush = kind_ == Kind::file ? fsync : syncfs;
  // Where there is nothing to flush to, EINVAL says so.
  if (fd.get() < 0 || (flush(fd.get()) != 0 && errno != EINVAL)) fail_with_errno("writing", target_);
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with_errno("writing", target_);
  unregister_temporary(temporary_.string());
  temporary_.clear();
  lock_.reset();
}

void remove_temporary_files() noexcept {
  for (const Registered& entry : registry) {
    if (entry.used) remove_in_handler(AT_FDCWD, entry.path.data());
  }
}

void write_file_directly(const fs::path& path, Bytes bytes) { write_bytes(path, bytes, committed_name(path)); }

void write_file(const fs::path& path, Bytes bytes) {
  AtomicOutput output(path, AtomicOutput::Kind::file);
  output.write(bytes);
  output.commit();
}

}  // namespace fsrcnn
