#include "video/film.hpp"

#include <gtest/gtest.h>

#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

std::vector<IndexedFrame> index_with_keys(int64_t count, const std::vector<int64_t>& keys) {
  std::vector<IndexedFrame> index;
  for (int64_t i = 0; i < count; ++i) index.push_back({40 * i, 40, false, 40 * i});
  for (const int64_t key : keys) index[static_cast<size_t>(key)].key = true;
  return index;
}

TEST(Segments, BeginWhereDecodingCan) {
  EXPECT_EQ(cut_into_segments(index_with_keys(100, {0, 12, 24, 36, 48, 60, 72, 84, 96}), 20),
            (std::vector<FrameRange>{{0, 24}, {24, 48}, {48, 72}, {72, 96}, {96, 100}}));
  EXPECT_EQ(cut_into_segments(index_with_keys(5, {0}), 20), (std::vector<FrameRange>{{0, 5}}));
}

TEST(Segments, AreCutElsewhereIfDecodingCanRarelyBegin) {
  EXPECT_EQ(cut_into_segments(index_with_keys(100, {0, 95}), 10),
            (std::vector<FrameRange>{{0, 40}, {40, 80}, {80, 95}, {95, 100}}));
}

TEST(PixelFormat, PackedPixelsAreTakenApartAndPutTogether) {
  EXPECT_EQ(planar_format(AV_PIX_FMT_YUV420P), AV_PIX_FMT_YUV420P);
  EXPECT_EQ(planar_format(AV_PIX_FMT_YUV444P12LE), AV_PIX_FMT_YUV444P12LE);
  EXPECT_EQ(planar_format(AV_PIX_FMT_NV12), AV_PIX_FMT_YUV420P);
  EXPECT_EQ(planar_format(AV_PIX_FMT_P010LE), AV_PIX_FMT_YUV420P10);
  EXPECT_EQ(planar_format(AV_PIX_FMT_BGRA), AV_PIX_FMT_GBRAP);
  EXPECT_THROW(planar_format(AV_PIX_FMT_VAAPI), Error);
  EXPECT_THROW(planar_format(AV_PIX_FMT_BAYER_BGGR8), Error);
  constexpr AVPixelFormat kList[] = {AV_PIX_FMT_PAL8, AV_PIX_FMT_BGRA, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_NONE};
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRAP, kList), AV_PIX_FMT_BGRA);
  EXPECT_EQ(same_samples(AV_PIX_FMT_YUV420P, kList), AV_PIX_FMT_YUVJ420P);
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRP, kList), AV_PIX_FMT_BGRA);  // opaque
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRP16, kList), AV_PIX_FMT_NONE);
}

}  // namespace
}  // namespace fsrcnn
