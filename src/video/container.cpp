#include "video/container.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "base/file.hpp"

namespace fsrcnn {
namespace {

const AVOutputFormat& format_of(const std::filesystem::path& output) {
  return *av_guess_format(container_of(output).c_str(), nullptr, nullptr);
}

// These two muxers accept anything, but mark unknown codecs as data or as something else.
constexpr AVCodecID kTransportStream[] = {
    AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO,   AV_CODEC_ID_MPEG4,        AV_CODEC_ID_H264,
    AV_CODEC_ID_HEVC,       AV_CODEC_ID_VC1,          AV_CODEC_ID_DIRAC,        AV_CODEC_ID_MP2,
    AV_CODEC_ID_MP3,        AV_CODEC_ID_AAC,          AV_CODEC_ID_AAC_LATM,     AV_CODEC_ID_AC3,
    AV_CODEC_ID_EAC3,       AV_CODEC_ID_DTS,          AV_CODEC_ID_TRUEHD,       AV_CODEC_ID_OPUS,
    AV_CODEC_ID_S302M,      AV_CODEC_ID_DVB_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT,
};
constexpr AVCodecID kM2ts[] = {AV_CODEC_ID_PCM_BLURAY, AV_CODEC_ID_HDMV_PGS_SUBTITLE};
constexpr AVCodecID kProgramStream[] = {
    AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,     AV_CODEC_ID_H264,
    AV_CODEC_ID_HEVC,       AV_CODEC_ID_MP2,        AV_CODEC_ID_MP3,       AV_CODEC_ID_AC3,
    AV_CODEC_ID_DTS,        AV_CODEC_ID_PCM_DVD,    AV_CODEC_ID_PCM_S16BE, AV_CODEC_ID_DVD_SUBTITLE,
};

bool has(std::span<const AVCodecID> list, AVCodecID id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

// Where FFmpeg's own answer is not to be trusted; else nothing.
std::optional<bool> known_to_hold(const std::filesystem::path& output, AVCodecID id) {
  const AVOutputFormat& format = format_of(output);
  const std::string_view name = format.name;
  if (name == "mpegts") return has(kTransportStream, id) || (is_m2ts(output) && has(kM2ts, id));
  static constexpr std::string_view kProgramStreams[] = {"mpeg", "vob", "svcd", "dvd", "vcd"};
  if (std::find(std::begin(kProgramStreams), std::end(kProgramStreams), name) != std::end(kProgramStreams)) {
    return has(kProgramStream, id);
  }
  // A file of bare packets of one codec.
  const bool bare = (format.flags & AVFMT_NOTIMESTAMPS) != 0 && format.audio_codec == AV_CODEC_ID_NONE;
  if (bare && format.codec_tag == nullptr) return id == format.video_codec;
  return std::nullopt;
}

}  // namespace

std::string container_of(const std::filesystem::path& output) {
  const AVOutputFormat* format = av_guess_format(nullptr, output.c_str(), nullptr);
  if (format == nullptr || format->video_codec == AV_CODEC_ID_NONE || (format->flags & AVFMT_NOFILE) != 0) {
    fail(ErrorCode::usage,
         "'{}' does not have the suffix of a film; use .mkv (which stores nearly everything), .mp4, .mov or .webm",
         output.string());
  }
  return format->name;
}

bool is_matroska(std::string_view container) { return container == "matroska" || container == "webm"; }

bool is_mov(std::string_view container) {
  static constexpr std::string_view kNames[] = {"mov", "mp4", "ipod", "3gp", "3g2", "f4v", "ismv", "psp"};
  return std::find(std::begin(kNames), std::end(kNames), container) != std::end(kNames);
}

bool is_m2ts(const std::filesystem::path& output) { return lower_suffix(output) == ".m2ts"; }

bool is_cover(const AVStream& stream) { return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0; }

bool can_hold(const std::filesystem::path& output, const AVStream& stream) {
  const AVOutputFormat& format = format_of(output);
  const AVCodecParameters& p = *stream.codecpar;
  if (p.codec_type == AVMEDIA_TYPE_ATTACHMENT || (is_cover(stream) && is_matroska(format.name))) {
    return std::string_view(format.name) == "matroska";
  }
  if (p.codec_id == AV_CODEC_ID_NONE) return false;
  if (const auto known = known_to_hold(output, p.codec_id)) return *known;
  const int answer = avformat_query_codec(&format, p.codec_id, FF_COMPLIANCE_EXPERIMENTAL);
  if (answer == AVERROR_PATCHWELCOME) return p.codec_type == AVMEDIA_TYPE_VIDEO || p.codec_type == AVMEDIA_TYPE_AUDIO;
  return answer > 0;
}

bool can_hold_pictures(const std::filesystem::path& output, const AVCodecParameters& pictures) {
  const AVOutputFormat& format = format_of(output);
  // For raw pictures only the tag gives the pixel format, and muxers write a wrong one if they do not know it.
  if (pictures.codec_id == AV_CODEC_ID_RAWVIDEO && format.codec_tag != nullptr && !is_matroska(format.name)) {
    return av_codec_get_id(format.codec_tag, pictures.codec_tag) == AV_CODEC_ID_RAWVIDEO;
  }
  // The container cannot store its bits per pixel, which decoders need.
  if (pictures.codec_id == AV_CODEC_ID_QTRLE && is_matroska(format.name)) return false;
  if (const auto known = known_to_hold(output, pictures.codec_id)) return *known;
  if (avformat_query_codec(&format, pictures.codec_id, FF_COMPLIANCE_EXPERIMENTAL) != 0) return true;
  // In MOV the muxer takes the tags of AVI for codecs that have none of their own.
  const AVCodecTag* const tags[] = {avformat_get_riff_video_tags(), nullptr};
  return std::string_view(format.name) == "mov" && av_codec_get_tag(tags, pictures.codec_id) != 0;
}

bool tells_times(std::string_view container) { return container != "avi"; }

bool wants_headers_in_packets(const AVOutputFormat& container, AVCodecID pictures) {
  static constexpr AVCodecID kCodecs[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MPEG4};
  return (container.flags & AVFMT_GLOBALHEADER) == 0 && has(kCodecs, pictures);
}

}  // namespace fsrcnn
