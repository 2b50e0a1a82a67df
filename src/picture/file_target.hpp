#pragma once

#include <filesystem>

#include "picture/vips_support.hpp"

namespace fsrcnn {

/// A file that libvips writes to. libvips goes on after some writes that fail, and then says that all went well; so
/// this keeps the first failure, and after it nothing more is written.
class FileTarget {
 public:
  /// Opens a file that exists. `shown` is the name that people know it by. Throws Error(io).
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
