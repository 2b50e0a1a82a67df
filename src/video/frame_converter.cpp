#include "video/frame_converter.hpp"

extern "C" {
#include <libavutil/imgutils.h>
}

#include <algorithm>

#include "video/frame_filter.hpp"
#include "video/frame_upscaler.hpp"
#include "video/pixel_format.hpp"
#include "video/plane_resizer.hpp"
#include "video/zimg_frame.hpp"

namespace fsrcnn {
namespace {

const AVPixFmtDescriptor& descriptor(int format) { return *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format)); }

// zimg's plane of a format's: its fourth is alpha, also of gray. -1: there is none.
int plane_of(AVPixelFormat pixels, int c) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(pixels);
  const int colours = d.nb_components - (is_transparent(pixels) ? 1 : 0);
  if (c == 3) return colours < d.nb_components ? colours : -1;
  return c < colours ? zimg_plane(d, c) : -1;
}

// Chroma has its own number of rows and columns.
int subsampled(int size, int plane, int shift) { return plane == 1 || plane == 2 ? -(-size >> shift) : size; }

}  // namespace

// frame: width and height are those of the picture in it, which may be less than those of what zimg reads.
void FrameConverter::prepare(const AVFrame& frame, const AVFrame& inner) {
  if (like_ && like_->width == frame.width && like_->height == frame.height && like_->format == frame.format &&
      like_->colorspace == frame.colorspace && like_->color_range == frame.color_range &&
      like_->chroma_location == frame.chroma_location) {
    return;
  }
  const int matrix = zimg_matrix(frame);
  zimgxx::zimage_format from = zimg_format(frame, matrix), to = zimg_format(inner, matrix);
  const AVPixFmtDescriptor &d = descriptor(frame.format), &e = descriptor(inner.format);
  if (is_transparent(static_cast<AVPixelFormat>(frame.format))) from.alpha = ZIMG_ALPHA_STRAIGHT;
  if (is_transparent(target_.pixels)) to.alpha = ZIMG_ALPHA_STRAIGHT;
  // Where only one of both has no matrix (gray), the other's luma is it.
  const double width = frame.width * target_.share_x, height = frame.height * target_.share_y;
  from.width = static_cast<unsigned>(zimg_width(frame));
  from.height = static_cast<unsigned>(zimg_height(frame));
  to.width = static_cast<unsigned>(zimg_width(inner));
  to.height = static_cast<unsigned>(zimg_height(inner));
  from.active_region = {(frame.width - width) / 2, (frame.height - height) / 2, width * to.width / inner.width,
                        height * to.height / inner.height};
  zimgxx::zfilter_graph_builder_params params;
  params.resample_filter = params.resample_filter_uv =
      kernel_ == Kernel::lanczos ? ZIMG_RESIZE_LANCZOS : ZIMG_RESIZE_BICUBIC;
  if (kernel_ == Kernel::bicubic) {
    params.filter_param_a = params.filter_param_a_uv = 0;
    params.filter_param_b = params.filter_param_b_uv = 0.5;
  }
  if (kernel_ == Kernel::lanczos) params.filter_param_a = params.filter_param_a_uv = 3;
  params.dither_type = e.comp[0].depth < d.comp[0].depth ? ZIMG_DITHER_ERROR_DIFFUSION : ZIMG_DITHER_NONE;
  try {
    graph_ = zimgxx::FilterGraph::build(from, to, &params);
  } catch (const zimgxx::zerror& e2) {
    fail(ErrorCode::input, "converting {}x{} {} pictures to {}x{} {} failed: {}", frame.width, frame.height, d.name,
         inner.width, inner.height, e.name, e2.msg);
  }
  like_ = without_samples(frame);
}

AvFrame FrameConverter::operator()(AvFrame frame) {
  const bool is_same = frame->format == target_.pixels && frame->width == target_.width &&
                       frame->height == target_.height && target_.inner_width == target_.width &&
                       target_.inner_height == target_.height && target_.share_x == 1 && target_.share_y == 1;
  if (is_same) return frame;
  AvFrame inner = new_frame();
  inner->format = target_.pixels;
  inner->width = target_.inner_width;
  inner->height = target_.inner_height;
  inner = new_frame(target_.pixels, zimg_width(*inner), zimg_height(*inner), static_cast<int>(kZimgAlignment));
  inner->width = target_.inner_width;
  inner->height = target_.inner_height;
  av_check(av_frame_copy_props(inner.get(), frame.get()), ErrorCode::io, "copying a frame's properties");
  // Formats of full range alone say so themselves, others by a property.
  if (is_full_range(*frame) != is_full_range(*inner)) {
    inner->color_range = is_full_range(*frame) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  }
  if (AvFrame copy = zimg_aligned(*frame)) {
    av_check(av_frame_copy_props(copy.get(), frame.get()), ErrorCode::io, "copying a frame's properties");
    copy->width = frame->width;
    copy->height = frame->height;
    frame = std::move(copy);
  }
  prepare(*frame, *inner);
  zimgxx::zimage_buffer_const source;
  zimgxx::zimage_buffer target;
  for (int c = 0; c < 4; ++c) {
    const int from = plane_of(static_cast<AVPixelFormat>(frame->format), c), to = plane_of(target_.pixels, c);
    source.mask(c) = target.mask(c) = ZIMG_BUFFER_MAX;
    source.data(c) = from >= 0 ? frame->data[from] : nullptr;
    source.stride(c) = from >= 0 ? frame->linesize[from] : 0;
    target.data(c) = to >= 0 ? inner->data[to] : nullptr;
    target.stride(c) = to >= 0 ? inner->linesize[to] : 0;
  }
  try {
    graph_.process(source, target, zimg_memory(memory_, graph_.get_tmp_size()));
  } catch (const zimgxx::zerror& error) {
    fail(ErrorCode::input, "converting a frame to {} failed: {}", av_get_pix_fmt_name(target_.pixels), error.msg);
  }
  return padded(std::move(inner));
}

AvFrame FrameConverter::padded(AvFrame inner) const {
  if (inner->width == target_.width && inner->height == target_.height) return inner;
  AvFrame frame = new_frame(target_.pixels, target_.width, target_.height, static_cast<int>(kZimgAlignment));
  av_check(av_frame_copy_props(frame.get(), inner.get()), ErrorCode::io, "copying a frame's properties");
  const AVPixFmtDescriptor& d = descriptor(frame->format);
  ptrdiff_t strides[4];
  std::copy(std::begin(frame->linesize), std::begin(frame->linesize) + 4, strides);
  av_check(
      av_image_fill_black(frame->data, strides, target_.pixels,
                          is_full_range(*frame) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG, frame->width, frame->height),
      ErrorCode::input, "filling a frame with black");
  // On whole samples of chroma.
  const int left = (frame->width - inner->width) / 2 >> d.log2_chroma_w << d.log2_chroma_w;
  const int top = (frame->height - inner->height) / 2 >> d.log2_chroma_h << d.log2_chroma_h;
  const int bytes = (d.comp[0].depth + 7) / 8;
  for (int p = 0; p < av_pix_fmt_count_planes(target_.pixels); ++p) {
    const int x = left >> (p == 1 || p == 2 ? d.log2_chroma_w : 0), y = top >> (p == 1 || p == 2 ? d.log2_chroma_h : 0);
    av_image_copy_plane(frame->data[p] + y * frame->linesize[p] + x * bytes, frame->linesize[p], inner->data[p],
                        inner->linesize[p], bytes * subsampled(inner->width, p, d.log2_chroma_w),
                        subsampled(inner->height, p, d.log2_chroma_h));
  }
  return frame;
}

}  // namespace fsrcnn
