#include "video/film_output.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "video/av_versions.hpp"
#include "video/pixel_format.hpp"
#include "video/segment_stream.hpp"
#include "video/subtitle_converter.hpp"

namespace fsrcnn {
namespace {

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
                                           "alpha_mode",
                                           "major_brand",
                                           "minor_version",
                                           "compatible_brands"};
  for (const char* key : kStale) {
    av_dict_set(&tags, key, nullptr, 0);
    av_dict_set(&tags, fmt::format("{}-eng", key).c_str(), nullptr, 0);
  }
}

void copy_side_data(const AVStream& from, AVStream& to, bool is_turned) {
  clear_side_data(to);
  for (const AVPacketSideData& data : side_data(from)) {
    // Only since FFmpeg 7.1, and in pixels of the film.
    const char* name = av_packet_side_data_name(data.type);
    if (name != nullptr && std::string_view(name) == "Frame Cropping") continue;
    // What belongs to the old coding: Dolby Vision's layers, bit rates.
    if (data.type == AV_PKT_DATA_DOVI_CONF || data.type == AV_PKT_DATA_CPB_PROPERTIES) continue;
    if (data.type == AV_PKT_DATA_DISPLAYMATRIX && is_turned) continue;
    add_side_data(to, data.type, data.data, data.size);
  }
}

// Copies properties that only the pictures stated to the container. Encoders may not write them.
void add_told_by_pictures(const AVFrame& picture, AVStream& to) {
  static constexpr std::pair<AVFrameSideDataType, AVPacketSideDataType> kTypes[] = {
      {AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_DATA_DISPLAYMATRIX},
      {AV_FRAME_DATA_STEREO3D, AV_PKT_DATA_STEREO3D},
      {AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA},
      {AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL}};
  for (const auto& [of_frame, of_stream] : kTypes) {
    const AVFrameSideData* data = av_frame_get_side_data(&picture, of_frame);
    if (data == nullptr || side_data(to, of_stream) != nullptr) continue;
    add_side_data(to, of_stream, data->data, data->size);
  }
}

// Besides how pictures for two eyes lie in a frame, newer muxers of MP4 write which eyes they are for, in a box that
// makes readers forget the former.
void prefer_layout(AVStream& to) {
  const AVPacketSideData* data = side_data(to, AV_PKT_DATA_STEREO3D);
  if (data == nullptr) return;
  auto& stereo = *reinterpret_cast<AVStereo3D*>(data->data);
  if (stereo.flags == 0 && (stereo.type == AV_STEREO3D_SIDEBYSIDE || stereo.type == AV_STEREO3D_TOPBOTTOM))
    clear_view(stereo);
}

void copy_chapters(const AVFormatContext& from, const FilmCut& cut, AVFormatContext& to) {
  if (from.nb_chapters == 0) return;
  to.chapters = static_cast<AVChapter**>(av_calloc(from.nb_chapters, sizeof(AVChapter*)));
  if (to.chapters == nullptr) throw std::bad_alloc();
  for (unsigned i = 0; i < from.nb_chapters; ++i) {
    const AVChapter& chapter = *from.chapters[i];
    const int64_t end = cut.end_us == std::numeric_limits<int64_t>::max()
                            ? cut.end_us
                            : av_rescale_q(cut.end_us, kMicroseconds, chapter.time_base);
    const int64_t earlier = cut.earlier(chapter.time_base);
    if (!cut.is_whole && (chapter.end <= earlier || chapter.start >= end)) continue;
    auto* copy = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    if (copy == nullptr) throw std::bad_alloc();
    copy->id = chapter.id;
    copy->time_base = chapter.time_base;
    copy->start = std::max<int64_t>(0, chapter.start - earlier);
    const int64_t last = std::min(chapter.end, end);
    copy->end = chapter.end == AV_NOPTS_VALUE ? AV_NOPTS_VALUE : std::max<int64_t>(0, last - earlier);
    av_dict_copy(&copy->metadata, chapter.metadata, 0);
    to.chapters[to.nb_chapters++] = copy;
  }
}

// A cover in Matroska is an attached file; everywhere else it is a stream of one picture.
void make_attachment(const AVStream& from, AVStream& to) {
  const AVPacket& picture = from.attached_pic;
  AVCodecParameters& p = *to.codecpar;
  p.codec_type = AVMEDIA_TYPE_ATTACHMENT;
  set_extradata(p, picture.data, static_cast<size_t>(picture.size));
  const bool jpeg = p.codec_id == AV_CODEC_ID_MJPEG;
  const std::string name = avcodec_get_name(p.codec_id);
  if (av_dict_get(to.metadata, "filename", nullptr, 0) == nullptr) {
    av_dict_set(&to.metadata, "filename", jpeg ? "cover.jpg" : ("cover." + name).c_str(), 0);
  }
  if (av_dict_get(to.metadata, "mimetype", nullptr, 0) == nullptr) {
    av_dict_set(&to.metadata, "mimetype", jpeg ? "image/jpeg" : ("image/" + name).c_str(), 0);
  }
}

