#pragma once

#include <filesystem>
#include <span>

#include "base/file.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {

/// A file that libvips writes to. libvips ignores some failed writes and reports success; this keeps the first failure,
/// and writes nothing after it.
class FileTarget {
 public:
  /// Opens an existing file. `shown` is its name in messages. Throws Error(io).
  FileTarget(const std::filesystem::path& path, std::filesystem::path shown);
  ~FileTarget();
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;

  VipsTarget* get() const { return target_.get(); }
  /// Its name in messages.
  const std::filesystem::path& shown() const { return shown_; }
  /// Writes all of them. Throws Error(io).
  void write(Bytes bytes);
  /// As write(), read() and lseek(), but for short writes: -1 after a failure, which is kept.
  int64_t try_write(Bytes bytes);
  int64_t try_read(std::span<std::byte> room);
  int64_t try_seek(int64_t offset, int whence);
  /// Throws Error(io) if anything could not be written.
  void check() const;

 private:
  static gint64 on_write(VipsTargetCustom*, const void* data, gint64 bytes, FileTarget* self);
  static gint64 on_read(VipsTargetCustom*, void* data, gint64 bytes, FileTarget* self);
  static gint64 on_seek(VipsTargetCustom*, gint64 offset, int whence, FileTarget* self);
  static int on_end(VipsTargetCustom*, FileTarget* self);
  /// The result of a system call; remembers errno if it failed.
  gint64 checked(gint64 result);

  std::filesystem::path shown_;
  int descriptor_;
  int error_ = 0;
  VipsPtr<VipsTarget> target_;
};

}  // namespace fsrcnn
