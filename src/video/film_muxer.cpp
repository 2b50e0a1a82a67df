#include "video/film_muxer.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "video/av_versions.hpp"
#include "video/film_turn.hpp"
#include "video/subtitle_converter.hpp"

namespace fsrcnn {
namespace {

void check_choice(const StreamChoice& choice, int streams) {
  for (const int number : choice.streams.value_or(std::vector<int>())) {
    if (number >= 0 && number < streams) continue;
    fail(ErrorCode::usage, "--streams names stream {}, but the film has streams 0 to {}", number, streams - 1);
  }
}

bool is_chosen(const StreamChoice& choice, const AVStream& stream) {
  const AVMediaType type = stream.codecpar->codec_type;
  if (type == AVMEDIA_TYPE_AUDIO && !choice.has_audio) return false;
  if (type == AVMEDIA_TYPE_SUBTITLE && choice.subtitles == SubtitleChoice::drop) return false;
  if (!choice.streams) return true;
  return std::find(choice.streams->begin(), choice.streams->end(), stream.index) != choice.streams->end();
}

// What muxers cannot do without; unknown if a stream's first packet comes long after the file's beginning.
bool is_known(const AVStream& stream) {
  const AVCodecParameters& p = *stream.codecpar;
  return p.codec_type != AVMEDIA_TYPE_AUDIO || (p.sample_rate > 0 && p.ch_layout.nb_channels > 0);
}

[[noreturn]] void fail_for_late(const Film& film, const std::string& stream) {
  fail(ErrorCode::input,
       "{} of the film '{}' starts too late to be identified at the start of the file. Remux the film first, e.g. "
       "ffmpeg -analyzeduration 1000M -probesize 1000M -i FILM -map 0 -c copy FILM.mkv",
       stream, film.path());
}

// Some encoders give their headers with the first packet, when the head of the segment is written.
AvParameters with_headers(const AVCodecParameters& segments, const AVPacket& first) {
  AvParameters parameters = new_parameters();
  av_check(avcodec_parameters_copy(parameters.get(), &segments), ErrorCode::io, "copying a stream's parameters");
  if (parameters->extradata_size > 0) return parameters;
  const AvPacketFilter filter = open_packet_filter("extract_extradata", segments);
  if (!filter) return parameters;  // a codec that has none
  const AvPacket packet = new_packet();
  if (av_packet_ref(packet.get(), &first) < 0) throw std::bad_alloc();
  if (av_bsf_send_packet(filter.get(), packet.get()) < 0 || av_bsf_receive_packet(filter.get(), packet.get()) < 0) {
    return parameters;
  }
  size_t size = 0;
  const uint8_t* headers = av_packet_get_side_data(packet.get(), AV_PKT_DATA_NEW_EXTRADATA, &size);
  if (headers != nullptr) set_extradata(*parameters, headers, size);
  return parameters;
}

// Segments have the codec's headers in their heads alone.
class HeadersInPackets {
 public:
  HeadersInPackets(const AVOutputFormat& container, const AVCodecParameters& pictures) {
    if (wants_headers_in_packets(container, pictures.codec_id)) filter_ = open_packet_filter("dump_extra", pictures);
  }

  void add(AVPacket& packet) const {
    if (!filter_) return;
    av_check(av_bsf_send_packet(filter_.get(), &packet), ErrorCode::io, "adding headers to packets");
    av_check(av_bsf_receive_packet(filter_.get(), &packet), ErrorCode::io, "adding headers to packets");
  }