// A tag stays unless the container knows it for another codec, or another one for this codec.
bool can_tag(const AVOutputFormat& format, const AVCodecParameters& p) {
  const AVCodecTag* const* tags = format.codec_tag;
  if (tags == nullptr) return true;
  const AVCodecID known = av_codec_get_id(tags, p.codec_tag);
  return known == p.codec_id || (known == AV_CODEC_ID_NONE && av_codec_get_tag(tags, p.codec_id) == 0);
}

// Tags that encoders choose tell the kind of pixels (Ut Video, raw pictures) or the profile (ProRes). To the others
// segments have given one, which is no better than the container's own.
bool is_of_encoder(const AVCodecParameters& p) {
  return p.codec_tag != av_codec_get_tag(av_guess_format(kSegmentFormat, nullptr, nullptr)->codec_tag, p.codec_id);
}

AVRational time_base_in(const AVFormatContext& out, const Film& film, const FramePlan& frames) {
  const AVRational unit = frames.output.time_base;
  return tells_times(out.oformat->name) ? unit : unit_of_rate(film, frames).value_or(unit);
}

void make_converted(const AVStream& from, AVCodecID codec, AVStream& to) {
  av_check(avcodec_parameters_copy(to.codecpar, &SubtitleConverter(from, codec).parameters()), ErrorCode::io,
           "copying a stream's parameters");
  to.codecpar->codec_tag = 0;
  to.time_base = SubtitleConverter::kTimeBase;
}

void add_stream(const Film& film, int index, const AVCodecParameters& pictures, const StreamPlan& plan,
                AVFormatContext& out) {
  const FramePlan& frames = *plan.frames;
  const AVStream& from = *film.format().streams[index];
  AVStream* to = avformat_new_stream(&out, nullptr);
  if (to == nullptr) throw std::bad_alloc();
  const bool upscaled = index == film.video_index();
  av_check(avcodec_parameters_copy(to->codecpar, upscaled ? &pictures : from.codecpar), ErrorCode::io,
           "copying a stream's parameters");
  if ((upscaled && !is_of_encoder(pictures)) || !can_tag(*out.oformat, *to->codecpar)) to->codecpar->codec_tag = 0;
  // Of HEVC it tells where its headers are.
  const uint32_t hvc1 = MKTAG('h', 'v', 'c', '1');
  if (upscaled && is_mov(out.oformat->name) && pictures.codec_id == AV_CODEC_ID_HEVC &&
      from.codecpar->codec_tag == hvc1) {
    to->codecpar->codec_tag = hvc1;
  }
  to->id = from.id;
  to->time_base = upscaled ? time_base_in(out, film, frames) : from.time_base;
  if (plan.cut.is_whole) {
    if (from.start_time != AV_NOPTS_VALUE) to->start_time = from.start_time - plan.cut.earlier(from.time_base);
    to->duration = from.duration;
  }
  to->disposition = from.disposition;
  to->avg_frame_rate = upscaled ? frames.output.rate : from.avg_frame_rate;
  to->r_frame_rate = upscaled && !frames.keeps_times ? frames.output.rate : from.r_frame_rate;
  to->sample_aspect_ratio = upscaled ? frames.aspect : from.sample_aspect_ratio;
  av_dict_copy(&to->metadata, from.metadata, 0);
  if (upscaled) {
    remove_stale(to->metadata);
    // Segments do not store what is not in the pictures themselves.
    AVCodecParameters& p = *to->codecpar;
    const AVFrame& first = *frames.output.like;
    p.sample_aspect_ratio = to->sample_aspect_ratio;
    p.color_range = first.color_range;
    p.color_primaries = first.color_primaries;
    p.color_trc = first.color_trc;
    p.color_space = first.colorspace;
    p.chroma_location = first.chroma_location;
    p.field_order = AV_FIELD_PROGRESSIVE;
    if (p.format == AV_PIX_FMT_NONE) p.format = first.format;
  }
  const AVCodecID converted = plan.converted[static_cast<size_t>(index)];
  if (converted != AV_CODEC_ID_NONE) return make_converted(from, converted, *to);
  copy_side_data(from, *to, upscaled && frames.is_turned);
  if (upscaled) add_told_by_pictures(*frames.output.like, *to);
  if (std::string_view(out.oformat->name) == "mp4") prefer_layout(*to);
  if (is_cover(from) && is_matroska(out.oformat->name)) make_attachment(from, *to);
}

