#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "base/file.hpp"

using VipsSource = struct _VipsSource;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Opens a file for reading; "-" is standard input. Throws Error(io) if that fails, or if it is a folder.
Descriptor open_picture_file(const std::filesystem::path& path);

/// The content of a picture's file, which libvips and our own parsers read. What cannot be read twice, such as a pipe,
/// is kept in memory.
class PictureFile {
 public:
  /// `path` is its name in messages; it need not exist here. Throws Error(input) if the file is empty, Error(io) if it
  /// cannot be read.
  PictureFile(std::filesystem::path path, Descriptor descriptor);

  const std::filesystem::path& path() const { return path_; }
  /// A name by which it can be opened as often as needed, for libraries that take nothing else; not of what is kept in
  /// memory.
  const std::string& name_here() const { return name_here_; }
  int64_t size() const { return size_; }

  std::unique_ptr<std::istream> stream() const;
  std::vector<std::byte> bytes() const;
  /// A message in which the name here, if libvips knows no other, becomes the file's.
  std::string shown(std::string message) const;
  /// For libvips, to be freed by g_object_unref; null, with libvips' message, if that fails. This must outlive it.
  VipsSource* source() const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  std::string name_here_;
  std::string content_;  // of what cannot be read twice
  int64_t size_ = 0;
};

}  // namespace fsrcnn
