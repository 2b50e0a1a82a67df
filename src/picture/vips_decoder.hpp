#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "picture/jpeg_segments.hpp"
#include "picture/picture_file.hpp"
#include "picture/picture_format.hpp"
#include "picture/png_chunks.hpp"
#include "picture/row_decoder.hpp"
#include "picture/tiff_pages.hpp"

namespace fsrcnn {

/// A picture of any format that libvips is trusted with. The output is gray or RGB, with or without alpha, 8 or 16 bits
/// or float.
class VipsDecoder : public RowDecoder {
 public:
  VipsDecoder(PictureFile file, const PictureFormat& format, int64_t most_pixels,
              const std::function<void(int64_t)>& on_size);

  const PictureStart& start() const override { return start_; }
  EmbeddedMetadata metadata(const MetadataTarget& target, std::vector<std::string>& warnings) override;
  void read(std::byte* samples, int64_t rows) override;
  std::vector<std::string> damage() override;

 private:
  void open(int64_t most_pixels, const std::function<void(int64_t)>& on_size);
  void check_size(int64_t width, int64_t height, int64_t frames, int64_t most_pixels) const;
  int64_t count_tiff_pages();
  bool open_tiff_samples(int64_t most_pixels, const std::function<void(int64_t)>& on_size);
  void check_orientations() const;
  void open_all_pages(int64_t pages);
  void normalise();
  void turn_upright();
  bool states_resolution() const;
  [[noreturn]] void fail_unreadable(const std::string& message) const;

  // Of single formats, before the picture is opened and then.
  void check_file_end();
  void check_jp2() const;
  void check_tiff() const;
  void check_jxl();
  void check_gif_file();
  void check_png();
  void check_jpeg();
  void check_heif();
  void check_exr();
  void warn_of_gain_map();
  void warn(std::string message) { start_.warnings.push_back(std::move(message)); }

  PictureFile file_;
  const PictureFormat& format_;
  std::string name_;  // the file's, for messages
  PictureStart start_;
  PictureHeader& header_ = start_.header;
  std::string loader_;                // libvips' name of it
  PngChunks png_;                     // of a PNG
  JpegSegments jpeg_;                 // of a JPEG
  std::vector<TiffPage> tiff_pages_;  // none of other files
  std::vector<std::string> damage_;
  std::shared_ptr<VipsImage> image_;
  EmbeddedMetadata embedded_;
  int orientation_ = 1;
  int64_t next_row_ = 0;
};

}  // namespace fsrcnn