 private:
  AvPacketFilter filter_;  // dump_extra takes every codec
};

bool decoder_opens(const AVCodecParameters& parameters) {
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  const AvCodec decoder(avcodec_alloc_context3(codec));
  if (!decoder) throw std::bad_alloc();
  return codec != nullptr && avcodec_parameters_to_context(decoder.get(), &parameters) >= 0 &&
         avcodec_open2(decoder.get(), codec, nullptr) >= 0;
}

// Some muxers write streams that no reader finds, or without data that decoders need. Report this now, not when the
// film is played.
std::vector<std::string> missing_when_read(const AVFormatContext& out, const std::filesystem::path& file,
                                           const std::string& name) {
  AVFormatContext* context = nullptr;
  const std::string url = "file:" + file.string();
  if (avformat_open_input(&context, url.c_str(), nullptr, nullptr) < 0) {
    return {fmt::format("'{}' cannot be read back; use .mkv", name)};
  }
  const AvInput in(context);
  avformat_find_stream_info(context, nullptr);
  std::vector<std::string> missing;
  for (const AVMediaType type : {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO}) {
    const auto count = [type](const AVFormatContext& c) {
      return std::count_if(c.streams, c.streams + c.nb_streams, [type](const AVStream* stream) {
        return stream->codecpar->codec_type == type && !is_cover(*stream) && decoder_opens(*stream->codecpar);
      });
    };
    const auto written = count(out), found = count(*context);
    if (found >= written) continue;
    missing.push_back(fmt::format("only {} of {} {} streams in '{}' can be decoded when it is read back; use .mkv",
                                  found, written, av_get_media_type_string(type), name));
  }
  return missing;
}

// Readers of Matroska take the delay of Opus from its times; older muxers of FFmpeg do not put it back.
void add_codec_delay(AVPacket& packet, AVRational time_base, const AVFormatContext& out, int stream) {
  if (kMuxerAddsCodecDelay) return;
  const AVCodecParameters& p = *out.streams[stream]->codecpar;
  if (p.codec_id != AV_CODEC_ID_OPUS || !is_matroska(out.oformat->name)) return;
  const int64_t delay = av_rescale_q(p.initial_padding, {1, p.sample_rate}, time_base);
  if (packet.pts != AV_NOPTS_VALUE) packet.pts += delay;
  if (packet.dts != AV_NOPTS_VALUE) packet.dts += delay;
}

// What would be lost of how the pictures are to be shown.
void check_display(const Film& film, const FramePlan& frames, const std::string& container, const std::string& output,
                   AVCodecID pictures) {
  const AVStream& stream = film.video();
  const auto of_stream = [&](AVPacketSideDataType type) { return side_data(stream, type); };
  const auto of_frame = [&](AVFrameSideDataType type) { return av_frame_get_side_data(film.first_frame(), type); };
  if (turn_matrix(film) != nullptr && !frames.is_turned && !is_mov(container)) {
    fail(ErrorCode::usage, "the format {} ('{}') cannot store the film's rotation; use .mp4 or .mov", container,
         output);
  }
  const bool light = of_stream(AV_PKT_DATA_MASTERING_DISPLAY_METADATA) != nullptr ||
                     of_stream(AV_PKT_DATA_CONTENT_LIGHT_LEVEL) != nullptr ||
                     of_frame(AV_FRAME_DATA_MASTERING_DISPLAY_METADATA) != nullptr ||
                     of_frame(AV_FRAME_DATA_CONTENT_LIGHT_LEVEL) != nullptr;
  if (has_alpha_beside(pictures, static_cast<AVPixelFormat>(frames.output.like->format)) && !is_matroska(container)) {
    fail(ErrorCode::usage, "the format {} ('{}') cannot store transparency with {} pictures; use .webm or .mkv",
         container, output, avcodec_get_name(pictures));
  }
  const bool in_pictures = pictures == AV_CODEC_ID_H264 || pictures == AV_CODEC_ID_HEVC;
  if (light && !in_pictures && !is_matroska(container) && !is_mov(container)) {
    fail(ErrorCode::usage,
         "neither the format {} ('{}') nor {} pictures can store the film's HDR light levels; use .mkv, .mp4 or "
         "--codec hevc",
         container, output, avcodec_get_name(pictures));
  }
}

// Data that goes from one transport stream into another as it is. Of SCTE-35's tables FFmpeg makes packets, and of
// timed ID3 it takes five bytes away.
bool is_transport_data(const Film& film, std::string_view container, const AVStream& stream) {
  const AVCodecID id = stream.codecpar->codec_id;
  return container == "mpegts" && std::string_view(film.format().iformat->name) == "mpegts" &&
         (id == AV_CODEC_ID_BIN_DATA || id == AV_CODEC_ID_SMPTE_KLV);
}

// Whether this is a track of the time code, which the muxer makes anew from the tag.
bool makes_time_code(std::string_view container, const Film& film, const AVStream& stream) {
  if (stream.codecpar->codec_tag != MKTAG('t', 'm', 'c', 'd') || (container != "mov" && container != "mp4"))
    return false;
  return av_dict_get(film.video().metadata, "timecode", nullptr, 0) != nullptr ||
         av_dict_get(film.format().metadata, "timecode", nullptr, 0) != nullptr;
}

// What tells how to show each picture. It comes with all of them, so that the first one is enough to look at.
void warn_of_dynamic_metadata(const Film& film, StreamPlan& plan) {
  static constexpr std::pair<AVFrameSideDataType, const char*> kTypes[] = {
      {AV_FRAME_DATA_DOVI_METADATA, "Dolby Vision"},
      {AV_FRAME_DATA_DYNAMIC_HDR_PLUS, "HDR10+"},
      {AV_FRAME_DATA_DYNAMIC_HDR_VIVID, "HDR Vivid"}};
  const bool dolby = side_data(film.video(), AV_PKT_DATA_DOVI_CONF) != nullptr;
  for (const auto& [type, name] : kTypes) {
    const bool told_by_stream = dolby && type == AV_FRAME_DATA_DOVI_METADATA;
    if (!told_by_stream && av_frame_get_side_data(film.first_frame(), type) == nullptr) continue;
    plan.warnings.push_back(fmt::format("{}'s dynamic metadata is dropped: it describes the original pictures", name));
  }
}

// Says whether it is because of another stream than the pictures.
[[noreturn]] void fail_for_head(const Film& film, const std::filesystem::path& output,
                                const AVCodecParameters& pictures, const StreamPlan& plan, int refused,
                                const std::string& otherwise) {
  const std::string reason = av_message(refused);
  for (int i = 0; i < static_cast<int>(plan.output_of.size()); ++i) {
    if (i == film.video_index() || plan.output_of[static_cast<size_t>(i)] < 0) continue;
    StreamPlan without = plan;
    for (int& number : without.output_of) number -= number > plan.output_of[static_cast<size_t>(i)] ? 1 : 0;
    without.output_of[static_cast<size_t>(i)] = -1;
    if (write_head(*open_output(film, pictures, without, output, "/dev/null"), output) < 0) continue;
    fail(ErrorCode::usage, "the format {} ('{}') cannot store {} of the film; use .mkv, or leave it out by --streams",
         container_of(output), output.string(), describe(*film.format().streams[i]));
  }
  fail(ErrorCode::usage, "{}: {}", otherwise, reason);
}

}  // namespace

StreamPlan plan_streams(const Film& film, const std::filesystem::path& output, const AVCodecParameters& pictures,
                        const StreamChoice& choice, const FramePlan& frames, const FilmCut& cut) {
  const std::string container = container_of(output);
  const char* other_container = pictures.codec_id == AV_CODEC_ID_QTRLE ? ".mov, or "
                                : is_matroska(container)               ? ""
                                                                       : ".mkv, or ";
  if (!can_hold_pictures(output, pictures)) {
    fail(ErrorCode::usage, "the format {} ('{}') cannot store these {} pictures; use {}another --codec", container,
         output.string(), avcodec_get_name(pictures.codec_id), other_container);
  }
  if (!tells_times(container) && !unit_of_rate(film, frames)) {
    fail(ErrorCode::usage, "the format {} ('{}') stores a frame rate, but the film has a variable one; use .mkv",
         container, output.string());
  }
  const FilmIndex& index = film.index();
  const int streams = static_cast<int>(film.format().nb_streams);
  check_display(film, frames, container, output.string(), pictures.codec_id);
  check_choice(choice, streams);
  if (choice.has_audio && !choice.drops_unknown && !choice.streams) {
    for (const std::string& late : index.late_streams) fail_for_late(film, late);
  }
  StreamPlan plan;
  plan.frames = &frames;
  plan.cut = cut;
  plan.converted.resize(static_cast<size_t>(streams), AV_CODEC_ID_NONE);
  int next = 0;
  for (int i = 0; i < streams; ++i) {
    const AVStream& stream = *film.format().streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    const auto drop = [&](const std::string& why) {
      plan.warnings.push_back(fmt::format("{} is dropped: {}", describe(stream), why));
    };
    plan.output_of.push_back(-1);
    if (i != film.video_index() && !is_chosen(choice, stream)) continue;
    if (!is_known(stream) && stream.codecpar->codec_id != AV_CODEC_ID_NONE) {
      if (!index.has_packets(i)) {
        drop("it is empty");
        continue;
      }
      if (!choice.drops_unknown) fail_for_late(film, describe(stream));
      drop("it starts too late to be identified");
      continue;
    }
    if (i == film.video_index() || can_hold(output, stream) || is_transport_data(film, container, stream)) {
      plan.output_of.back() = next++;
      if (type == AVMEDIA_TYPE_VIDEO && i != film.video_index() && !is_cover(stream)) {
        plan.warnings.push_back(
            fmt::format("{} is copied unchanged; only stream {} is upscaled", describe(stream), film.video_index()));
      }
      continue;
    }
    const AVCodecID text =
        choice.subtitles == SubtitleChoice::convert ? text_codec_for(container, *stream.codecpar) : AV_CODEC_ID_NONE;
    if (text != AV_CODEC_ID_NONE) {
      plan.output_of.back() = next++;
      plan.converted[static_cast<size_t>(i)] = text;
      plan.warnings.push_back(fmt::format("{} is converted to {}: the format {} cannot store it", describe(stream),
                                          avcodec_get_name(text), container));
      continue;
    }
    // Chapters in MP4 are also a stream of text, which the muxer makes anew.
    if (type == AVMEDIA_TYPE_DATA && stream.codecpar->codec_id == AV_CODEC_ID_BIN_DATA &&
        film.format().nb_chapters > 0) {
      continue;
    }
    if (makes_time_code(container, film, stream)) continue;
    const bool is_stored_nowhere = is_matroska(container) ? container == "matroska" : !can_hold("a.mkv", stream);
    if (type == AVMEDIA_TYPE_DATA || type == AVMEDIA_TYPE_UNKNOWN || is_stored_nowhere || choice.drops_unknown) {
      drop(fmt::format("the format {} cannot store it", container));
      continue;
    }
    fail(ErrorCode::usage,
         "the format {} ('{}') cannot store {} of the film; use .mkv, or --drop-unknown to leave it out", container,
         output.string(), describe(stream));
  }
  warn_of_dynamic_metadata(film, plan);
  // Muxers look at more than the codec when they write the head.
  const AvOutput head = open_output(film, pictures, plan, output, "/dev/null");
  if (const int refused = write_head(*head, output); refused < 0) {
    fail_for_head(
        film, output, pictures, plan, refused,
        fmt::format("the format {} ('{}') cannot store the film with these {} pictures; use {}another --codec",
                    container, output.string(), avcodec_get_name(pictures.codec_id), other_container));
  }
  return plan;
}

std::vector<std::string> mux_film(const Film& film, SegmentStream& pictures, const StreamPlan& plan,
                                  const std::filesystem::path& output, const std::filesystem::path& temporary,
                                  const std::atomic<bool>& stop) {
  const std::string container = container_of(output);
  if (pictures.is_reordered() && !tells_times(container)) {
    fail(ErrorCode::usage,
         "the format {} ('{}') does not store when pictures with B-frames are shown; use .mkv, or make the segments "
         "with --encoder-option bf=0",
         container, output.string());
  }
  PacketReader packets(film, &film.index());
  const AVFormatContext& in = packets.format();
  const std::string name = output.string();
  const AvPacket picture = new_packet(), packet = new_packet();
  bool pictures_left = pictures.next(*picture);
  const AvParameters parameters = with_headers(pictures.parameters(), *picture);
  const AvOutput file = open_output(film, *parameters, plan, output, temporary);
  AVFormatContext& out = *file;
  const HeadersInPackets headers(*out.oformat, *parameters);
  av_check(write_head(out, output), ErrorCode::io, "writing the header of '{}'", name);

  const int upscaled = plan.output_of[static_cast<size_t>(film.video_index())];
  std::vector<int64_t> last(out.nb_streams, AV_NOPTS_VALUE);
  const auto write = [&](AVPacket& p, int stream, AVRational time_base) {
    if (stop) fail(ErrorCode::cancelled, "stopped");
    if (stream == upscaled) headers.add(p);
    p.stream_index = stream;
    p.pos = -1;
    const int64_t earlier = plan.cut.earlier(time_base);
    if (p.pts != AV_NOPTS_VALUE) p.pts -= earlier;
    if (p.dts != AV_NOPTS_VALUE) p.dts -= earlier;
    add_codec_delay(p, time_base, out, stream);
    av_packet_rescale_ts(&p, time_base, out.streams[stream]->time_base);
    // Muxers refuse decoding times that go back, and some those that stand still, which transport streams and rounding
    // to milliseconds make. Where they may stand still they must: packets shorter than the clock's step would drift.
    int64_t& last_dts = last[static_cast<size_t>(stream)];
    const int64_t step = (out.oformat->flags & AVFMT_TS_NONSTRICT) != 0 ? 0 : 1;
    const AVMediaType type = out.streams[stream]->codecpar->codec_type;
    if (p.dts != AV_NOPTS_VALUE && last_dts != AV_NOPTS_VALUE && p.dts < last_dts + step &&
        type != AVMEDIA_TYPE_SUBTITLE && type != AVMEDIA_TYPE_DATA) {
      p.dts = last_dts + step;
      if (p.pts != AV_NOPTS_VALUE) p.pts = std::max(p.pts, p.dts);
    }
    if (p.dts != AV_NOPTS_VALUE) last_dts = p.dts;
    av_check(av_interleaved_write_frame(&out, &p), ErrorCode::io, "writing '{}'", name);
  };
  const AVRational video_base = plan.frames->output.time_base;
  std::vector<std::unique_ptr<SubtitleConverter>> converters(plan.converted.size());
  for (size_t i = 0; i < converters.size(); ++i) {
    if (plan.converted[i] == AV_CODEC_ID_NONE) continue;
    converters[i] = std::make_unique<SubtitleConverter>(*film.format().streams[i], plan.converted[i]);
  }
  // Sound that an edit list hides is hidden in no other kind of file. Of it only the last packet goes along, from which
  // decoders begin.
  std::vector<AvPacket> hidden(is_mov(container) ? 0 : plan.output_of.size());
  // Of a part, each stream begins where it can be decoded.
  std::vector<bool> begins(plan.cut.is_whole ? 0 : plan.output_of.size());
  while (packets.read(*packet, true)) {
    // More streams may appear than the plan has, of data.
    const auto number = static_cast<size_t>(packet->stream_index);
    const int stream = number < plan.output_of.size() ? plan.output_of[number] : -1;
    if (stream < 0 || stream == upscaled) continue;
    const AVStream& from = *in.streams[packet->stream_index];
    if (out.streams[stream]->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) continue;  // a cover, written already
    if (!begins.empty() && (packet->flags & AV_PKT_FLAG_KEY) == 0 && !begins[number]) continue;
    if (!plan.cut.keep(*packet, from.time_base, from.codecpar->codec_type)) continue;
    if (!begins.empty()) begins[number] = true;
    const int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    while (pictures_left && time != AV_NOPTS_VALUE &&
           av_compare_ts(picture->dts, video_base, time, from.time_base) <= 0) {
      write(*picture, upscaled, video_base);
      pictures_left = pictures.next(*picture);
    }
    if (!hidden.empty()) {
      AvPacket& before = hidden[number];
      if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) {
        before = new_packet();
        av_packet_move_ref(before.get(), packet.get());
        continue;
      }
      if (before) write(*std::exchange(before, nullptr), stream, from.time_base);
    }
    if (converters[number]) {
      converters[number]->convert(*packet, [&](AVPacket& p) { write(p, stream, SubtitleConverter::kTimeBase); });
      continue;
    }
    write(*packet, stream, from.time_base);
  }
  for (; pictures_left; pictures_left = pictures.next(*picture)) write(*picture, upscaled, video_base);
  av_check(av_write_trailer(&out), ErrorCode::io, "writing the end of '{}'", name);
  close_written(out.pb, name);
  return missing_when_read(out, temporary, name);
}

}  // namespace fsrcnn
