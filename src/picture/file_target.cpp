#include "picture/file_target.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {

FileTarget::FileTarget(const std::filesystem::path& path, std::filesystem::path shown, Head head)
    : shown_(std::move(shown)), head_(std::move(head)), descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  if (descriptor_ < 0) error_ = errno;
  check();
  VipsTargetCustom* const target = vips_target_custom_new();
  target_.reset(VIPS_TARGET(target));
  g_signal_connect(target, "write", G_CALLBACK(on_write), this);  // NOLINT: GLib's cast
  g_signal_connect(target, "read", G_CALLBACK(on_read), this);    // NOLINT
  g_signal_connect(target, "seek", G_CALLBACK(on_seek), this);    // NOLINT
  g_signal_connect(target, "end", G_CALLBACK(on_end), this);      // NOLINT
}

FileTarget::~FileTarget() {
  target_.reset();
  if (descriptor_ >= 0) close(descriptor_);
}

void FileTarget::check() const {
  if (error_ == 0) return;
  fail(ErrorCode::io, "writing '{}' failed: {}", shown_.string(), std::generic_category().message(error_));
}

gint64 FileTarget::checked(gint64 result) {
  if (result < 0 && error_ == 0) error_ = errno;
  return result;
}

void FileTarget::write(Bytes bytes) {
  try_write(bytes);
  check();
}

bool FileTarget::write_all(Bytes bytes) {
  while (error_ == 0 && !bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (checked(written) > 0) bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return error_ == 0;
}

int64_t FileTarget::try_write(Bytes bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  if (!head_) return write_all(bytes) ? size : -1;
  begun_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (begun_.size() < next_look_) return size;
  next_look_ = 2 * begun_.size();  // a profile of megabytes comes in small pieces
  return write_head() ? size : -1;
}

bool FileTarget::write_head() {
  try {
    const std::optional<std::string> head = head_(begun_);
    if (!head) return true;
    head_ = nullptr;
    begun_.clear();
    return write_all(as_bytes(*head));
  } catch (const std::exception&) {  // nothing is thrown through libvips
    error_ = ENOMEM;
    return false;
  }
}

bool FileTarget::write_begun() {
  if (head_ && !write_head()) return false;
  head_ = nullptr;
  const std::string begun = std::exchange(begun_, {});
  return write_all(as_bytes(begun));
}

void FileTarget::finish() {
  write_begun();
  check();
}

int64_t FileTarget::try_read(std::span<std::byte> room) {
  return checked(::read(descriptor_, room.data(), room.size()));
}

int64_t FileTarget::try_seek(int64_t offset, int whence) { return checked(lseek(descriptor_, offset, whence)); }

gint64 FileTarget::on_write(VipsTargetCustom*, const void* data, gint64 bytes, FileTarget* self) {
  return self->try_write({static_cast<const std::byte*>(data), static_cast<size_t>(bytes)});
}

gint64 FileTarget::on_read(VipsTargetCustom*, void* data, gint64 bytes, FileTarget* self) {
  return self->try_read({static_cast<std::byte*>(data), static_cast<size_t>(bytes)});
}

gint64 FileTarget::on_seek(VipsTargetCustom*, gint64 offset, int whence, FileTarget* self) {
  return self->try_seek(offset, whence);
}

int FileTarget::on_end(VipsTargetCustom*, FileTarget* self) { return self->write_begun() ? 0 : -1; }

}  // namespace fsrcnn
