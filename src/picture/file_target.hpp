#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "picture/vips_support.hpp"

namespace fsrcnn {

/// A file that libvips writes to. libvips ignores some failed writes and reports success; this keeps the first failure,
/// and writes nothing after it.
class FileTarget {
 public:
  /// Gets all bytes from the file's first on, and returns those to write instead, or nothing as long as it needs more.
  using Head = std::function<std::optional<std::string>(const std::string& begun)>;

  /// Opens an existing file. `shown` is its name in messages. Only files that are written from the first byte to the
  /// last can have a head. Throws Error(io).
  FileTarget(const std::filesystem::path& path, std::filesystem::path shown, Head head = nullptr);
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
  gint64 write_some(const void* data, gint64 bytes);
  bool write_all(const std::string& bytes);
  bool write_head();

  std::filesystem::path shown_;
  Head head_;  // until it has returned something
  std::string begun_;
  size_t next_look_ = 0;  // at so many bytes
  int descriptor_;
  int error_ = 0;
  VipsPtr<VipsTarget> target_;
};

}  // namespace fsrcnn
