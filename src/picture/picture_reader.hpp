#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "picture/picture.hpp"
#include "picture/tiff_pages.hpp"

namespace fsrcnn {

/// Default limit of a picture's size, in pixels of all frames together.
constexpr int64_t kMostPixels = int64_t{1} << 28;

/// A picture file of any format that libvips knows, read row by row from top to bottom, with no more of it in memory
/// than its decoder needs. The output is gray or RGB, with or without alpha, 8 or 16 bits or float: palettes are
/// expanded, CMYK goes through its profile to sRGB. The EXIF orientation is applied (and forgotten), so that every
/// viewer shows the result upright; this takes a copy of the whole picture in memory.
class PictureReader {
 public:
  /// Reads only the header. Throws Error(io) if the file cannot be read, Error(limit) if the picture has more than
  /// most_pixels, and Error(input) if it is not a picture, or of an unsupported kind.
  explicit PictureReader(const std::filesystem::path& path, int64_t most_pixels = kMostPixels);

  const PictureHeader& header() const { return header_; }
  /// Messages about how the picture was read.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// The next rows of the current frame, (1, C, rows, W), full range in [0, 1] (floats may leave it). They must lie
  /// within one frame. Calls may come from one other thread. Throws Error(input) if the file is damaged or cut short.
  void read(Tensor<float>& rows);

  /// After the last row: closes the file, and returns messages about damage that its decoder skipped; none if the file
  /// is intact.
  std::vector<std::string> damage();

 private:
  void open(int64_t most_pixels);
  int64_t count_tiff_pages();
  void open_all_pages(int64_t pages);
  void normalise();
  void add_metadata();
  void check_whole();
  void check_png();

  std::filesystem::path path_;
  PictureHeader header_;
  std::string loader_;                // libvips' name of it
  std::vector<TiffPage> tiff_pages_;  // none of other files
  std::vector<std::string> warnings_, damage_;
  std::shared_ptr<VipsImage> image_;
  int white_ = 255;
  int64_t next_row_ = 0;
};

/// A picture of one frame. Throws like PictureReader, and Error(input) if anything in it is damaged.
Picture read_picture(const std::filesystem::path& path);

}  // namespace fsrcnn
