#pragma once

#include "base/file.hpp"

namespace fsrcnn {

struct JxlInfo {
  bool lossless = false;  ///< not if it is a JPEG's
  bool animated = false;  ///< of several frames
};

/// What the head of a JPEG XL says of it.
JxlInfo jxl_info(Bytes file);

}  // namespace fsrcnn
