#pragma once

#include <filesystem>

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
  /// Throws Error(io) if anything could not be written.
  void check() const;

 private:
  static gint64 write(VipsTargetCustom*, const void* data, gint64 bytes, FileTarget* self);
  static gint64 read(VipsTargetCustom*, void* data, gint64 bytes, FileTarget* self);
  static gint64 seek(VipsTargetCustom*, gint64 offset, int whence, FileTarget* self);
  static int end(VipsTargetCustom*, FileTarget* self);
  /// The result of a system call; remembers errno if it failed.
  gint64 checked(gint64 result);

  std::filesystem::path shown_;
  int descriptor_;
  int error_ = 0;
  VipsPtr<VipsTarget> target_;
};

}  // namespace fsrcnn
