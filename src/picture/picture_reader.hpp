#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "picture/picture_rows.hpp"

namespace fsrcnn {

class RowDecoder;

/// Default limit of a picture's size, in pixels of all frames together.
constexpr int64_t kMostPixels = int64_t{1} << 28;

/// A picture file of any format of picture_format(), read row by row from top to bottom, with no more of it in memory
/// than its decoder needs. The output is gray or RGB, with or without alpha, 8 or 16 bits or float: palettes are
/// expanded, CMYK goes through its profile to sRGB. The EXIF orientation is applied (and forgotten), so that every
/// viewer shows the result upright; this takes a copy of the whole picture in memory.
class PictureReader : public PictureRows {
 public:
  /// Reads only the header. Throws Error(io) if the file cannot be read, Error(limit) if the picture has more than
  /// most_pixels, and Error(input) if it is not a picture, or of an unsupported kind.
  explicit PictureReader(const std::filesystem::path& path, int64_t most_pixels = kMostPixels);
  ~PictureReader() override;

  const PictureHeader& header() const override;
  /// Throws Error(input) if there are channels that are left out.
  void require_all_channels() const;
  /// Messages about how the picture was read.
  const std::vector<std::string>& warnings() const;

  /// The metadata for a picture made of this one, before its first rows are read. Adds messages about what is lost.
  EmbeddedMetadata metadata(const MetadataTarget& target, std::vector<std::string>& warnings);

  /// Calls may come from one other thread. Throws Error(input) if the file is damaged or cut short.
  void read(Tensor<float>& rows) override;

  /// After the last row: closes the file, and returns messages about damage that its decoder skipped; none if the file
  /// is intact.
  std::vector<std::string> damage();

 private:
  std::filesystem::path path_;
  std::unique_ptr<RowDecoder> decoder_;
  std::vector<std::byte> samples_;
};

/// A picture of one frame, without EXIF and the like. Throws like PictureReader, and Error(input) if anything in it is
/// damaged.
Picture read_picture(const std::filesystem::path& path);

}  // namespace fsrcnn
