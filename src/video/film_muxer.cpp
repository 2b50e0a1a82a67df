#include "video/film_muxer.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace fsrcnn {
namespace {

/// A file that is being written; closed without a word if something fails.
struct OutputFile {
  AVFormatContext* context = nullptr;
  ~OutputFile() {
    if (context == nullptr) return;
    avio_closep(&context->pb);
    avformat_free_context(context);
  }
};

bool is_cover(const AVStream& stream) { return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0; }

// What muxers cannot do without; unknown if a stream's first packet comes long after the file's beginning.
bool is_known(const AVStream& stream) {
  const AVCodecParameters& p = *stream.codecpar;
  return p.codec_type != AVMEDIA_TYPE_AUDIO || (p.sample_rate > 0 && p.ch_layout.nb_channels > 0);
}

[[noreturn]] void fail_for_late(const Film& film, const std::string& stream) {
  fail(ErrorCode::input,
       "{} of the film '{}' begins so late that the file's beginning does not tell what it is. Put the film into "
       "another file first, e.g. ffmpeg -analyzeduration 1000M -probesize 1000M -i FILM -map 0 -c copy FILM.mkv",
       stream, film.path());
}

bool is_matroska(std::string_view container) { return container == "matroska" || container == "webm"; }

bool can_hold(const AVOutputFormat& format, const AVStream& stream) {
  const AVCodecParameters& p = *stream.codecpar;
  if (p.codec_type == AVMEDIA_TYPE_ATTACHMENT || (is_cover(stream) && is_matroska(format.name))) {
    return std::string_view(format.name) == "matroska";
  }
  if (p.codec_id == AV_CODEC_ID_NONE) return false;
  const int known = avformat_query_codec(&format, p.codec_id, FF_COMPLIANCE_EXPERIMENTAL);
  if (known == AVERROR_PATCHWELCOME) return p.codec_type == AVMEDIA_TYPE_VIDEO || p.codec_type == AVMEDIA_TYPE_AUDIO;
  return known > 0;
}

// Tags of the old pictures, or of the old file, which are not true of the new ones.
void remove_stale(AVDictionary*& tags) {
  static constexpr const char* kStale[] = {"BPS",
                                           "NUMBER_OF_FRAMES",
                                           "NUMBER_OF_BYTES",
                                           "_STATISTICS_TAGS",
                                           "_STATISTICS_WRITING_APP",
                                           "_STATISTICS_WRITING_DATE_UTC",
                                           "encoder",
                                           "ENCODER",
                                           "major_brand",
                                           "minor_version",
                                           "compatible_brands"};
  for (const char* key : kStale) {
    av_dict_set(&tags, key, nullptr, 0);
    av_dict_set(&tags, fmt::format("{}-eng", key).c_str(), nullptr, 0);
  }
}

void copy_side_data(const AVStream& from, AVStream& to) {
  for (int i = 0; i < from.nb_side_data; ++i) {
    const AVPacketSideData& data = from.side_data[i];
    // What belongs to the old coding: Dolby Vision's layers, bit rates.
    if (data.type == AV_PKT_DATA_DOVI_CONF || data.type == AV_PKT_DATA_CPB_PROPERTIES) continue;
    uint8_t* copy = av_stream_new_side_data(&to, data.type, data.size);
    if (copy == nullptr) throw std::bad_alloc();
    std::memcpy(copy, data.data, data.size);
  }
}

// What only the pictures told, the container shall tell too.
void add_light(const AVFrame& picture, AVStream& to) {
  static constexpr std::pair<AVFrameSideDataType, AVPacketSideDataType> kTypes[] = {
      {AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA},
      {AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL}};
  for (const auto& [of_frame, of_stream] : kTypes) {
    const AVFrameSideData* data = av_frame_get_side_data(&picture, of_frame);
    if (data == nullptr || av_stream_get_side_data(&to, of_stream, nullptr) != nullptr) continue;
    uint8_t* copy = av_stream_new_side_data(&to, of_stream, data->size);
    if (copy == nullptr) throw std::bad_alloc();
    std::memcpy(copy, data->data, data->size);
  }
}

bool is_mov(std::string_view container) {
  static constexpr std::string_view kNames[] = {"mov", "mp4", "ipod", "3gp", "3g2", "f4v", "ismv", "psp"};
  return std::find(std::begin(kNames), std::end(kNames), container) != std::end(kNames);
}

// What would be lost of how the pictures are to be shown.
void check_display(Film& film, const std::string& container, const std::string& output, AVCodecID pictures) {
  const AVStream& stream = film.video();
  const auto of_stream = [&](AVPacketSideDataType type) { return av_stream_get_side_data(&stream, type, nullptr); };
  const auto of_frame = [&](AVFrameSideDataType type) { return av_frame_get_side_data(film.first_frame(), type); };
  if (const auto* matrix = reinterpret_cast<const int32_t*>(of_stream(AV_PKT_DATA_DISPLAYMATRIX))) {
    const bool turned = matrix[0] <= 0 || matrix[1] != 0 || matrix[3] != 0 || matrix[4] <= 0;
    if (turned && !is_mov(container)) {
      fail(ErrorCode::usage,
           "the film is to be shown turned, which a file of the kind {} ('{}') cannot tell; use .mp4 or .mov",
           container, output);
    }
  }
  const bool light = of_stream(AV_PKT_DATA_MASTERING_DISPLAY_METADATA) != nullptr ||
                     of_stream(AV_PKT_DATA_CONTENT_LIGHT_LEVEL) != nullptr ||
                     of_frame(AV_FRAME_DATA_MASTERING_DISPLAY_METADATA) != nullptr ||
                     of_frame(AV_FRAME_DATA_CONTENT_LIGHT_LEVEL) != nullptr;
  const bool in_pictures = pictures == AV_CODEC_ID_H264 || pictures == AV_CODEC_ID_HEVC;
  if (light && !in_pictures && !is_matroska(container) && !is_mov(container)) {
    fail(
        ErrorCode::usage,
        "neither a file of the kind {} ('{}') nor {} pictures can tell the film's HDR light levels; use .mkv, .mp4, or "
        "--codec hevc",
        container, output, avcodec_get_name(pictures));
  }
}

void copy_chapters(const AVFormatContext& from, AVFormatContext& to) {
  if (from.nb_chapters == 0) return;
  to.chapters = static_cast<AVChapter**>(av_calloc(from.nb_chapters, sizeof(AVChapter*)));
  if (to.chapters == nullptr) throw std::bad_alloc();
  for (unsigned i = 0; i < from.nb_chapters; ++i) {
    const AVChapter& chapter = *from.chapters[i];
    auto* copy = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    if (copy == nullptr) throw std::bad_alloc();
    copy->id = chapter.id;
    copy->time_base = chapter.time_base;
    copy->start = chapter.start;
    copy->end = chapter.end;
    av_dict_copy(&copy->metadata, chapter.metadata, 0);
    to.chapters[to.nb_chapters++] = copy;
  }
}

// A cover in Matroska is an attached file; everywhere else it is a stream of one picture.
void make_attachment(const AVStream& from, AVStream& to) {
  const AVPacket& picture = from.attached_pic;
  AVCodecParameters& p = *to.codecpar;
  p.codec_type = AVMEDIA_TYPE_ATTACHMENT;
  av_freep(&p.extradata);
  p.extradata = static_cast<uint8_t*>(av_mallocz(static_cast<size_t>(picture.size) + AV_INPUT_BUFFER_PADDING_SIZE));
  if (p.extradata == nullptr) throw std::bad_alloc();
  p.extradata_size = picture.size;
  std::memcpy(p.extradata, picture.data, static_cast<size_t>(picture.size));
  const bool png = p.codec_id == AV_CODEC_ID_PNG;
  if (av_dict_get(to.metadata, "filename", nullptr, 0) == nullptr) {
    av_dict_set(&to.metadata, "filename", png ? "cover.png" : "cover.jpg", 0);
  }
  if (av_dict_get(to.metadata, "mimetype", nullptr, 0) == nullptr) {
    av_dict_set(&to.metadata, "mimetype", png ? "image/png" : "image/jpeg", 0);
  }
}

void add_stream(const Film& film, int index, const AVCodecParameters& pictures, AVFormatContext& out) {
  const AVStream& from = *film.format().streams[index];
  AVStream* to = avformat_new_stream(&out, nullptr);
  if (to == nullptr) throw std::bad_alloc();
  const bool upscaled = index == film.video_index();
  av_check(avcodec_parameters_copy(to->codecpar, upscaled ? &pictures : from.codecpar), ErrorCode::io,
           "copying a stream's parameters");
  // A tag stays where the container knows it for this codec.
  const AVCodecTag* const* tags = out.oformat->codec_tag;
  if (upscaled || (tags != nullptr && av_codec_get_id(tags, to->codecpar->codec_tag) != to->codecpar->codec_id)) {
    to->codecpar->codec_tag = 0;
  }
  // Where there are several for a codec, they mean something: of ProRes the profile, of HEVC where its headers are.
  if (upscaled && is_mov(out.oformat->name)) {
    const uint32_t hvc1 = MKTAG('h', 'v', 'c', '1');
    if (pictures.codec_id == AV_CODEC_ID_PRORES) to->codecpar->codec_tag = pictures.codec_tag;
    if (pictures.codec_id == AV_CODEC_ID_HEVC && from.codecpar->codec_tag == hvc1) to->codecpar->codec_tag = hvc1;
  }
  to->id = from.id;
  to->time_base = from.time_base;
  to->start_time = from.start_time;
  to->duration = from.duration;
  to->disposition = from.disposition;
  to->avg_frame_rate = from.avg_frame_rate;
  to->r_frame_rate = from.r_frame_rate;
  to->sample_aspect_ratio = from.sample_aspect_ratio;
  av_dict_copy(&to->metadata, from.metadata, 0);
  if (upscaled) {
    remove_stale(to->metadata);
    // Segments do not tell what does not stand in the pictures themselves.
    AVCodecParameters& p = *to->codecpar;
    const AVFrame& first = *film.first_frame();
    if (to->sample_aspect_ratio.num == 0) to->sample_aspect_ratio = first.sample_aspect_ratio;
    p.sample_aspect_ratio = to->sample_aspect_ratio;
    p.color_range = first.color_range;
    p.color_primaries = first.color_primaries;
    p.color_trc = first.color_trc;
    p.color_space = first.colorspace;
    p.chroma_location = first.chroma_location;
    p.field_order = AV_FIELD_PROGRESSIVE;
  }
  copy_side_data(from, *to);
  if (upscaled) add_light(*film.first_frame(), *to);
  if (is_cover(from) && is_matroska(out.oformat->name)) make_attachment(from, *to);
}

}  // namespace

