#pragma once

#include "base/file.hpp"

namespace fsrcnn {

/// Whether a WebP, or its first frame, is compressed without loss.
bool is_lossless_webp(Bytes file);

}  // namespace fsrcnn
