#pragma once

extern "C" {
#include <libavutil/hwcontext.h>
}

#include <optional>

#include "video/av.hpp"

namespace fsrcnn {

/// Where an encoder wants its pictures: in the memory of which kind of device, by which of FFmpeg's pixel formats.
struct HardwareFormat {
  AVHWDeviceType device;
  AVPixelFormat pixels;
};

/// Of an encoder that takes no pictures from the processor's memory, such as VAAPI's. Others of graphics cards (NVENC,
/// Quick Sync) take them from there, too, and need none.
std::optional<HardwareFormat> hardware_format(const AVCodec& encoder);

/// Pictures of one size in the memory of a device.
class HardwareFrames {
 public:
  /// Opens the first device of the kind. planar: the samples that the pictures must keep. Throws Error(usage) if the
  /// machine has no such device, or if it has no pictures of such samples or of this size.
  HardwareFrames(const HardwareFormat& format, AVPixelFormat planar, int width, int height);

  /// What upload() takes: the same samples as `planar`, perhaps in another order.
  AVPixelFormat software_format() const;
  /// For AVCodecContext::hw_frames_ctx, which needs a reference of its own.
  AVBufferRef& context() const { return *frames_; }

  /// A copy in the device's memory, with the frame's properties. Throws Error(io).
  AvFrame upload(const AVFrame& frame) const;

 private:
  std::unique_ptr<AVBufferRef, AvFree<av_buffer_unref>> device_, frames_;
};

}  // namespace fsrcnn
