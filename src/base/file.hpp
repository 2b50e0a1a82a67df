#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fsrcnn {

using Bytes = std::span<const std::byte>;

/// The whole file. Throws Error(io) if it cannot be read, or has more than limit_bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path, int64_t limit_bytes);

/// Whether it is an ordinary file of no bytes.
bool is_empty_file(const std::filesystem::path& path);

/// ".png" of "A.PNG": what tells a file's form.
std::string lower_suffix(const std::filesystem::path& path);

/// The bytes of a text.
inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Where a link points, also if nothing is there yet: what it points to is written, and the link stays.
std::filesystem::path follow_links(std::filesystem::path path);

/// An output that appears whole or not at all: everything is written to a temporary file (or folder) beside the target,
/// which commit() renames to the target's name. Without commit() the temporary is removed and the target is untouched.
/// A link is followed. The file keeps the mode of the one that it replaces.
class AtomicOutput {
 public:
  enum class Kind { file, folder };

  /// Throws Error(io) if the target's folder does not exist or cannot be written, or if the target is something else
  /// than an ordinary file (or an empty folder): devices, pipes and filled folders are never replaced.
  AtomicOutput(std::filesystem::path target, Kind kind);
  ~AtomicOutput();
  AtomicOutput(const AtomicOutput&) = delete;
  AtomicOutput& operator=(const AtomicOutput&) = delete;

  /// Where to write: an empty file or folder that exists.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Gives the temporary file this content. Throws Error(io), which tells the target's name.
  void write(Bytes bytes) const;

  /// Flushes the temporary to the disk and gives it the target's name. Throws Error(io).
  void commit();

 private:
  std::filesystem::path target_, temporary_;
  Kind kind_;
};

/// Removes the temporary files and folders of all AtomicOutputs that have not been committed. May be called by a signal
/// handler that then ends the program.
void remove_temporary_files() noexcept;

/// Writes a file atomically. Throws Error(io).
void write_file(const std::filesystem::path& path, Bytes bytes);

/// Writes a file in place, for folders that are themselves an AtomicOutput. Throws Error(io).
void write_file_directly(const std::filesystem::path& path, Bytes bytes);

}  // namespace fsrcnn
