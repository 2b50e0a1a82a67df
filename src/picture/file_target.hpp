#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/file.hpp"
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
  /// After the last byte. Throws like check().
  void finish();

 private:
  static gint64 on_write(VipsTargetCustom*, const void* data, gint64 bytes, FileTarget* self);
  static gint64 on_read(VipsTargetCustom*, void* data, gint64 bytes, FileTarget* self);
  static gint64 on_seek(VipsTargetCustom*, gint64 offset, int whence, FileTarget* self);
  static int on_end(VipsTargetCustom*, FileTarget* self);
  /// The result of a system call; remembers errno if it failed.
  gint64 checked(gint64 result);
  bool write_all(Bytes bytes);
  bool write_head();
  bool write_begun();

  std::filesystem::path shown_;
  Head head_;  // until it has returned something
  std::string begun_;
  size_t next_look_ = 0;  // at so many bytes
  int descriptor_;
  int error_ = 0;
  VipsPtr<VipsTarget> target_;
};

}  // namespace fsrcnn
