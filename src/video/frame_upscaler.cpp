#include "video/frame_upscaler.hpp"

extern "C" {
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <array>
#include <cmath>

#include "base/plane.hpp"
#include "picture/bleed.hpp"
#include "picture/colour.hpp"
#include "video/av_versions.hpp"

namespace fsrcnn {
namespace {

const AVPixFmtDescriptor& description(int format) { return *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format)); }

bool is_rgb(int format) { return (description(format).flags & AV_PIX_FMT_FLAG_RGB) != 0; }

SampleType type_of(int format) { return description(format).comp[0].depth > 8 ? SampleType::u16 : SampleType::u8; }

int64_t subsampled(int64_t size, int shift) { return -(-size >> shift); }

// Planes 1 and 2 of YUV are chroma.
bool is_chroma(int format, int plane) {
  return !is_rgb(format) && description(format).nb_components >= 3 && (plane == 1 || plane == 2);
}

Plane plane_of(const AVFrame& frame, int plane) {
  const AVPixFmtDescriptor& d = description(frame.format);
  const bool chroma = is_chroma(frame.format, plane);
  Plane result;
  result.data = reinterpret_cast<std::byte*>(frame.data[plane]);
  result.width = subsampled(frame.width, chroma ? d.log2_chroma_w : 0);
  result.height = subsampled(frame.height, chroma ? d.log2_chroma_h : 0);
  result.stride_bytes = frame.linesize[plane];
  result.type = type_of(frame.format);
  const int bits = d.comp[0].depth;
  result.full_range = !is_rgb(frame.format) && is_full_range(frame);
  result.one = static_cast<float>(result.full_range || is_rgb(frame.format) ? (1 << bits) - 1 : 255 << (bits - 8));
  return result;
}

// -1: none.
int alpha_plane(int format) {
  const AVPixFmtDescriptor& d = description(format);
  return (d.flags & AV_PIX_FMT_FLAG_ALPHA) != 0 ? d.comp[d.nb_components - 1].plane : -1;
}

int plane_count(int format) { return av_pix_fmt_count_planes(static_cast<AVPixelFormat>(format)); }

template <class F>
void for_each_sample(const Plane& plane, F&& f) {
  for (int64_t y = 0; y < plane.height; ++y) {
    for (int64_t x = 0; x < plane.width; ++x) {
      if (plane.type == SampleType::u8)
        f(reinterpret_cast<uint8_t*>(plane.row(y))[x], y, x);
      else
        f(reinterpret_cast<uint16_t*>(plane.row(y))[x], y, x);
    }
  }
}

// Hidden colours must not darken visible edges: fully transparent samples of the planes from `first` to `last`, which
// have the same size, get the values beside them, up to `reach` samples away.
void bleed_planes(AVFrame& frame, int first, int last, int reach) {
  const Plane size = plane_of(frame, first);
  const AVPixFmtDescriptor& d = description(frame.format);
  const bool chroma = is_chroma(frame.format, first);
  const int shift_x = chroma ? d.log2_chroma_w : 0, shift_y = chroma ? d.log2_chroma_h : 0;
  const int64_t planes = last - first + 1;
  Tensor<float> rows({1, planes + 1, size.height, size.width});
  // A sample is seen if one of its pixels is.
  for_each_sample(plane_of(frame, 3), [&](auto alpha, int64_t y, int64_t x) {
    if (alpha > 0) rows(0, planes, y >> shift_y, x >> shift_x) = 1;
  });
  for (int p = first; p <= last; ++p) {
    for_each_sample(plane_of(frame, p), [&](auto sample, int64_t y, int64_t x) { rows(0, p - first, y, x) = sample; });
  }
  bleed_colours(rows, reach, size.height);
  for (int p = first; p <= last; ++p) {
    for_each_sample(plane_of(frame, p), [&](auto& sample, int64_t y, int64_t x) {
      sample = static_cast<std::remove_reference_t<decltype(sample)>>(std::lround(rows(0, p - first, y, x)));
    });
  }
}

void bleed(AVFrame& frame, int reach) {
  if (!is_transparent(static_cast<AVPixelFormat>(frame.format))) return;
  bool hidden = false;
  for_each_sample(plane_of(frame, 3), [&](auto alpha, int64_t, int64_t) { hidden = hidden || alpha == 0; });
  if (!hidden) return;
  av_check(av_frame_make_writable(&frame), ErrorCode::input, "allocating a {}x{} frame", frame.width, frame.height);
  if (is_rgb(frame.format)) {
    bleed_planes(frame, 0, 2, reach);
  } else {
    bleed_planes(frame, 0, 0, reach);
    bleed_planes(frame, 1, 2, reach);
  }
}

// Offset of chroma samples from the middle of their luma pixels, in luma pixels.
double offset_x(AVChromaLocation location, int64_t subsampling) {
  const bool left =
      location == AVCHROMA_LOC_LEFT || location == AVCHROMA_LOC_TOPLEFT || location == AVCHROMA_LOC_BOTTOMLEFT;
  return left ? -static_cast<double>(subsampling - 1) / 2 : 0;
}

double offset_y(AVChromaLocation location, int64_t subsampling) {
  const double half = static_cast<double>(subsampling - 1) / 2;
  switch (location) {
    case AVCHROMA_LOC_TOPLEFT:
    case AVCHROMA_LOC_TOP: return -half;
    case AVCHROMA_LOC_BOTTOMLEFT:
    case AVCHROMA_LOC_BOTTOM: return half;
    default: return 0;
  }
}

// What came with the frame and is still true of the larger one.
void copy_properties(const AVFrame& from, AVFrame& to) {
  av_check(av_frame_copy_props(&to, &from), ErrorCode::io, "copying a frame's properties");
  to.pict_type = AV_PICTURE_TYPE_NONE;  // the encoder decides
  clear_key(to);
  for (const auto type :
       {AV_FRAME_DATA_MOTION_VECTORS, AV_FRAME_DATA_VIDEO_ENC_PARAMS, AV_FRAME_DATA_REGIONS_OF_INTEREST,
        AV_FRAME_DATA_PANSCAN, AV_FRAME_DATA_DOVI_RPU_BUFFER, AV_FRAME_DATA_DOVI_METADATA,
        AV_FRAME_DATA_DYNAMIC_HDR_PLUS, AV_FRAME_DATA_DYNAMIC_HDR_VIVID, AV_FRAME_DATA_FILM_GRAIN_PARAMS}) {
    av_frame_remove_side_data(&to, type);
  }
}

}  // namespace

