#pragma once

#include "base/file.hpp"

namespace fsrcnn {

enum class GifState {
  whole,
  damaged,  ///< the codes of a frame are wrong, or are not those of all its pixels
  cut,      ///< ends before a GIF does
};

/// What libvips does not look for: it leaves what a GIF lacks empty, and says nothing. Follows the blocks of the file
/// (GIF89a specification, 1990) and counts the pixels that each frame's codes make, without making them.
GifState check_gif(Bytes bytes);

}  // namespace fsrcnn
