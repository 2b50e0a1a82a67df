#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/tensor.hpp"
#include "picture/cicp.hpp"
#include "picture/embedded_metadata.hpp"

using VipsImage = struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name

namespace fsrcnn {

/// Properties of a picture, without its samples.
struct PictureHeader {
  int64_t width = 0, height = 0;  ///< pixels, of each frame
  int64_t frames = 1;             ///< of an animation, or pages
  int colour_planes = 3;          ///< 1 (gray) or 3 (red, green, blue)
  bool has_alpha = false;
  int left_out = 0;             ///< channels beside the colours, if there are several: none of them is alpha
  bool alpha_is_data = false;   ///< alpha is none but data beside the colours: infrared, a mask, a selection
  int bits = 8;                 ///< of a sample: 8, 16, or 32 for floats
  int used_bits = 0;            ///< of these, where it has fewer in the file (10 or 12); 0: all
  std::optional<Cicp> colours;  ///< how colours other than sRGB are coded, where the file says it by numbers
  bool halves_chroma = false;   ///< an AVIF or HEIC of 4:2:0
  std::pair<uint32_t, uint32_t> pixel_aspect = {1, 1};  ///< width and height of a pixel, where the file says it alone
  bool lossless = false;                                ///< a WebP or JPEG XL that was compressed without loss
  bool linear = false;                  ///< samples are proportional to light in the file (sRGB-coded in memory)
  std::shared_ptr<VipsImage> metadata;  ///< ICC profile, resolution, delays of frames; no samples in it
  EmbeddedMetadata embedded;            ///< of a picture to write: EXIF, XMP, IPTC, comments, in the form of its format

  bool is_transparent() const { return has_alpha && !alpha_is_data; }
  bool has_other_aspect() const { return pixel_aspect.first != pixel_aspect.second; }
  int precision() const { return used_bits != 0 ? used_bits : bits; }
  int64_t planes() const { return colour_planes + (has_alpha ? 1 : 0); }
};

/// A still picture in memory.
struct Picture {
  PictureHeader header;
  Tensor<float> planes;  ///< (1, C, H, W), full range in [0, 1]: gray or red, green, blue; then alpha, if there is one
};

}  // namespace fsrcnn
