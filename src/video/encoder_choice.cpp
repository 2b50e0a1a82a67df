#include "video/encoder_choice.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>

#include "video/av_versions.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

constexpr Preference kPreferences[] = {
    {AV_CODEC_ID_H264, "libx264", 17},   {AV_CODEC_ID_HEVC, "libx265", 18}, {AV_CODEC_ID_AV1, "libsvtav1", 24},
    {AV_CODEC_ID_VP9, "libvpx-vp9", 22}, {AV_CODEC_ID_VP8, "libvpx", 8},    {AV_CODEC_ID_PRORES, "prores_ks", -1},
};

}  // namespace

const Preference* preference(AVCodecID id) {
  const auto* found =
      std::find_if(std::begin(kPreferences), std::end(kPreferences), [&](auto& p) { return p.id == id; });
  return found == std::end(kPreferences) ? nullptr : found;
}

namespace {

// The family's first encoder that supports the film's pixel format, or else its first encoder, whose message lists the
// supported formats.
const AVCodec* encoder_of_family(AVCodecID id, AVPixelFormat planar) {
  const Preference* preferred = preference(id);
  const AVCodec* first = preferred != nullptr ? avcodec_find_encoder_by_name(preferred->encoder) : nullptr;
  if (first == nullptr) first = avcodec_find_encoder(id);
  if (first == nullptr || same_samples(planar, pixel_formats(*first)) != AV_PIX_FMT_NONE) return first;
  constexpr int kOthers = AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID | AV_CODEC_CAP_EXPERIMENTAL;
  void* state = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&state)) {
    if (av_codec_is_encoder(codec) != 0 && codec->id == id && (codec->capabilities & kOthers) == 0 &&
        same_samples(planar, pixel_formats(*codec)) != AV_PIX_FMT_NONE) {
      return codec;
    }
  }
  return first;
}

AVPixelFormat pixels_of(const FrameKind& frames) { return static_cast<AVPixelFormat>(frames.like->format); }

AVCodecID default_codec(const Film& film) {
  const AVCodecID id = film.video().codecpar->codec_id;
  if (!is_raw(film)) return id;
  // YUV4MPEG2 comes from other programs' decoders; raw pictures in a file mean that no loss is wanted.
  const bool passed_on = film.format().iformat->name == kRawFormat;
  return passed_on ? AV_CODEC_ID_H264 : AV_CODEC_ID_FFV1;
}

}  // namespace

bool is_raw(const Film& film) {
  const AVCodecID id = film.video().codecpar->codec_id;
  return id == AV_CODEC_ID_RAWVIDEO || id == AV_CODEC_ID_WRAPPED_AVFRAME;
}

const AVCodec& find_encoder(const EncoderOptions& options, const Film& film, const FrameKind& frames) {
  if (options.codec.empty()) {
    const AVCodecID id = default_codec(film);
    if (const AVCodec* encoder = encoder_of_family(id, pixels_of(frames))) return *encoder;
    fail(ErrorCode::usage, "no encoder available for {}; choose another with --codec, e.g. h264", avcodec_get_name(id));
  }
  // A family may bear the name of an encoder that is not its best.
  const AVCodecDescriptor* family = avcodec_descriptor_get_by_name(options.codec.c_str());
  const bool is_preferred = family != nullptr && preference(family->id) != nullptr;
  const AVCodec* encoder = is_preferred ? nullptr : avcodec_find_encoder_by_name(options.codec.c_str());
  if (encoder == nullptr && family != nullptr) encoder = encoder_of_family(family->id, pixels_of(frames));
  if (encoder == nullptr || encoder->type != AVMEDIA_TYPE_VIDEO) {
    fail(ErrorCode::usage,
         "unknown or unavailable video encoder '{}'; supported are e.g. h264, hevc, vp9, av1, prores, ffv1",
         options.codec);
  }
  return *encoder;
}

AVPixelFormat pixel_format(const AVCodec& encoder, AVPixelFormat planar) {
  const AVPixelFormat format = same_samples(planar, pixel_formats(encoder));
  if (format != AV_PIX_FMT_NONE) return format;
  int loss = 0;
  const auto is_rgb = [](AVPixelFormat pixels) {
    return (av_pix_fmt_desc_get(pixels)->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  };
  const AVPixelFormat nearest =
      avcodec_find_best_pix_fmt_of_list(pixel_formats(encoder), planar, is_transparent(planar), &loss);
  if (is_rgb(nearest) != is_rgb(planar)) {
    fail(ErrorCode::usage,
         "the encoder {} does not support the film's pixel format {}; the nearest supported one is {}. Choose another "
         "encoder with --codec (ffv1 supports nearly all formats), or convert the film first, e.g. ffmpeg -i FILM -map "
         "0 -c copy -c:v ffv1 -pix_fmt {} CONVERTED.mkv",
         encoder.name, av_get_pix_fmt_name(planar), av_get_pix_fmt_name(nearest), av_get_pix_fmt_name(nearest));
  }
  std::string others;
  constexpr int kMost = 6;
  int count = 0;
  for (const AVPixelFormat* other = pixel_formats(encoder); *other != AV_PIX_FMT_NONE && count < kMost; ++other) {
    if (*other == nearest || is_rgb(*other) != is_rgb(planar)) continue;
    others += fmt::format("{}{}", count++ == 0 ? "; it also has " : ", ", av_get_pix_fmt_name(*other));
  }
  fail(ErrorCode::usage,
       "the encoder {} does not support the film's pixel format {}. Choose another with --pixel-format (the nearest is "
       "{}{}), or another encoder with --codec (ffv1 supports nearly all formats)",
       encoder.name, av_get_pix_fmt_name(planar), av_get_pix_fmt_name(nearest), others);
}

bool is_of_a_card(const AVCodec& encoder) {
  return (encoder.capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) != 0;
}

namespace {

const AVOption* find_option(const AVCodec& encoder, const char* name) {
  if (encoder.priv_class == nullptr) return nullptr;
  return av_opt_find2(const_cast<AVClass**>(&encoder.priv_class), name, nullptr, 0, AV_OPT_SEARCH_FAKE_OBJ, nullptr);
}

}  // namespace

bool has_option(const AVCodec& encoder, const char* name) { return find_option(encoder, name) != nullptr; }

double most_of_option(const AVCodec& encoder, const char* name, double otherwise) {
  const AVOption* option = find_option(encoder, name);
  return option == nullptr ? otherwise : option->max;
}

}  // namespace fsrcnn
