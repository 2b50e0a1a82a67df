#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"

struct zip;
struct zip_source;

namespace fsrcnn {

/// Entries of a zip archive in memory, read with libzip, which checks their CRCs.
class ZipReader {
 public:
  /// Throws Error(model) naming `source` if the bytes are no archive.
  ZipReader(Bytes archive, std::string source);

  /// Names of readable entries. Throws Error(model) if one is damaged, or if there are thousands.
  std::vector<std::string> names() const;

  /// The entry's bytes; empty if there is none of this name.
  /// Throws Error(model) if it is damaged, or would unpack to more than limit_bytes.
  std::optional<std::vector<std::byte>> read(const std::string& name, uint64_t limit_bytes) const;

 private:
  struct Discard {
    void operator()(zip* archive) const;
  };
  std::string source_;
  std::unique_ptr<zip, Discard> archive_;
};

/// A zip archive of uncompressed entries, as torch.save makes them.
std::vector<std::byte> write_zip(const std::vector<std::pair<std::string, std::vector<std::byte>>>& entries);

}  // namespace fsrcnn
