#include "video/film_encoder.hpp"

extern "C" {
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cmath>
#include <string_view>

#include "video/av_versions.hpp"
#include "video/encoder_choice.hpp"
#include "video/frame_upscaler.hpp"
#include "video/segment_stream.hpp"

namespace fsrcnn {
namespace {

// Encoders divide their work by the number of threads, and their bits depend on it. One number for all machines makes
// the same film on all of them, and segments from several machines fit.
constexpr int kEncoderThreads = 8;

// Constant quality of encoders in graphics cards, which have no `crf`, and otherwise one bit rate for all sizes.
// Theirs are the quantizers of H.264 and HEVC, whose scale is nearly that of x264's quality. Others get a rate by size.
struct CardQuality {
  std::string_view suffix;
  std::vector<const char*> keys;  ///< of its number
  std::vector<std::pair<const char*, const char*>> mode;
};

const CardQuality* card_quality(const AVCodec& encoder) {
  static const CardQuality kKinds[] = {
      {"_nvenc", {"cq"}, {{"rc", "vbr"}, {"b", "0"}}},
      {"_qsv", {"global_quality"}, {}},
      {"_vaapi", {"global_quality"}, {{"rc_mode", "CQP"}}},
      {"_amf", {"qp_i", "qp_p"}, {{"rc", "cqp"}}},
  };
  const bool is_nvidias_av1 = std::string_view(encoder.name) == "av1_nvenc";
  if (encoder.id != AV_CODEC_ID_H264 && encoder.id != AV_CODEC_ID_HEVC && !is_nvidias_av1) return nullptr;
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const CardQuality& quality) {
    return std::string_view(encoder.name).ends_with(quality.suffix);
  });
  return kind == std::end(kKinds) ? nullptr : kind;
}

// What to do if the machine has no card for it.
std::string without_a_card(const AVCodec& encoder) {
  const Preference* preferred = preference(encoder.id);
  return fmt::format("It needs a device that encodes, its driver, and permission to use it{}",
                     preferred == nullptr ? "" : fmt::format("; --codec {} needs none", preferred->encoder));
}

// x264 takes what is beyond for its last, without a word; others' messages name neither the option nor its range.
void check_crf(const AVCodec& encoder, double crf) {
  constexpr double kMostOfH26x = 51;
  const std::string_view name = encoder.name;
  double most = kMostOfH26x;
  if (!name.starts_with("libx26") && card_quality(encoder) == nullptr) most = most_of_option(encoder, "crf", crf);
  if (crf > most) fail(ErrorCode::usage, "--crf is {}, but the encoder {} has 0 to {}", crf, name, most);
}

// What may be wrong with a size that an encoder refuses.
std::string size_hint(const AVFrame& frame, AVPixelFormat pixels) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(pixels);
  const int step_x = 1 << d.log2_chroma_w, step_y = 1 << d.log2_chroma_h;
  if (frame.width % step_x == 0 && frame.height % step_y == 0) return "";
  return fmt::format(
      "{}x{} {} pictures have half a chroma sample, which few encoders take; choose --size {}x{}, a --crop of even "
      "size, --pixel-format yuv444p, or --codec ffv1",
      frame.width, frame.height, d.name, (frame.width + step_x - 1) / step_x * step_x,
      (frame.height + step_y - 1) / step_y * step_y);
}

template <class T>
const T* told_by(const AVFrame& frame, const AVStream& stream, AVFrameSideDataType of_frame,
                 AVPacketSideDataType of_stream) {
  if (const AVFrameSideData* data = av_frame_get_side_data(&frame, of_frame)) return reinterpret_cast<T*>(data->data);
  const AVPacketSideData* data = side_data(stream, of_stream);
  return data != nullptr && data->size >= sizeof(T) ? reinterpret_cast<const T*>(data->data) : nullptr;
}

