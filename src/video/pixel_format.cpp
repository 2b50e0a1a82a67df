#include "video/pixel_format.hpp"

extern "C" {
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <utility>
#include <vector>

#include "video/av_versions.hpp"

namespace fsrcnn {
namespace {

struct Pack {
  AVPixelFormat packed, planar;
};

// For encoders the earlier one counts.
constexpr Pack kPacks[] = {
    {AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P},     {AV_PIX_FMT_NV21, AV_PIX_FMT_YUV420P},
    {AV_PIX_FMT_NV16, AV_PIX_FMT_YUV422P},     {AV_PIX_FMT_NV24, AV_PIX_FMT_YUV444P},
    {AV_PIX_FMT_P010LE, AV_PIX_FMT_YUV420P10}, {AV_PIX_FMT_P016LE, AV_PIX_FMT_YUV420P16},
    {AV_PIX_FMT_YUYV422, AV_PIX_FMT_YUV422P},  {AV_PIX_FMT_UYVY422, AV_PIX_FMT_YUV422P},
    {AV_PIX_FMT_RGB24, AV_PIX_FMT_GBRP},       {AV_PIX_FMT_BGR24, AV_PIX_FMT_GBRP},
    {AV_PIX_FMT_BGR0, AV_PIX_FMT_GBRP},        {AV_PIX_FMT_RGB0, AV_PIX_FMT_GBRP},
    {AV_PIX_FMT_0RGB, AV_PIX_FMT_GBRP},        {AV_PIX_FMT_0BGR, AV_PIX_FMT_GBRP},
    {AV_PIX_FMT_RGBA, AV_PIX_FMT_GBRAP},       {AV_PIX_FMT_BGRA, AV_PIX_FMT_GBRAP},
    {AV_PIX_FMT_ARGB, AV_PIX_FMT_GBRAP},       {AV_PIX_FMT_ABGR, AV_PIX_FMT_GBRAP},
    {AV_PIX_FMT_RGB48LE, AV_PIX_FMT_GBRP16},   {AV_PIX_FMT_RGB48BE, AV_PIX_FMT_GBRP16},
    {AV_PIX_FMT_RGBA64LE, AV_PIX_FMT_GBRAP16}, {AV_PIX_FMT_RGBA64BE, AV_PIX_FMT_GBRAP16},
    {AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_GRAY16},  {AV_PIX_FMT_PAL8, AV_PIX_FMT_GBRAP},
    {AV_PIX_FMT_MONOBLACK, AV_PIX_FMT_GRAY8},  {AV_PIX_FMT_MONOWHITE, AV_PIX_FMT_GRAY8},
    {AV_PIX_FMT_YA8, AV_PIX_FMT_GBRAP},
};

// YUV of full range has names of its own in old encoders and decoders.
constexpr std::pair<AVPixelFormat, AVPixelFormat> kFullRange[] = {{AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P},
                                                                  {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUVJ422P},
                                                                  {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P}};

// planar_format(), or AV_PIX_FMT_NONE.
AVPixelFormat find_planar(AVPixelFormat format) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                              AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BE;
  const int depth = d.comp[0].depth;
  if ((d.flags & kOther) == 0 && av_pix_fmt_count_planes(format) == d.nb_components && depth >= 8 && depth <= 16 &&
      d.comp[0].shift == 0) {
    return format;
  }
  const auto* pack = std::find_if(std::begin(kPacks), std::end(kPacks), [&](auto& p) { return p.packed == format; });
  return pack == std::end(kPacks) ? AV_PIX_FMT_NONE : pack->planar;
}

// Of what FFV1 keeps and can be upscaled.
AVPixelFormat nearest(AVPixelFormat format) {
  std::vector<AVPixelFormat> known;
  for (const AVPixelFormat* p = pixel_formats(*avcodec_find_encoder(AV_CODEC_ID_FFV1)); *p != AV_PIX_FMT_NONE; ++p) {
    if (find_planar(*p) != AV_PIX_FMT_NONE) known.push_back(*p);
  }
  known.push_back(AV_PIX_FMT_NONE);
  return avcodec_find_best_pix_fmt_of_list(known.data(), format, is_transparent(format), nullptr);
}

}  // namespace

bool loses_samples(AVPixelFormat format) {
  return format == AV_PIX_FMT_PAL8 || format == AV_PIX_FMT_MONOBLACK || format == AV_PIX_FMT_MONOWHITE ||
         format == AV_PIX_FMT_YA8;
}

AVPixelFormat planar_format(AVPixelFormat format) {
  const AVPixelFormat planar = find_planar(format);
  if (planar != AV_PIX_FMT_NONE) return planar;
  fail(ErrorCode::input,
       "unsupported pixel format {}. Convert the film to the nearest supported one first, e.g. ffmpeg -i FILM "
       "-map 0 -c copy -c:v ffv1 -pix_fmt {} CONVERTED.mkv",
       av_get_pix_fmt_name(format), av_get_pix_fmt_name(nearest(format)));
}

std::vector<AVPixelFormat> planar_formats() {
  std::vector<AVPixelFormat> formats;
  for (const AVPixFmtDescriptor* d = av_pix_fmt_desc_next(nullptr); d != nullptr; d = av_pix_fmt_desc_next(d)) {
    const AVPixelFormat format = av_pix_fmt_desc_get_id(d);
    if (find_planar(format) == format) formats.push_back(format);
  }
  formats.push_back(AV_PIX_FMT_NONE);
  return formats;
}

AVPixelFormat with_16_bits(AVPixelFormat planar) {
  const AVPixFmtDescriptor& like = *av_pix_fmt_desc_get(planar);
  for (const AVPixelFormat format : planar_formats()) {
    if (format == AV_PIX_FMT_NONE) break;
    const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
    if (d.comp[0].depth == 16 && d.flags == like.flags && d.nb_components == like.nb_components &&
        d.log2_chroma_w == like.log2_chroma_w && d.log2_chroma_h == like.log2_chroma_h) {
      return format;
    }
  }
  return planar;
}

bool is_listed(AVPixelFormat format, const AVPixelFormat* list) {
  while (*list != AV_PIX_FMT_NONE && *list != format) ++list;
  return *list == format;
}

AVPixelFormat same_samples(AVPixelFormat planar, const AVPixelFormat* list) {
  if (list == nullptr) return planar;
  const auto has = [&](AVPixelFormat format) { return is_listed(format, list); };
  if (has(planar)) return planar;
  for (const auto& [plain, full] : kFullRange) {
    if (planar == plain && has(full)) return full;
    if (planar == full && has(plain)) return plain;
  }
  // Last comes what has an alpha that says nothing: libswscale makes it opaque.
  for (const AVPixelFormat to : {planar, planar == AV_PIX_FMT_GBRP ? AV_PIX_FMT_GBRAP : AV_PIX_FMT_NONE}) {
    for (const Pack& pack : kPacks) {
      if (pack.planar == to && !loses_samples(pack.packed) && has(pack.packed)) return pack.packed;
    }
  }
  return AV_PIX_FMT_NONE;
}

bool is_transparent(AVPixelFormat format) { return (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0; }

PixelConverter::~PixelConverter() { sws_freeContext(context_); }

AvFrame PixelConverter::operator()(AvFrame frame, AVPixelFormat to) {
  const auto from = static_cast<AVPixelFormat>(frame->format);
  if (to == from) return frame;
  for (const auto& [plain, full] : kFullRange) {
    if ((from == plain && to == full) || (from == full && to == plain)) {
      frame->format = to;
      return frame;
    }
  }
  context_ = sws_getCachedContext(context_, frame->width, frame->height, from, frame->width, frame->height, to,
                                  SWS_POINT | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, nullptr, nullptr, nullptr);
  if (context_ == nullptr) {
    fail(ErrorCode::input, "pixel format {} cannot be converted to {}", av_get_pix_fmt_name(from),
         av_get_pix_fmt_name(to));
  }
  AvFrame result = new_frame(to, frame->width, frame->height);
  av_check(av_frame_copy_props(result.get(), frame.get()), ErrorCode::io, "copying a frame's properties");
  sws_scale(context_, frame->data, frame->linesize, 0, frame->height, result->data, result->linesize);
  return result;
}

}  // namespace fsrcnn
