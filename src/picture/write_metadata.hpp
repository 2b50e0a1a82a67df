#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "picture/embedded_metadata.hpp"
#include "picture/file_target.hpp"

namespace fsrcnn {

/// How files of a suffix store metadata.
MetadataForm metadata_form(std::string_view suffix);

/// Writes metadata into a picture of some suffix beside its samples, which libvips encodes. `metadata` has that form,
/// and outlives this.
class MetadataWriter {
 public:
  /// big_tiff: with offsets of 64 bits.
  MetadataWriter(const EmbeddedMetadata& metadata, std::string_view suffix, bool big_tiff);

  /// Whether only libvips writes EXIF into files of this suffix.
  static bool by_libvips(std::string_view suffix);

  /// What such a file cannot store, in words.
  std::vector<std::string> lost() const;

  /// Before encoding: what only libvips writes.
  void add_to(VipsImage* image) const;
  /// What to write before samples in the empty file. Throws Error(io).
  void begin(const std::filesystem::path& file) const;
  /// What becomes of the head of the encoder's file, if anything. `image` has the resolution.
  FileTarget::Head head(VipsImage* image) const;
  /// After encoding. Throws Error(io).
  void end(const std::filesystem::path& file) const;

 private:
  enum class Kind : uint8_t { none, jpeg, png, tiff, webp, heif, jxl };
  static Kind kind_of(std::string_view suffix);

  const EmbeddedMetadata& metadata_;
  Kind kind_;
  bool big_tiff_;
};

}  // namespace fsrcnn
