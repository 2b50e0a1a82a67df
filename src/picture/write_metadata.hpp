#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "picture/embedded_metadata.hpp"
#include "picture/file_target.hpp"

namespace fsrcnn {

/// An EXIF block that states a resolution and nothing else, for formats that state none themselves.
std::string exif_of_resolution(double per_millimetre_x, double per_millimetre_y);

/// Writes metadata into a picture beside its samples, where no encoder does it. `metadata` has the form, and outlives
/// this.
class MetadataWriter {
 public:
  /// big_tiff: with offsets of 64 bits.
  MetadataWriter(const EmbeddedMetadata& metadata, MetadataForm form, bool big_tiff)
      : metadata_(metadata), form_(form), big_tiff_(big_tiff) {}

  /// What such a file cannot store, in words.
  std::vector<std::string> lost() const;

  /// Before encoding: what libtiff writes.
  void add_to(VipsImage* image) const;
  /// What to write before samples in the empty file. Throws Error(io).
  void begin(const std::filesystem::path& file) const;
  /// What becomes of the head of the encoder's file, if anything. `image` has the resolution.
  FileTarget::Head head(VipsImage* image) const;
  /// After encoding. Throws Error(io).
  void end(const std::filesystem::path& file) const;

 private:
  const EmbeddedMetadata& metadata_;
  MetadataForm form_;
  bool big_tiff_;
};

}  // namespace fsrcnn
