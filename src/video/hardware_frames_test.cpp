#include "video/hardware_frames.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>

#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

AvFrame frame_of(AVPixelFormat format, int width, int height) {
  AvFrame frame = new_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  EXPECT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  frame->pts = 7;
  for (int p = 0; p < av_pix_fmt_count_planes(format); ++p) {
    for (int y = 0; y < (p > 0 ? height / 2 : height); ++y) {
      for (int x = 0; x < frame->linesize[p]; ++x) {
        frame->data[p][y * frame->linesize[p] + x] = static_cast<uint8_t>(7 * x + 13 * y + 50 * p);
      }
    }
  }
  return frame;
}

TEST(HardwareFrames, AreForEncodersThatTakeNoOthers) {
  const auto format_of = [](const char* name) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(name);
    EXPECT_NE(encoder, nullptr) << name;
    return hardware_format(*encoder);
  };
  const auto vaapi = format_of("h264_vaapi");
  ASSERT_TRUE(vaapi);
  EXPECT_EQ(vaapi->device, AV_HWDEVICE_TYPE_VAAPI);
  EXPECT_EQ(vaapi->pixels, AV_PIX_FMT_VAAPI);
  for (const char* name : {"h264_nvenc", "hevc_qsv", "libx264", "ffv1"}) EXPECT_FALSE(format_of(name)) << name;
}

// Mesa's lavapipe is a Vulkan device without a card. What it keeps for good is no leak while it stays loaded.
void keep_lavapipe_loaded() { dlopen("libvulkan_lvp.so", RTLD_LAZY | RTLD_NODELETE); }

TEST(HardwareFrames, HoldWhatIsUploaded) {
  keep_lavapipe_loaded();
  const HardwareFormat vulkan{AV_HWDEVICE_TYPE_VULKAN, AV_PIX_FMT_VULKAN};
  for (const AVPixelFormat planar : {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10}) {
    const HardwareFrames frames(vulkan, planar, 66, 50);
    EXPECT_EQ(frames.software_format(), planar == AV_PIX_FMT_YUV420P ? AV_PIX_FMT_NV12 : AV_PIX_FMT_P010LE);
    const AvFrame original = PixelConverter()(frame_of(planar, 66, 50), frames.software_format());
    const AvFrame uploaded = frames.upload(*original);
    EXPECT_EQ(uploaded->format, AV_PIX_FMT_VULKAN);
    EXPECT_EQ(uploaded->pts, 7);
    const AvFrame back = new_frame();
    back->format = frames.software_format();
    ASSERT_GE(av_hwframe_transfer_data(back.get(), uploaded.get(), 0), 0);
    for (int p = 0; p < 2; ++p) {
      for (int y = 0; y < (p > 0 ? 25 : 50); ++y) {
        ASSERT_EQ(std::memcmp(back->data[p] + y * back->linesize[p], original->data[p] + y * original->linesize[p],
                              planar == AV_PIX_FMT_YUV420P ? 66 : 132),
                  0)
            << p << ' ' << y;
      }
    }
  }
}

TEST(HardwareFrames, SayWhatADeviceDoesNotHold) {
  keep_lavapipe_loaded();
  const HardwareFormat vulkan{AV_HWDEVICE_TYPE_VULKAN, AV_PIX_FMT_VULKAN};
  try {
    const HardwareFrames frames(vulkan, AV_PIX_FMT_YUV420P, 1 << 20, 50);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_NE(std::string(e.what()).find("1048576x50"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace fsrcnn