// Parameters of x264 and x265 for HDR; the container has them too.
std::string hdr_parameters(const AVFrame& frame, const Film& film, bool x265) {
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ":") + more; };
  const auto* display = told_by<AVMasteringDisplayMetadata>(
      frame, film.video(), AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA);
  if (display != nullptr && display->has_primaries != 0 && display->has_luminance != 0) {
    const auto colour = [&](int i) {
      return fmt::format("({},{})", std::lround(50000 * av_q2d(display->display_primaries[i][0])),
                         std::lround(50000 * av_q2d(display->display_primaries[i][1])));
    };
    add(fmt::format(
        "{}=G{}B{}R{}WP({},{})L({},{})", x265 ? "master-display" : "mastering-display", colour(1), colour(2), colour(0),
        std::lround(50000 * av_q2d(display->white_point[0])), std::lround(50000 * av_q2d(display->white_point[1])),
        std::lround(10000 * av_q2d(display->max_luminance)), std::lround(10000 * av_q2d(display->min_luminance))));
  }
  const auto* light = told_by<AVContentLightMetadata>(frame, film.video(), AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
                                                      AV_PKT_DATA_CONTENT_LIGHT_LEVEL);
  if (light != nullptr) add(fmt::format("{}={},{}", x265 ? "max-cll" : "cll", light->MaxCLL, light->MaxFALL));
  return text;
}

// Encoders without constant quality but with a constant quantizer, and the one at which hardly anybody sees a
// difference.
constexpr int kQuantizer = 2;
constexpr int kTheoraQuality = 9;  // of 10

bool has_quantizer(AVCodecID id) {
  static constexpr AVCodecID kIds[] = {AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,
                                       AV_CODEC_ID_MSMPEG4V2,  AV_CODEC_ID_MSMPEG4V3,  AV_CODEC_ID_MJPEG,
                                       AV_CODEC_ID_H263,       AV_CODEC_ID_FLV1,       AV_CODEC_ID_WMV1,
                                       AV_CODEC_ID_WMV2,       AV_CODEC_ID_THEORA};
  return std::find(std::begin(kIds), std::end(kIds), id) != std::end(kIds);
}

// DNxHR's, which has any size: DNxHD's profiles have a few. An input's own is kept where its pixels are those.
int dnxhr_profile(const AVStream& film, AVPixelFormat pixels) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(pixels);
  if (d.log2_chroma_w == 0) return kProfileDnxhr444;
  if (d.comp[0].depth > 8) return kProfileDnxhrHqx;
  const int own = film.codecpar->codec_id == AV_CODEC_ID_DNXHD ? film.codecpar->profile : kProfileUnknown;
  return own == kProfileDnxhrLb || own == kProfileDnxhrSq ? own : kProfileDnxhrHq;
}

// These properties are given by the pictures: an encoder with others would misread them, or write wrong metadata.
void check_is_free(std::string_view key) {
  static constexpr std::string_view kTaken[] = {
      "video_size",  "pixel_format",           "time_base",  "aspect", "color_primaries", "color_trc", "colorspace",
      "color_range", "chroma_sample_location", "field_order"};
  if (std::find(std::begin(kTaken), std::end(kTaken), key) == std::end(kTaken)) return;
  fail(ErrorCode::usage, "--encoder-option {} would contradict the pictures; convert the film before or after", key);
}

// Its encoder takes pixels with alpha only. The better one of the opaque formats is kept.
const char* hap_format(const AVStream& film, const AVFrame& frame) {
  if (is_transparent(static_cast<AVPixelFormat>(frame.format))) return "hap_alpha";
  return film.codecpar->codec_tag == MKTAG('H', 'a', 'p', 'Y') ? "hap_q" : "hap";
}

// Times are kept in the film's unit, unless the codec writes a frame rate instead.
AVRational time_base_of(const AVCodec& encoder, const FrameKind& frames) {
  const AVRational rate = frames.rate;
  const bool by_rate = encoder.id == AV_CODEC_ID_MPEG2VIDEO || encoder.id == AV_CODEC_ID_MPEG1VIDEO ||
                       encoder.id == AV_CODEC_ID_MPEG4 || encoder.id == AV_CODEC_ID_H263;
  return by_rate && rate.num > 0 ? av_inv_q(rate) : frames.time_base;
}

}  // namespace

void fail_for_rate(const AVCodecContext& encoder) {
  fail(ErrorCode::usage,
       "the encoder {} stores a frame rate, here {}/{}, instead of timestamps, but the film has a variable frame rate. "
       "Choose another encoder with --codec, e.g. h264",
       encoder.codec->name, encoder.time_base.den, encoder.time_base.num);
}

std::string encoder_name(const EncoderOptions& options, const Film& film, const FrameKind& frames) {
  return find_encoder(options, film, frames).name;
}

// FFmpeg's libx265 could from 6.1 on, but no longer does unless asked to: x265's interface for it is not safe.
bool keeps_captions(const EncoderOptions& options, const Film& film, const FrameKind& frames) {
  const AVCodec& encoder = find_encoder(options, film, frames);
  return has_option(encoder, "a53cc") && std::string_view(encoder.name) != "libx265";
}

