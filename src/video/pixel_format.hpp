#pragma once

#include "video/av.hpp"

struct SwsContext;

namespace fsrcnn {

/// The planar pixel format with the same samples: of packed formats (NV12, RGB24 and others) the one that they are
/// taken apart into without loss. Throws Error(input) for formats that have none.
AVPixelFormat planar_format(AVPixelFormat format);

/// The one of a list (ended by AV_PIX_FMT_NONE; null: anything) that holds the samples of a planar format without loss,
/// if need be of RGB with an alpha that is opaque, or AV_PIX_FMT_NONE.
AVPixelFormat same_samples(AVPixelFormat planar, const AVPixelFormat* list);

/// Whether it has alpha.
bool is_transparent(AVPixelFormat format);

/// Takes packed pixels apart, and puts them together, by libswscale.
class PixelConverter {
 public:
  PixelConverter() = default;
  ~PixelConverter();
  PixelConverter(const PixelConverter&) = delete;
  PixelConverter& operator=(const PixelConverter&) = delete;

  AvFrame operator()(AvFrame frame, AVPixelFormat to);

 private:
  SwsContext* context_ = nullptr;
};

}  // namespace fsrcnn
