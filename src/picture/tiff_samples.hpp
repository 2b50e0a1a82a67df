#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "picture/picture.hpp"
#include "picture/picture_file.hpp"

namespace fsrcnn {

struct TiffSamples {
  std::shared_ptr<VipsImage> image;  ///< in memory, with profile, resolution and orientation; or null
  int used_bits = 0;                 ///< of 16, which they are scaled to; 0: all
  std::string_view become_floats;    ///< what they are, if they become floats of 32 bits
};

/// The first page of a TIFF whose samples libvips does not read, by libtiff: 9 to 15 bits, which become 16, 32 bits,
/// halves and doubles, which become floats, and colours that are stored as luma and coarser chroma. No image if it is
/// none of these. `on_size` gets width and height before there is memory for them. Throws Error(input) if it is
/// damaged, or has samples of which nobody knows what is white, such as signed ones, and what on_size throws.
TiffSamples read_tiff_samples(const PictureFile& file, const std::function<void(int64_t, int64_t)>& on_size);

}  // namespace fsrcnn