// SVT-AV1 waits forever for its threads if it is closed after a picture without being flushed.
void FilmEncoder::Close::operator()(AVCodecContext* codec) const {
  if (avcodec_is_open(codec) != 0 && std::string_view(codec->codec->name) == "libsvtav1") {
    const AvFrame blank = new_frame();
    blank->width = codec->width;
    blank->height = codec->height;
    blank->format = codec->pix_fmt;
    if (frame_num(*codec) == 0 && av_frame_get_buffer(blank.get(), 0) >= 0) avcodec_send_frame(codec, blank.get());
    avcodec_send_frame(codec, nullptr);
    const AvPacket packet = new_packet();
    while (avcodec_receive_packet(codec, packet.get()) >= 0) av_packet_unref(packet.get());
  }
  avcodec_free_context(&codec);
}

FilmEncoder::FilmEncoder(const EncoderOptions& options, const Film& film, const FrameKind& frames, bool global_header) {
  const AVCodec& encoder = find_encoder(options, film, frames);
  const AVFrame& frame = *frames.like;
  codec_.reset(avcodec_alloc_context3(&encoder));
  if (!codec_) throw std::bad_alloc();
  codec_->width = frame.width;
  codec_->height = frame.height;
  const auto planar = static_cast<AVPixelFormat>(frame.format);
  if (const std::optional<HardwareFormat> hardware = hardware_format(encoder)) {
    try {
      hardware_.emplace(*hardware, planar, frame.width, frame.height);
    } catch (const Error& e) {
      fail(e.code(), "the encoder {} cannot be used: {}. {}", encoder.name, e.what(), without_a_card(encoder));
    }
    codec_->pix_fmt = hardware->pixels;
    codec_->sw_pix_fmt = hardware_->software_format();
    codec_->hw_frames_ctx = av_buffer_ref(&hardware_->context());
    if (codec_->hw_frames_ctx == nullptr) throw std::bad_alloc();
  } else {
    codec_->pix_fmt = pixel_format(encoder, planar);
  }
  const AVPixelFormat samples = pixels();
  codec_->time_base = time_base_of(encoder, frames);
  codec_->framerate = frames.rate;
  codec_->sample_aspect_ratio = frame.sample_aspect_ratio;
  codec_->color_range = frame.color_range;
  codec_->color_primaries = frame.color_primaries;
  codec_->color_trc = frame.color_trc;
  codec_->colorspace = frame.colorspace;
  codec_->chroma_sample_location = frame.chroma_location;
  codec_->field_order = AV_FIELD_PROGRESSIVE;
  codec_->thread_count = kEncoderThreads;
  codec_->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;  // y4m of more than 8 bits, full range in MJPEG
  if (!options.reorders) codec_->max_b_frames = 0;
  if (global_header) codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;

  if (encoder.id == AV_CODEC_ID_WRAPPED_AVFRAME) codec_->chroma_sample_location = chroma_location(frame);
  // Their default is 200 kb/s, whatever the size.
  const auto given = [&](const char* key) {
    return std::any_of(options.others.begin(), options.others.end(), [&](const auto& o) { return o.first == key; });
  };
  if (has_quantizer(encoder.id) && !is_of_a_card(encoder) && !given("b") && !given("global_quality")) {
    codec_->flags |= AV_CODEC_FLAG_QSCALE;
    codec_->global_quality = (encoder.id == AV_CODEC_ID_THEORA ? kTheoraQuality : kQuantizer) * FF_QP2LAMBDA;
  }

  check_crf(encoder, options.crf);
  AvOptions settings;
  const std::string_view name = encoder.name;
  const bool has_crf = has_option(encoder, "crf");
  const Preference* preferred = preference(encoder.id);
  if (const CardQuality* quality = card_quality(encoder)) {
    constexpr int kQuality = 19;
    for (const auto& [key, value] : quality->mode) settings.set(key, value);
    for (const char* key : quality->keys)
      settings.set(key, fmt::format("{}", options.crf >= 0 ? options.crf : kQuality));
  } else if (is_of_a_card(encoder) && options.crf < 0 && !given("b")) {
    constexpr double kBitsPerPixel = 0.2;
    const double rate = codec_->framerate.num > 0 ? av_q2d(codec_->framerate) : 25;
    codec_->bit_rate = std::llround(kBitsPerPixel * rate * frame.width * frame.height);
  } else if (options.crf >= 0 && !has_crf) {
    fail(ErrorCode::usage, "the encoder {} does not support --crf; use its own option, e.g. --encoder-option b=50M",
         name);
  }
  if (has_crf && (options.crf >= 0 || preferred != nullptr)) {
    settings.set("crf", fmt::format("{}", options.crf >= 0 ? options.crf : preferred->crf));
    if (name.starts_with("libvpx") || name == "libaom-av1") settings.set("b", "0");
  }
  if (!options.preset.empty()) settings.set("preset", options.preset);
  if (name == "libaom-av1") settings.set("cpu-used", "6");  // its default takes many seconds for a picture
  if (encoder.id == AV_CODEC_ID_HAP) settings.set("format", hap_format(film.video(), frame));
  if (has_alpha_beside(encoder.id, samples)) {
    // Key frames and hidden pictures at the same places in both codings.
    constexpr int kKeyFrames = 128;
    codec_->gop_size = codec_->keyint_min = kKeyFrames;
    settings.set("auto-alt-ref", "0");
  }
  if (encoder.id == AV_CODEC_ID_DNXHD) {
    settings.set("profile", fmt::format("{}", dnxhr_profile(film.video(), samples)));
  }
  // What the user gives in these comes behind, and counts where it says otherwise.
  std::string parameters;
  const char* parameters_key = name == "libx265" ? "x265-params" : name.starts_with("libx264") ? "x264-params" : "";
  if (name == "libx265") {
    const std::string hdr = hdr_parameters(frame, film, true);
    if (has_option(encoder, "a53cc")) settings.set("a53cc", "0");
    // A pool of threads by the machine's cores would make it choose other ways to look ahead.
    // Of pictures smaller than a block of it its tree of costs reads memory that nobody wrote to.
    constexpr int kBlock = 64;
    const char* tree = std::min(frame.width, frame.height) < kBlock ? ":cutree=0" : "";
    parameters =
        fmt::format("log-level=none:info=0:pools={}{}", kEncoderThreads, tree) + (hdr.empty() ? "" : ":hdr10=1:" + hdr);
  }
  if (name.starts_with("libx264")) parameters = hdr_parameters(frame, film, false);
  if (!parameters.empty()) settings.set(parameters_key, parameters);
  if (encoder.id == AV_CODEC_ID_PRORES && preferred != nullptr) settings.set("vendor", "apl0");
  for (const auto& [key, value] : options.others) {
    check_is_free(key);
    const bool append = key == parameters_key && !parameters.empty();
    settings.set(key, append ? parameters += ":" + value : value);
  }
  option_warning();
  if (const int result = avcodec_open2(codec_.get(), &encoder, settings.get()); result < 0) {
    const std::string hint = is_of_a_card(encoder) ? without_a_card(encoder) : size_hint(frame, samples);
    fail(ErrorCode::usage, "opening the encoder {} for {}x{} {} pictures: {}{}{}", name, frame.width, frame.height,
         av_get_pix_fmt_name(samples), av_message(result), hint.empty() ? "" : ". ", hint);
  }
  if (const std::string said = option_warning(); !said.empty()) {
    fail(ErrorCode::usage, "the encoder {} rejects an --encoder-option: {}", name, said);
  }
  if (const std::string unknown = settings.unused(); !unknown.empty()) {
    fail(ErrorCode::usage, "the encoder {} has no option '{}'; `ffmpeg -h encoder={}` lists its options", name, unknown,
         name);
  }
}

AVPixelFormat FilmEncoder::pixels() const { return hardware_ ? hardware_->software_format() : codec_->pix_fmt; }

void FilmEncoder::encode(const AVFrame* frame, const Sink& sink) {
  AvFrame own;
  if (frame != nullptr) {
    own = pad_(*to_pixels_(reference_to(*frame), pixels()));
    if (hardware_) own = hardware_->upload(*own);
  }
  av_check(avcodec_send_frame(codec_.get(), own.get()), ErrorCode::io, "encoding with {}", codec_->codec->name);
  for (;;) {
    const int result = avcodec_receive_packet(codec_.get(), packet_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    av_check(result, ErrorCode::io, "encoding with {}", codec_->codec->name);
    sink(*packet_);
    av_packet_unref(packet_.get());
  }
}

}  // namespace fsrcnn
