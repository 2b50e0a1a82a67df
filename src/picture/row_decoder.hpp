#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "picture/picture.hpp"
#include "picture/picture_file.hpp"
#include "picture/picture_format.hpp"

namespace fsrcnn {

/// What a decoder tells of a picture before its samples.
struct PictureStart {
  PictureHeader header;
  int white = 255;  ///< the sample that is white; floats are as they are
  std::vector<std::string> warnings;

  int64_t rows() const { return header.height * header.frames; }
  int64_t row_bytes() const { return header.width * header.planes() * header.bits / 8; }
};

/// A picture that is decoded from top to bottom, frame after frame.
class RowDecoder {
 public:
  RowDecoder() = default;
  virtual ~RowDecoder() = default;
  RowDecoder(const RowDecoder&) = delete;
  RowDecoder& operator=(const RowDecoder&) = delete;

  virtual const PictureStart& start() const = 0;
  /// The picture's metadata, for a picture made of this one; before the first rows. Adds messages about what is lost.
  virtual EmbeddedMetadata metadata(const MetadataTarget& target, std::vector<std::string>& warnings) = 0;
  /// The samples of the next rows, channel by channel of each pixel: uint8_t, uint16_t or float. Throws Error(input).
  virtual void read(std::byte* samples, int64_t rows) = 0;
  /// After the last row: messages about damage that was skipped.
  virtual std::vector<std::string> damage() = 0;
};

/// The format of a file that is a picture. Throws Error(input) for others, and for those that are refused.
const PictureFormat& require_format(const PictureFile& file);

/// Decodes in this process, by libvips. `on_size` gets the pixels of all frames together, before any is decoded. Throws
/// like PictureReader.
std::unique_ptr<RowDecoder> decode_here(PictureFile file, const PictureFormat& format, int64_t most_pixels,
                                        const std::function<void(int64_t pixels)>& on_size = nullptr);

}  // namespace fsrcnn
