#pragma once

#include "base/file.hpp"

namespace fsrcnn {

/// Whether a WebP, or its first frame, is compressed without loss.
bool is_lossless_webp(Bytes file);

/// Whether a JPEG XL is; not if it is a JPEG's.
bool is_lossless_jxl(Bytes file);

}  // namespace fsrcnn