std::string container_of(const std::filesystem::path& output) {
  const AVOutputFormat* format = av_guess_format(nullptr, output.c_str(), nullptr);
  if (format == nullptr || format->video_codec == AV_CODEC_ID_NONE || (format->flags & AVFMT_NOFILE) != 0) {
    fail(ErrorCode::usage,
         "the suffix of '{}' is none of a film's; use .mkv (which holds everything), .mp4, .mov, .webm",
         output.string());
  }
  return format->name;
}

StreamPlan plan_streams(Film& film, const std::filesystem::path& output, AVCodecID pictures) {
  const std::string container = container_of(output);
  const AVOutputFormat& format = *av_guess_format(container.c_str(), nullptr, nullptr);
  if (avformat_query_codec(&format, pictures, FF_COMPLIANCE_EXPERIMENTAL) == 0) {
    fail(ErrorCode::usage, "a file of the kind {} ('{}') cannot hold {} pictures; use .mkv, or another --codec",
         container, output.string(), avcodec_get_name(pictures));
  }
  film.index();
  check_display(film, container, output.string(), pictures);
  for (const std::string& late : film.late_streams()) fail_for_late(film, late);
  StreamPlan plan;
  int next = 0;
  for (int i = 0; i < static_cast<int>(film.format().nb_streams); ++i) {
    const AVStream& stream = *film.format().streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    if (!is_known(stream)) {
      if (film.has_packets(i)) fail_for_late(film, describe(stream));
      plan.warnings.push_back(describe(stream) + " stays behind: it is empty");
      plan.output_of.push_back(-1);
      continue;
    }
    if (i == film.video_index() || can_hold(format, stream)) {
      plan.output_of.push_back(next++);
      continue;
    }
    plan.output_of.push_back(-1);
    // Chapters in MP4 are also a stream of text, which the muxer makes anew.
    if (type == AVMEDIA_TYPE_DATA && stream.codecpar->codec_id == AV_CODEC_ID_BIN_DATA &&
        film.format().nb_chapters > 0) {
      continue;
    }
    if (type == AVMEDIA_TYPE_DATA || type == AVMEDIA_TYPE_UNKNOWN) {
      plan.warnings.push_back(fmt::format("{} stays behind: no {} file can hold it", describe(stream), container));
      continue;
    }
    fail(ErrorCode::usage, "a file of the kind {} ('{}') cannot hold {} of the film; use .mkv{}", container,
         output.string(), describe(stream),
         stream.codecpar->codec_id == AV_CODEC_ID_MOV_TEXT ? " after converting it to srt, or .mp4" : "");
  }
  for (int i = 0; i < film.video().nb_side_data; ++i) {
    if (film.video().side_data[i].type == AV_PKT_DATA_DOVI_CONF) {
      plan.warnings.emplace_back("Dolby Vision's dynamic metadata stays behind: it describes the old pictures");
    }
  }
  return plan;
}

