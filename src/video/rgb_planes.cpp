#include "video/rgb_planes.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/error.hpp"
#include "video/frame_upscaler.hpp"
#include "video/plane_resizer.hpp"
#include "video/zimg_frame.hpp"

namespace fsrcnn {
namespace {

const AVPixFmtDescriptor& description(const AVFrame& frame) {
  return *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
}

bool is_rgb(const AVPixFmtDescriptor& d) { return (d.flags & AV_PIX_FMT_FLAG_RGB) != 0; }
bool is_gray(const AVPixFmtDescriptor& d) { return d.nb_components < 3; }

}  // namespace

RgbPlanes::RgbPlanes(int64_t width, int64_t height) : width_(width), height_(height) {
  constexpr int64_t kFloats = kZimgAlignment / sizeof(float);
  stride_floats_ = (width + kFloats - 1) / kFloats * kFloats;
  samples_ = allocate_aligned(static_cast<size_t>(3 * stride_floats_ * height));
}

Plane RgbPlanes::operator[](int colour) const {
  auto* const data = reinterpret_cast<std::byte*>(samples_.get() + colour * stride_floats_ * height_);
  return {data, width_, height_, stride_floats_ * static_cast<ptrdiff_t>(sizeof(float))};
}

RgbConverter::Properties RgbConverter::properties_of(const AVFrame& frame) {
  return {frame.format, is_full_range(frame) ? 1 : 0, frame.colorspace, chroma_location(frame)};
}

RgbConverter::RgbConverter(const AVFrame& like) : properties_(properties_of(like)), matrix_(zimg_matrix(like)) {}

bool RgbConverter::fits(const AVFrame& frame) const { return properties_of(frame) == properties_; }

void RgbConverter::prepare(Way& way, const AVFrame& frame, bool to_rgb) {
  if (way.width == frame.width && way.height == frame.height) return;
  zimgxx::zimage_format from = zimg_format(frame, matrix_), to = from;
  to.depth = 32;
  to.pixel_type = ZIMG_PIXEL_FLOAT;
  to.pixel_range = ZIMG_RANGE_FULL;
  // Gray stays one plane, which is copied.
  if (from.color_family != ZIMG_COLOR_GREY) {
    to.color_family = ZIMG_COLOR_RGB;
    to.matrix_coefficients = ZIMG_MATRIX_RGB;
    to.subsample_w = to.subsample_h = 0;
  }
  if (!to_rgb) std::swap(from, to);
  zimgxx::zfilter_graph_builder_params params;
  params.resample_filter_uv = ZIMG_RESIZE_BICUBIC;
  params.filter_param_a_uv = 0;
  params.filter_param_b_uv = 0.5;
  params.dither_type = ZIMG_DITHER_NONE;
  try {
    way = {frame.width, frame.height, zimgxx::FilterGraph::build(from, to, &params)};
  } catch (const zimgxx::zerror& e) {
    fail(ErrorCode::input, "converting {} frames to RGB, the network's input, failed: {}", description(frame).name,
         e.msg);
  }
}

void RgbConverter::to_rgb(const AVFrame& frame, RgbPlanes& rgb) {
  const AvFrame copy = zimg_aligned(frame);
  const AVFrame& from = copy ? *copy : frame;
  prepare(to_, frame, true);
  if (rgb.width() != frame.width || rgb.height() != frame.height) rgb = RgbPlanes(frame.width, frame.height);
  const AVPixFmtDescriptor& d = description(from);
  zimgxx::zimage_buffer_const source;
  zimgxx::zimage_buffer target;
  for (int c = 0; c < 3; ++c) {
    // FFmpeg's planes of RGB are in the order green, blue, red.
    const int plane = is_rgb(d) ? (c + 2) % 3 : is_gray(d) ? 0 : c;
    source.data(c) = from.data[plane];
    source.stride(c) = from.linesize[plane];
    source.mask(c) = target.mask(c) = ZIMG_BUFFER_MAX;
    target.data(c) = rgb[c].data;
    target.stride(c) = rgb[c].stride_bytes;
  }
  try {
    to_.graph.process(source, target, zimg_memory(memory_, to_.graph.get_tmp_size()));
  } catch (const zimgxx::zerror& e) {
    fail(ErrorCode::input, "converting a frame to RGB failed: {}", e.msg);
  }
  if (!is_gray(d)) return;
  for (int c = 1; c < 3; ++c) {
    for (int64_t y = 0; y < rgb.height(); ++y) {
      std::copy_n(rgb[0].row(y), rgb.width() * static_cast<int64_t>(sizeof(float)), rgb[c].row(y));
    }
  }
}

void RgbConverter::from_rgb(const RgbPlanes& rgb, AVFrame& frame) {
  prepare(from_, frame, false);
  const AVPixFmtDescriptor& d = description(frame);
  if (is_gray(d)) {
    // A network need not keep the three alike.
    if (gray_.width() != rgb.width() || gray_.height() != rgb.height()) gray_ = RgbPlanes(rgb.width(), rgb.height());
    const auto row = [](const RgbPlanes& planes, int colour, int64_t y) {
      return reinterpret_cast<float*>(planes[colour].row(y));
    };
    for (int64_t y = 0; y < rgb.height(); ++y) {
      const float *const r = row(rgb, 0, y), *const g = row(rgb, 1, y), *const b = row(rgb, 2, y);
      float* const gray = row(gray_, 0, y);
      for (int64_t x = 0; x < rgb.width(); ++x) gray[x] = 0.299F * r[x] + 0.587F * g[x] + 0.114F * b[x];
    }
  }
  const RgbPlanes& from = is_gray(d) ? gray_ : rgb;
  zimgxx::zimage_buffer_const source;
  zimgxx::zimage_buffer target;
  for (int c = 0; c < 3; ++c) {
    const int plane = is_rgb(d) ? (c + 2) % 3 : is_gray(d) ? 0 : c;
    source.data(c) = from[c].data;
    source.stride(c) = from[c].stride_bytes;
    source.mask(c) = target.mask(c) = ZIMG_BUFFER_MAX;
    target.data(c) = frame.data[plane];
    target.stride(c) = frame.linesize[plane];
  }
  try {
    from_.graph.process(source, target, zimg_memory(memory_, from_.graph.get_tmp_size()));
  } catch (const zimgxx::zerror& e) {
    fail(ErrorCode::input, "converting a frame from RGB failed: {}", e.msg);
  }
}

}  // namespace fsrcnn