bool is_full_range(const AVFrame& frame) {
  if (is_rgb(frame.format)) return true;
  if (frame.color_range == AVCOL_RANGE_UNSPECIFIED) {
    const std::string_view name = description(frame.format).name;
    return description(frame.format).nb_components <= 2 || name.starts_with("yuvj");
  }
  return frame.color_range == AVCOL_RANGE_JPEG;
}

AVChromaLocation chroma_location(const AVFrame& frame) {
  if (frame.chroma_location != AVCHROMA_LOC_UNSPECIFIED) return frame.chroma_location;
  return is_full_range(frame) ? AVCHROMA_LOC_CENTER : AVCHROMA_LOC_LEFT;
}

void FrameUpscaler::prepare(const AVFrame& frame) {
  const AVChromaLocation location = chroma_location(frame);
  if (frame.width == width_ && frame.height == height_ && frame.format == format_ && location == location_) return;
  width_ = frame.width;
  height_ = frame.height;
  format_ = frame.format;
  location_ = location;
  resizers_.clear();
  const AVPixFmtDescriptor& d = description(format_);
  const int64_t scale = engine_.scale(), sub_x = 1 << d.log2_chroma_w, sub_y = 1 << d.log2_chroma_h;
  for (int p = 0; p < plane_count(format_); ++p) {
    resizers_.emplace_back();
    if (is_rgb(format_) || engine_.channels() == 3 ? p < 3 && p != alpha_plane(format_) : p == 0) continue;
    const bool chroma = is_chroma(format_, p);
    const Plane plane = plane_of(frame, p);
    resizers_.back().emplace(PlaneResizer::Format{plane.width, plane.height, plane.type, d.comp[0].depth},
                             chroma ? subsampled(scale * width_, d.log2_chroma_w) : scale * width_,
                             chroma ? subsampled(scale * height_, d.log2_chroma_h) : scale * height_, scale,
                             chroma ? chroma_shift(offset_x(location, sub_x), sub_x, scale) : 0,
                             chroma ? chroma_shift(offset_y(location, sub_y), sub_y, scale) : 0);
  }
}

FrameUpscaler::Job FrameUpscaler::begin(AvFrame frame) {
  const AVPixelFormat planar = planar_format(static_cast<AVPixelFormat>(frame->format));
  AvFrame input = to_planar_(std::move(frame), planar);
  bleed(*input, static_cast<int>(engine_.network().halo()));
  prepare(*input);
  const auto scale = static_cast<int>(engine_.scale());
  constexpr int kAlignment = 64;
  AvFrame output = new_frame(planar, scale * input->width, scale * input->height, kAlignment);
  copy_properties(*input, *output);
  output->chroma_location = input->chroma_location;
  for (int p = 0; p < plane_count(format_); ++p) {
    if (auto& resize = resizers_[static_cast<size_t>(p)])
      (*resize)(const_view(plane_of(*input, p)), plane_of(*output, p));
  }
  return {std::move(input), std::move(output)};
}

