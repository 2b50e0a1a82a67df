#pragma once

#include "base/file.hpp"

namespace fsrcnn {

enum class GifState {
  whole,
  damaged,  ///< the codes of a frame are wrong or incomplete
  cut,      ///< truncated
};

/// Checks that libvips lacks: it leaves missing parts of a GIF empty without a message. Walks over the blocks of the
/// file (GIF89a specification, 1990) and counts the pixels of each frame's codes, without decoding them.
GifState check_gif(Bytes bytes);

}  // namespace fsrcnn
