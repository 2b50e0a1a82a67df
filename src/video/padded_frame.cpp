#include "video/padded_frame.hpp"

extern "C" {
#include <libavutil/buffer.h>
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <cstring>
#include <new>

namespace fsrcnn {
namespace {

constexpr int kAlign = 64;

constexpr int aligned(int size) { return (size + kAlign - 1) / kAlign * kAlign; }

// The samples of the right edge, and the last row, on to the padded size. All in bytes.
void extend(uint8_t* plane, ptrdiff_t stride, size_t row_bytes, int rows, size_t padded_bytes, int padded_rows,
            size_t pixel_bytes) {
  for (int y = 0; y < rows; ++y) {
    uint8_t* row = plane + y * stride;
    for (size_t at = row_bytes; at + pixel_bytes <= padded_bytes; at += pixel_bytes) {
      std::memcpy(row + at, row + row_bytes - pixel_bytes, pixel_bytes);
    }
  }
  for (int y = rows; y < padded_rows; ++y) std::memcpy(plane + y * stride, plane + (rows - 1) * stride, padded_bytes);
}

}  // namespace

void FramePadder::FreePool::operator()(AVBufferPool* pool) const { av_buffer_pool_uninit(&pool); }

AvFrame FramePadder::operator()(const AVFrame& frame) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
  // Beyond the picture lie another row of blocks, and what reads by vectors.
  const int width = aligned(frame.width), height = aligned(frame.height), planes = av_pix_fmt_count_planes(format);
  int strides[4];
  size_t sizes[4] = {}, begins[4] = {}, bytes = 0;
  if (av_image_fill_linesizes(strides, format, width) < 0) throw std::bad_alloc();
  ptrdiff_t aligned_strides[4] = {};
  for (int p = 0; p < 4; ++p) aligned_strides[p] = strides[p] = strides[p] == 0 ? 0 : aligned(strides[p]) + kAlign;
  if (av_image_fill_plane_sizes(sizes, format, height + kAlign, aligned_strides) < 0) throw std::bad_alloc();
  for (int p = 0; p < 4; ++p) {
    begins[p] = bytes;
    bytes += static_cast<size_t>(aligned(static_cast<int>(sizes[p])));
  }
  if (bytes != pooled_bytes_) {
    pool_.reset(av_buffer_pool_init(bytes + kAlign, av_buffer_allocz));
    if (!pool_) throw std::bad_alloc();
    pooled_bytes_ = bytes;
  }
  AvFrame padded = new_frame();
  padded->format = frame.format;
  padded->width = frame.width;
  padded->height = frame.height;
  padded->buf[0] = av_buffer_pool_get(pool_.get());
  if (padded->buf[0] == nullptr || av_frame_copy_props(padded.get(), &frame) < 0) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(padded->buf[0]->data);
  uint8_t* memory = padded->buf[0]->data + (kAlign - address % kAlign) % kAlign;
  for (int p = 0; p < planes; ++p) {
    padded->data[p] = memory + begins[p];
    padded->linesize[p] = strides[p];
  }
  padded->extended_data = padded->data;
  if (av_frame_copy(padded.get(), &frame) < 0) throw std::bad_alloc();
  int steps[4];
  av_image_fill_max_pixsteps(steps, nullptr, &d);
  for (int p = 0; p < planes; ++p) {
    const bool chroma = (p == 1 || p == 2) && (d.flags & AV_PIX_FMT_FLAG_RGB) == 0;
    const int rows = chroma ? AV_CEIL_RSHIFT(frame.height, d.log2_chroma_h) : frame.height;
    const int padded_rows = chroma ? height >> d.log2_chroma_h : height;
    extend(padded->data[p], strides[p], static_cast<size_t>(av_image_get_linesize(format, frame.width, p)), rows,
           static_cast<size_t>(av_image_get_linesize(format, width, p)), padded_rows, static_cast<size_t>(steps[p]));
  }
  return padded;
}

}  // namespace fsrcnn