AvFrame FrameUpscaler::finish(Job job) {
  if (engine_.channels() == 3) {
    upscale_by_colours(*job.input, *job.output);
    return std::move(job.output);
  }
  if (is_rgb(job.input->format)) {
    upscale_rgb(*job.input, *job.output);
    return std::move(job.output);
  }
  const Plane in = plane_of(*job.input, 0), out = plane_of(*job.output, 0);
  FrameOptions options;
  if (previous_input_ && previous_input_->width == in.width && previous_input_->height == in.height &&
      previous_input_->format == job.input->format && previous_input_->color_range == job.input->color_range) {
    options.previous_input = const_view(plane_of(*previous_input_, 0));
    options.previous_output = const_view(plane_of(*previous_output_, 0));
  }
  const FrameStatistics statistics = engine_.upscale(const_view(in), out, options);
  strips_ += statistics.strips;
  strips_copied_ += statistics.strips_copied;
  previous_input_ = std::move(job.input);
  previous_output_ = new_frame();
  av_check(av_frame_ref(previous_output_.get(), job.output.get()), ErrorCode::io, "keeping a frame");
  return std::move(job.output);
}

void FrameUpscaler::upscale_rgb(const AVFrame& input, AVFrame& output) {
  // Planes are in the order green, blue, red.
  static constexpr int kPlaneOf[] = {2, 0, 1};
  const int64_t scale = engine_.scale(), w = input.width, h = input.height;
  Tensor<float> lr({1, 3, h, w}), hr({1, 3, scale * h, scale * w});
  for (int c = 0; c < 3; ++c) {
    const Plane plane = plane_of(input, kPlaneOf[c]);
    for_each_sample(
        plane, [&](auto sample, int64_t y, int64_t x) { lr(0, c, y, x) = static_cast<float>(sample) / plane.one; });
  }
  rgb_to_ycbcr(lr);
  engine_.upscale(const_view(plane_of(lr)), plane_of(hr));
  PlaneResizer resize({w, h, SampleType::f32, 32}, scale * w, scale * h, scale, 0, 0);
  for (const int c : {1, 2}) {
    // zimg wants aligned rows.
    const int64_t stride = (scale * w * 4 + 63) / 64 * 64;
    std::vector<std::byte> memory(static_cast<size_t>(stride * scale * h) + 64);
    Plane padded = plane_of(hr, c);
    padded.data = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    padded.stride_bytes = stride;
    resize(const_view(plane_of(lr, c)), padded);
    for (int64_t y = 0; y < scale * h; ++y) {
      std::copy_n(reinterpret_cast<const float*>(padded.row(y)), scale * w, hr.row(0, c, y));
    }
  }
  ycbcr_to_rgb(hr);
  for (int c = 0; c < 3; ++c) {
    const Plane plane = plane_of(output, kPlaneOf[c]);
    for_each_sample(plane, [&](auto& sample, int64_t y, int64_t x) {
      sample = static_cast<std::remove_reference_t<decltype(sample)>>(
          std::nearbyint(std::clamp(hr(0, c, y, x), 0.0F, 1.0F) * plane.one));
    });
  }
}

void FrameUpscaler::upscale_by_colours(const AVFrame& input, AVFrame& output) {
  if (!rgb_ || !rgb_->fits(input)) {
    rgb_.emplace(input);
    rgb_input_ = {};
    rgb_output_ = {};
  }
  std::swap(rgb_input_, previous_rgb_input_);
  std::swap(rgb_output_, previous_rgb_output_);
  rgb_->to_rgb(input, rgb_input_);
  const int64_t width = output.width, height = output.height;
  if (rgb_output_.width() != width || rgb_output_.height() != height) rgb_output_ = RgbPlanes(width, height);
  std::array<ConstPlane, 3> in, previous_in, previous_out;
  std::array<Plane, 3> out;
  for (int c = 0; c < 3; ++c) {
    const auto i = static_cast<size_t>(c);
    in[i] = const_view(rgb_input_[c]);
    out[i] = rgb_output_[c];
    previous_in[i] = const_view(previous_rgb_input_[c]);
    previous_out[i] = const_view(previous_rgb_output_[c]);
  }
  FrameOptions options;
  if (previous_rgb_output_.width() == width && previous_rgb_output_.height() == height) {
    options.previous_inputs = previous_in;
    options.previous_outputs = previous_out;
  }
  const FrameStatistics statistics = engine_.upscale(in.data(), out.data(), options);
  strips_ += statistics.strips;
  strips_copied_ += statistics.strips_copied;
  rgb_->from_rgb(rgb_output_, output);
}

}  // namespace fsrcnn
