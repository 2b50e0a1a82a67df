#pragma once

#include <cstdint>
#include <vector>

#include "video/av.hpp"

namespace fsrcnn {

/// A packet of Theora that shows the picture before it once more. libtheora writes an empty one, which no container
/// keeps.
std::vector<uint8_t> theora_repeat(int width, int height, AVPixelFormat pixels);

}  // namespace fsrcnn
