#pragma once

#include <filesystem>

#include "base/descriptor.hpp"
#include "base/file.hpp"

namespace fsrcnn {

/// Resolves symbolic links, also dangling ones: the target is written, and the link stays.
std::filesystem::path follow_links(std::filesystem::path path);

/// An output that appears complete or not at all: everything is written to a temporary file (or folder) beside the
/// target, which commit() renames to the target. Without commit() the temporary is removed and the target is untouched.
/// Links are followed. What a killed process left in the target's folder is removed. The file keeps the mode of the
/// file that it replaces.
class AtomicOutput {
 public:
  enum class Kind { file, folder };

  /// Throws Error(io) if the target's folder does not exist or cannot be written, or if the target is not a regular
  /// file (or an empty folder): devices, pipes and non-empty folders are never replaced.
  AtomicOutput(std::filesystem::path target, Kind kind);
  ~AtomicOutput();
  AtomicOutput(const AtomicOutput&) = delete;
  AtomicOutput& operator=(const AtomicOutput&) = delete;

  /// The path to write to: an existing empty file or folder.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Writes the content of the temporary file. Throws Error(io), which names the target.
  void write(Bytes bytes) const;

  /// Flushes the temporary to disk and renames it to the target. Throws Error(io).
  void commit();

 private:
  std::filesystem::path target_, temporary_;
  Kind kind_;
  Descriptor lock_;  // of the temporary, as long as it is one
};

/// Removes the temporary files and folders of all AtomicOutputs that have not been committed. May be called by a signal
/// handler that then ends the program.
void remove_temporary_files() noexcept;

/// Writes a file atomically. Throws Error(io).
void write_file(const std::filesystem::path& path, Bytes bytes);

/// Writes a file in place, for folders that are themselves an AtomicOutput. Throws Error(io), which names the file
/// where it would be after the commit.
void write_file_directly(const std::filesystem::path& path, Bytes bytes);

}  // namespace fsrcnn
