#include "video/padded_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace fsrcnn {
namespace {

// A frame whose memory is full of `junk` outside the picture.
AvFrame frame_in_junk(AVPixelFormat format, int width, int height, int junk) {
  AvFrame frame = new_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  EXPECT_GE(av_frame_get_buffer(frame.get(), 32), 0);
  for (int p = 0; p < AV_NUM_DATA_POINTERS && frame->buf[p] != nullptr; ++p) {
    std::memset(frame->buf[p]->data, junk, frame->buf[p]->size);
  }
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
  for (int p = 0; p < av_pix_fmt_count_planes(format); ++p) {
    const bool chroma = p == 1 || p == 2;
    const int w = chroma ? AV_CEIL_RSHIFT(width, d.log2_chroma_w) : width;
    const int h = chroma ? AV_CEIL_RSHIFT(height, d.log2_chroma_h) : height;
    const int bytes = w * (d.comp[0].depth > 8 ? 2 : 1);
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < bytes; ++x)
        frame->data[p][y * frame->linesize[p] + x] = static_cast<uint8_t>(7 * x + 3 * y + p);
    }
  }
  return frame;
}

TEST(FramePadder, LeavesNothingToChance) {
  for (const AVPixelFormat format : {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUVA444P}) {
    FramePadder pad;
    const AvFrame a = pad(*frame_in_junk(format, 33, 19, 0x55)), b = pad(*frame_in_junk(format, 33, 19, 0xAA));
    ASSERT_EQ(a->buf[0]->size, b->buf[0]->size);
    ASSERT_EQ(a->linesize[0] % 64, 0);
    const auto end = [](const AvFrame& f) { return f->buf[0]->data + f->buf[0]->size; };
    const ptrdiff_t left = std::min(end(a) - a->data[0], end(b) - b->data[0]);
    EXPECT_EQ(std::memcmp(a->data[0], b->data[0], static_cast<size_t>(left)), 0) << av_get_pix_fmt_name(format);
    const ptrdiff_t stride = a->linesize[0], step = av_pix_fmt_desc_get(format)->comp[0].step;
    const uint8_t* last = a->data[0] + 18 * stride + 32 * step;
    EXPECT_EQ(std::memcmp(last, a->data[0] + 18 * stride + 63 * step, static_cast<size_t>(step)), 0);
    EXPECT_EQ(std::memcmp(last, a->data[0] + 63 * stride + 63 * step, static_cast<size_t>(step)), 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a->data[1]) % 64, 0U);
  }
}

}  // namespace
}  // namespace fsrcnn
