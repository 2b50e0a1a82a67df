#include "video/zimg_frame.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <cstring>

#include "video/frame_upscaler.hpp"
#include "video/plane_resizer.hpp"

namespace fsrcnn {
namespace {

bool has_aligned_planes(const AVFrame& frame) {
  for (int p = 0; p < 4 && frame.data[p] != nullptr; ++p) {
    if (reinterpret_cast<uintptr_t>(frame.data[p]) % kZimgAlignment != 0 ||
        frame.linesize[p] % static_cast<int>(kZimgAlignment) != 0)
      return false;
  }
  return true;
}

}  // namespace

int zimg_width(const AVFrame& frame) {
  const int shift = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))->log2_chroma_w;
  return -(-frame.width >> shift) << shift;
}

int zimg_height(const AVFrame& frame) {
  const int shift = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))->log2_chroma_h;
  return -(-frame.height >> shift) << shift;
}

AvFrame zimg_aligned(const AVFrame& frame) {
  const int width = zimg_width(frame), height = zimg_height(frame);
  const bool is_whole = width == frame.width && height == frame.height;
  if (is_whole && has_aligned_planes(frame)) return nullptr;
  const auto pixels = static_cast<AVPixelFormat>(frame.format);
  AvFrame copy = new_frame(pixels, width, height, static_cast<int>(kZimgAlignment));
  copy->width = frame.width;
  copy->height = frame.height;
  av_check(av_frame_copy(copy.get(), &frame), ErrorCode::input, "copying a {}x{} frame", frame.width, frame.height);
  copy->width = width;
  copy->height = height;
  const int bytes = (av_pix_fmt_desc_get(pixels)->comp[0].depth + 7) / 8;
  for (int p = 0; !is_whole && p < av_pix_fmt_count_planes(pixels); ++p) {
    if (p == 1 || p == 2) continue;  // chroma is whole
    for (int y = 0; y < height; ++y) {
      uint8_t* const row = copy->data[p] + ptrdiff_t{y} * copy->linesize[p];
      if (y >= frame.height) std::memcpy(row, row - copy->linesize[p], static_cast<size_t>(width * bytes));
      for (int x = frame.width; x < width; ++x) std::memcpy(row + x * bytes, row + (x - 1) * bytes, bytes);
    }
  }
  return copy;
}

// zimg's numbers are H.273's, as FFmpeg's are. It asks for more than the matrix where luma is constant or the values
// are ICtCp's: there BT.2020's matrix, there and back, keeps colours as near as the rounding.
int zimg_matrix(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
    case AVCOL_SPC_RGB: return frame.height > 576 ? ZIMG_MATRIX_BT709 : ZIMG_MATRIX_BT470_BG;
    case AVCOL_SPC_BT2020_CL:
    case AVCOL_SPC_CHROMA_DERIVED_NCL:
    case AVCOL_SPC_CHROMA_DERIVED_CL:
    case AVCOL_SPC_SMPTE2085:
    case AVCOL_SPC_ICTCP: return ZIMG_MATRIX_BT2020_NCL;
    default: return frame.colorspace;
  }
}

zimgxx::zimage_format zimg_format(const AVFrame& frame, int matrix) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const bool rgb = (d.flags & AV_PIX_FMT_FLAG_RGB) != 0, gray = d.nb_components < 3;
  zimgxx::zimage_format format;
  format.width = static_cast<unsigned>(frame.width);
  format.height = static_cast<unsigned>(frame.height);
  format.depth = static_cast<unsigned>(d.comp[0].depth);
  format.pixel_type = format.depth > 8 ? ZIMG_PIXEL_WORD : ZIMG_PIXEL_BYTE;
  format.color_family = rgb ? ZIMG_COLOR_RGB : gray ? ZIMG_COLOR_GREY : ZIMG_COLOR_YUV;
  format.pixel_range = rgb || is_full_range(frame) ? ZIMG_RANGE_FULL : ZIMG_RANGE_LIMITED;
  if (rgb) {
    format.matrix_coefficients = ZIMG_MATRIX_RGB;
  } else if (!gray) {
    format.matrix_coefficients = static_cast<zimg_matrix_coefficients_e>(matrix);
    format.subsample_w = d.log2_chroma_w;
    format.subsample_h = d.log2_chroma_h;
    // Both count left, centre, top left, top, bottom left, bottom; FFmpeg from 1.
    format.chroma_location = static_cast<zimg_chroma_location_e>(chroma_location(frame) - AVCHROMA_LOC_LEFT);
  }
  return format;
}

int zimg_plane(const AVPixFmtDescriptor& pixels, int c) {
  const bool rgb = (pixels.flags & AV_PIX_FMT_FLAG_RGB) != 0 && c < 3;
  return rgb ? (c + 2) % 3 : c;
}

}  // namespace fsrcnn
