#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_with_errno(const char* doing, const fs::path& path) {
  fail(ErrorCode::io, "{} '{}' failed: {}", doing, path.string(), std::generic_category().message(errno));
}

struct Descriptor {
  int value;
  explicit Descriptor(int fd) : value(fd) {}
  ~Descriptor() {
    if (value >= 0) close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

void flush_to_disk(const fs::path& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.value < 0 || (fsync(fd.value) != 0 && errno != EINVAL)) fail_with_errno("writing", path);
}

// mkstemp makes files that nobody else can read; outputs get what any new file would.
mode_t ordinary_mode(mode_t all) {
  const mode_t mask = umask(0);
  umask(mask);
  return all & ~mask;
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, int64_t limit_bytes) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (fd.value < 0 || fstat(fd.value, &info) != 0) fail_with_errno("reading", path);
  if (S_ISDIR(info.st_mode)) fail(ErrorCode::io, "reading '{}' failed: it is a folder", path.string());
  std::vector<std::byte> bytes;
  size_t size = 0;
  // A pipe does not say how much will come, so read until the end and hold to the limit on the way.
  for (;;) {
    if (std::max<int64_t>(info.st_size, static_cast<int64_t>(size)) > limit_bytes) {
      fail(ErrorCode::io, "reading '{}' failed: it has more than the {} MiB that such a file can sensibly have",
           path.string(), limit_bytes >> 20);
    }
    bytes.resize(std::max<size_t>(info.st_size + 1, size + 4096));
    const ssize_t got = read(fd.value, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno("reading", path);
    size += got;
    if (got == 0) break;
  }
  bytes.resize(size);
  return bytes;
}

AtomicOutput::AtomicOutput(fs::path target, Kind kind) : target_(std::move(target)) {
  // A link keeps pointing where it points: what it points to is replaced.
  std::error_code ignored;
  if (fs::is_symlink(target_, ignored)) target_ = fs::weakly_canonical(target_, ignored);
  if (kind == Kind::folder && target_.filename().empty()) target_ = target_.parent_path();
  if (kind == Kind::file && fs::exists(target_, ignored) && !fs::is_regular_file(target_, ignored)) {
    fail(ErrorCode::io, "writing '{}' failed: it is not an ordinary file; give another name", target_.string());
  }
  if (kind == Kind::folder && fs::exists(target_, ignored) &&
      (!fs::is_directory(target_, ignored) || !fs::is_empty(target_, ignored))) {
    fail(ErrorCode::io, "writing '{}' failed: it exists already; give another name", target_.string());
  }
  std::string name = (target_.parent_path() / fmt::format(".{}.XXXXXX", target_.filename().string())).string();
  if (kind == Kind::file) {
    const Descriptor fd(mkstemp(name.data()));
    if (fd.value < 0 || fchmod(fd.value, ordinary_mode(0666)) != 0) fail_with_errno("writing", target_);
  } else if (mkdtemp(name.data()) == nullptr || chmod(name.c_str(), ordinary_mode(0777)) != 0) {
    fail_with_errno("writing", target_);
  }
  temporary_ = name;
}

AtomicOutput::~AtomicOutput() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicOutput::commit() {
  flush_to_disk(temporary_);
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with_errno("writing", target_);
  temporary_.clear();
}

void write_file_directly(const fs::path& path, Bytes bytes) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (fd.value < 0) fail_with_errno("writing", path);
  while (!bytes.empty()) {
    const ssize_t written = write(fd.value, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("writing", path);
    bytes = bytes.subspan(written);
  }
}

void write_file(const fs::path& path, Bytes bytes) {
  AtomicOutput output(path, AtomicOutput::Kind::file);
  write_file_directly(output.temporary(), bytes);
  output.commit();
}

}  // namespace fsrcnn
