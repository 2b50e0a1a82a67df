#pragma once

#include <vector>

#include "video/av.hpp"

struct SwsContext;

namespace fsrcnn {

/// The planar pixel format with the same samples: packed formats (NV12, RGB24 and others) are unpacked to it without
/// loss. Throws Error(input) for unsupported formats.
AVPixelFormat planar_format(AVPixelFormat format);

/// Whether it has a few colours only, or else fewer samples than its planar format.
bool loses_samples(AVPixelFormat format);

/// All planar formats that can be upscaled, ended by AV_PIX_FMT_NONE.
std::vector<AVPixelFormat> planar_formats();

/// The planar format with 16 bits for each sample and else the same, or this one itself if there is none.
AVPixelFormat with_16_bits(AVPixelFormat planar);

/// Whether a list that ends with AV_PIX_FMT_NONE has a format.
bool is_listed(AVPixelFormat format, const AVPixelFormat* list);

/// The one of a list (ended by AV_PIX_FMT_NONE; null: anything) that holds the samples of a planar format without loss,
/// if need be of RGB with an alpha that is opaque, or AV_PIX_FMT_NONE.
AVPixelFormat same_samples(AVPixelFormat planar, const AVPixelFormat* list);

/// Whether it has alpha.
bool is_transparent(AVPixelFormat format);

/// Packs and unpacks pixels, by libswscale.
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
