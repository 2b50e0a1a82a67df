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
  g_signal_connect(target, "write", G_CALLBACK(write), this);  // NOLINT: GLib's cast
  g_signal_connect(target, "read", G_CALLBACK(read), this);    // NOLINT
  g_signal_connect(target, "seek", G_CALLBACK(seek), this);    // NOLINT
  g_signal_connect(target, "end", G_CALLBACK(end), this);      // NOLINT
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

gint64 FileTarget::write_some(const void* data, gint64 bytes) {
  if (error_ != 0) return -1;
  ssize_t written = 0;
  do written = ::write(descriptor_, data, static_cast<size_t>(bytes));
  while (written < 0 && errno == EINTR);
  return checked(written);
}

bool FileTarget::write_all(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const gint64 written = write_some(bytes.data() + done, static_cast<gint64>(bytes.size() - done));
    if (written < 0) return false;
    done += static_cast<size_t>(written);
  }
  return true;
}

gint64 FileTarget::write(VipsTargetCustom*, const void* data, gint64 bytes, FileTarget* self) {
  if (!self->head_) return self->write_some(data, bytes);
  self->begun_.append(static_cast<const char*>(data), static_cast<size_t>(bytes));
  if (self->begun_.size() < self->next_look_) return bytes;
  self->next_look_ = 2 * self->begun_.size();  // a profile of megabytes comes in small pieces
  return self->write_head() ? bytes : -1;
}

bool FileTarget::write_head() {
  try {
    const std::optional<std::string> head = head_(begun_);
    if (!head) return true;
    head_ = nullptr;
    begun_.clear();
    return write_all(*head);
  } catch (const std::exception&) {  // nothing is thrown through libvips
    error_ = ENOMEM;
    return false;
  }
}

gint64 FileTarget::read(VipsTargetCustom*, void* data, gint64 bytes, FileTarget* self) {
  return self->checked(::read(self->descriptor_, data, static_cast<size_t>(bytes)));
}

gint64 FileTarget::seek(VipsTargetCustom*, gint64 offset, int whence, FileTarget* self) {
  return self->checked(lseek(self->descriptor_, offset, whence));
}

int FileTarget::end(VipsTargetCustom*, FileTarget* self) {
  if (self->head_ && !self->write_head()) return -1;
  if (!self->write_all(std::exchange(self->begun_, {}))) return -1;
  return self->error_ == 0 ? 0 : -1;
}

}  // namespace fsrcnn
