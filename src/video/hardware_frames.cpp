#include "video/hardware_frames.hpp"

#include "video/av_versions.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

constexpr int kWaitingPictures = 20;  // as FFmpeg's own upload has: encoders keep pictures that they refer to

struct FreeConstraints {
  void operator()(AVHWFramesConstraints* constraints) const { av_hwframe_constraints_free(&constraints); }
};

// Encoders of cards prefer chroma in pairs, and some know nothing else, although their device can hold it.
AVPixelFormat device_samples(AVPixelFormat planar, const AVPixelFormat* list) {
  if (list == nullptr) return planar;
  for (const AVPixelFormat paired : {AV_PIX_FMT_NV12, AV_PIX_FMT_P010LE}) {
    const AVPixelFormat alone[] = {paired, AV_PIX_FMT_NONE};
    if (is_listed(paired, list) && same_samples(planar, alone) == paired) return paired;
  }
  return same_samples(planar, list);
}

}  // namespace

std::optional<HardwareFormat> hardware_format(const AVCodec& encoder) {
  const AVPixelFormat* formats = pixel_formats(encoder);
  if (formats == nullptr) return std::nullopt;
  for (; *formats != AV_PIX_FMT_NONE; ++formats) {
    if ((av_pix_fmt_desc_get(*formats)->flags & AV_PIX_FMT_FLAG_HWACCEL) == 0) return std::nullopt;
  }
  for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(&encoder, i); ++i) {
    if ((config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_FRAMES_CTX) != 0) {
      return HardwareFormat{config->device_type, config->pix_fmt};
    }
  }
  return std::nullopt;
}

HardwareFrames::HardwareFrames(const HardwareFormat& format, AVPixelFormat planar, int width, int height) {
  const char* kind = av_hwdevice_get_type_name(format.device);
  AVBufferRef* device = nullptr;
  av_check(av_hwdevice_ctx_create(&device, format.device, nullptr, nullptr, 0), ErrorCode::usage,
           "opening a device for {}", kind);
  device_.reset(device);

  const std::unique_ptr<AVHWFramesConstraints, FreeConstraints> limits(
      av_hwdevice_get_hwframe_constraints(device, nullptr));
  if (limits && (width < limits->min_width || height < limits->min_height || width > limits->max_width ||
                 height > limits->max_height)) {
    fail(ErrorCode::usage, "the device for {} holds pictures from {}x{} to {}x{}, and the film's are {}x{}", kind,
         limits->min_width, limits->min_height, limits->max_width, limits->max_height, width, height);
  }
  const AVPixelFormat samples = device_samples(planar, limits ? limits->valid_sw_formats : nullptr);
  if (samples == AV_PIX_FMT_NONE) {
    fail(ErrorCode::usage, "the device for {} does not hold pictures of the pixel format {}", kind,
         av_get_pix_fmt_name(planar));
  }

  frames_.reset(av_hwframe_ctx_alloc(device));
  if (!frames_) throw std::bad_alloc();
  auto& context = *reinterpret_cast<AVHWFramesContext*>(frames_->data);
  context.format = format.pixels;
  context.sw_format = samples;
  context.width = width;
  context.height = height;
  // Devices with pictures of a fixed number count only these.
  if (format.device == AV_HWDEVICE_TYPE_VAAPI) context.initial_pool_size = kWaitingPictures;
  av_check(av_hwframe_ctx_init(frames_.get()), ErrorCode::usage, "making {}x{} {} pictures on the device for {}", width,
           height, av_get_pix_fmt_name(samples), kind);
}

AVPixelFormat HardwareFrames::software_format() const {
  return reinterpret_cast<const AVHWFramesContext*>(frames_->data)->sw_format;
}

AvFrame HardwareFrames::upload(const AVFrame& frame) const {
  AvFrame uploaded = new_frame();
  av_check(av_hwframe_get_buffer(frames_.get(), uploaded.get(), 0), ErrorCode::io,
           "allocating a picture on the device");
  av_check(av_hwframe_transfer_data(uploaded.get(), &frame, 0), ErrorCode::io, "copying a picture to the device");
  av_check(av_frame_copy_props(uploaded.get(), &frame), ErrorCode::io, "copying a frame's properties");
  return uploaded;
}

}  // namespace fsrcnn