void mux_film(Film& film, SegmentStream& pictures, const StreamPlan& plan, const std::filesystem::path& output,
              const std::filesystem::path& temporary, const std::atomic<bool>& stop) {
  film.rewind();
  AVFormatContext& in = film.format();
  const std::string name = output.string(), url = "file:" + temporary.string();
  OutputFile file;
  av_check(avformat_alloc_output_context2(&file.context, nullptr, container_of(output).c_str(), url.c_str()),
           ErrorCode::io, "writing '{}'", name);
  AVFormatContext& out = *file.context;
  out.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  out.flags |= AVFMT_FLAG_BITEXACT;  // no random numbers: the same film is the same file
  av_dict_copy(&out.metadata, in.metadata, 0);
  remove_stale(out.metadata);
  copy_chapters(in, out);
  for (int i = 0; i < static_cast<int>(in.nb_streams); ++i) {
    if (plan.output_of[static_cast<size_t>(i)] >= 0) add_stream(film, i, pictures.parameters(), out);
  }
  av_check(avio_open(&out.pb, url.c_str(), AVIO_FLAG_WRITE), ErrorCode::io, "writing '{}'", name);
  AvOptions settings;
  if (std::string_view(out.oformat->name) == "mov" || std::string_view(out.oformat->name) == "mp4") {
    // Keys like com.apple.quicktime.make are kept in a form of their own, which holds the others too.
    const bool keys = av_dict_get(out.metadata, "com.", nullptr, AV_DICT_IGNORE_SUFFIX) != nullptr;
    settings.set("movflags", keys ? "+faststart+use_metadata_tags" : "+faststart");
  }
  av_check(avformat_write_header(&out, settings.get()), ErrorCode::io, "writing the head of '{}'", name);

  const int upscaled = plan.output_of[static_cast<size_t>(film.video_index())];
  const AvPacket picture = new_packet(), packet = new_packet();
  std::vector<int64_t> last(out.nb_streams, AV_NOPTS_VALUE);
  const auto write = [&](AVPacket& p, int stream, AVRational time_base) {
    if (stop) fail(ErrorCode::cancelled, "stopped");
    p.stream_index = stream;
    p.pos = -1;
    av_packet_rescale_ts(&p, time_base, out.streams[stream]->time_base);
    // Muxers refuse decoding times that go back, and some those that stand still, which transport streams and rounding
    // to milliseconds make. Where they may stand still they must: packets shorter than the clock's step would drift.
    int64_t& last_dts = last[static_cast<size_t>(stream)];
    const int64_t step = (out.oformat->flags & AVFMT_TS_NONSTRICT) != 0 ? 0 : 1;
    if (p.dts != AV_NOPTS_VALUE && last_dts != AV_NOPTS_VALUE && p.dts < last_dts + step &&
        out.streams[stream]->codecpar->codec_type != AVMEDIA_TYPE_SUBTITLE) {
      p.dts = last_dts + step;
      if (p.pts != AV_NOPTS_VALUE) p.pts = std::max(p.pts, p.dts);
    }
    if (p.dts != AV_NOPTS_VALUE) last_dts = p.dts;
    av_check(av_interleaved_write_frame(&out, &p), ErrorCode::io, "writing '{}'", name);
  };
  bool pictures_left = pictures.next(*picture);
  const AVRational video_base = film.video().time_base;
  while (film.read(*packet, true)) {
    // More streams may appear than the plan has, of data.
    const auto number = static_cast<size_t>(packet->stream_index);
    const int stream = number < plan.output_of.size() ? plan.output_of[number] : -1;
    if (stream < 0 || stream == upscaled) continue;
    const AVStream& from = *in.streams[packet->stream_index];
    if (out.streams[stream]->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT) continue;  // a cover, written already
    const int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    while (pictures_left && time != AV_NOPTS_VALUE &&
           av_compare_ts(picture->dts, video_base, time, from.time_base) <= 0) {
      write(*picture, upscaled, video_base);
      pictures_left = pictures.next(*picture);
    }
    write(*packet, stream, from.time_base);
  }
  for (; pictures_left; pictures_left = pictures.next(*picture)) write(*picture, upscaled, video_base);
  av_check(av_write_trailer(&out), ErrorCode::io, "writing the end of '{}'", name);
  close_written(out.pb, name);
}

}  // namespace fsrcnn