// Of transport streams: names of stations, numbers of their programs.
void copy_programs(const AVFormatContext& from, const StreamPlan& plan, AVFormatContext& to) {
  for (unsigned i = 0; i < from.nb_programs; ++i) {
    const AVProgram& program = *from.programs[i];
    AVProgram* copy = nullptr;
    for (unsigned k = 0; k < program.nb_stream_indexes; ++k) {
      const unsigned stream = program.stream_index[k];
      if (stream >= plan.output_of.size() || plan.output_of[stream] < 0) continue;
      if (copy == nullptr) copy = av_new_program(&to, program.id);
      if (copy == nullptr) throw std::bad_alloc();
      av_program_add_stream_index(&to, program.id, static_cast<unsigned>(plan.output_of[stream]));
    }
    if (copy == nullptr) continue;
    copy->program_num = program.program_num;
    copy->pmt_pid = program.pmt_pid;
    copy->pcr_pid = program.pcr_pid;
    av_dict_copy(&copy->metadata, program.metadata, 0);
  }
}

}  // namespace

// What is not a frame becomes an empty packet in AVI, of which the muxer writes no more than these for a gap.
std::optional<AVRational> unit_of_rate(const Film& film, const FramePlan& plan) {
  constexpr int64_t kMostEmpty = 60'000;
  constexpr double kMostOff_s = 0.002;
  const AVStream& stream = film.video();
  // What filters make of times is known when they come.
  if (!plan.keeps_times) return plan.output.rate.num > 0 ? av_inv_q(plan.output.rate) : AVRational{1, 1000};
  if (film.has_fixed_rate()) return av_inv_q(stream.avg_frame_rate);
  const std::vector<IndexedFrame>& index = film.index().frames;
  for (const AVRational rate : {stream.r_frame_rate, AVRational{1000, 1}}) {
    if (rate.num <= 0) continue;
    const auto tick = [&](const IndexedFrame& frame) {
      return av_rescale_q(frame.time - index.front().time, stream.time_base, av_inv_q(rate));
    };
    const auto off_s = [&](const IndexedFrame& frame) {
      return static_cast<double>(frame.time - index.front().time) * av_q2d(stream.time_base) -
             static_cast<double>(tick(frame)) / av_q2d(rate);
    };
    const auto misfit = std::adjacent_find(index.begin(), index.end(), [&](const auto& a, const auto& b) {
      return tick(a) == tick(b) || tick(b) - tick(a) >= kMostEmpty || std::abs(off_s(b)) > kMostOff_s;
    });
    if (misfit == index.end()) return av_inv_q(rate);
  }
  return std::nullopt;
}

AvOutput open_output(const Film& film, const AVCodecParameters& pictures, const StreamPlan& plan,
                     const std::filesystem::path& output, const std::filesystem::path& path) {
  const AVFormatContext& in = film.format();
  const std::string name = output.string(), url = "file:" + path.string();
  AVFormatContext* context = nullptr;
  av_check(avformat_alloc_output_context2(&context, nullptr, container_of(output).c_str(), url.c_str()), ErrorCode::io,
           "writing '{}'", name);
  AvOutput file(context);
  AVFormatContext& out = *context;
  out.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  out.flags |= AVFMT_FLAG_BITEXACT;  // no random numbers: the same film is the same file
  // Decoders of transport streams get packets so long before they are due, as FFmpeg's program writes them.
  constexpr int kMaxDelay_us = 700'000;
  if (std::string_view(out.oformat->name) == "mpegts") out.max_delay = kMaxDelay_us;
  av_dict_copy(&out.metadata, in.metadata, 0);
  remove_stale(out.metadata);
  copy_chapters(in, plan.cut, out);
  for (int i = 0; i < static_cast<int>(in.nb_streams) && i < static_cast<int>(plan.output_of.size()); ++i) {
    if (plan.output_of[static_cast<size_t>(i)] >= 0) add_stream(film, i, pictures, plan, out);
  }
  copy_programs(in, plan, out);
  av_check(avio_open(&out.pb, url.c_str(), AVIO_FLAG_WRITE), ErrorCode::io, "writing '{}'", name);
  return file;
}

int write_head(AVFormatContext& output, const std::filesystem::path& path) {
  AvOptions settings;
  const std::string_view container = output.oformat->name;
  if (container == "mov" || container == "mp4") {
    // Keys like com.apple.quicktime.make are kept in a form of their own, which holds the others too.
    const bool keys = av_dict_get(output.metadata, "com.", nullptr, AV_DICT_IGNORE_SUFFIX) != nullptr;
    settings.set("movflags", keys ? "+faststart+use_metadata_tags" : "+faststart");
  }
  if (is_m2ts(path)) settings.set("mpegts_m2ts_mode", "1");  // which the muxer sees in a name that is another here
  return avformat_write_header(&output, settings.get());
}

}  // namespace fsrcnn
