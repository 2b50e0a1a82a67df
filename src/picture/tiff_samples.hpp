#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "picture/picture.hpp"
#include "picture/picture_file.hpp"

namespace fsrcnn {

struct TiffSamples {
  std::shared_ptr<VipsImage> image;  ///< in memory, with the first page's profile, resolution and orientation; or null
  int used_bits = 0;                 ///< of 16, which they are scaled to; 0: all
  std::string_view become_floats;    ///< what they are, if they become floats of 32 bits
};

/// A compression's name, or its number, if libtiff cannot decode it here; empty if it can.
std::string unknown_tiff_compression(uint16_t compression);

/// The first pages of a TIFF, one under the other, whose samples libvips does not read, by libtiff: 9 to 15 bits, which
/// become 16, 32 bits, halves and doubles, which become floats, and colours that are stored as luma and coarser chroma.
/// No image if it is none of these. `on_size` gets a page's width and height before there is memory for them. Throws
/// Error(input) if it is damaged, if the pages differ in size or kind, or has samples of which nobody knows what is
/// white, such as signed ones, and what on_size throws.
TiffSamples read_tiff_samples(const PictureFile& file, int64_t pages,
                              const std::function<void(int64_t, int64_t)>& on_size);

}  // namespace fsrcnn
