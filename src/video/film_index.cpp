#include "video/film_index.hpp"

extern "C" {
#include <libavutil/adler32.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include "video/av_versions.hpp"
#include "video/container.hpp"
#include "video/film.hpp"
#include "video/matroska_extras.hpp"
#include "video/packet_reader.hpp"
#include "video/picture_parser.hpp"

namespace fsrcnn {
namespace {

// Codecs' raw streams. FFmpeg makes up times for some, which are others after it seeks.
bool has_no_clock(const AVInputFormat& format) {
  const AVClass* options = format.priv_class;
  return (format.flags & AVFMT_NOTIMESTAMPS) != 0 ||
         (options != nullptr &&
          av_opt_find(&options, "raw_packet_size", nullptr, 0, AV_OPT_SEARCH_FAKE_OBJ) != nullptr);
}

// Closed captions of ATSC A/53 as MPEG-2, H.264 and HEVC have them in their pictures.
bool has_a53_captions(const AVPacket& packet, AVCodecID codec) {
  using namespace std::string_view_literals;
  if (codec != AV_CODEC_ID_MPEG2VIDEO && codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC) return false;
  const std::string_view bytes(reinterpret_cast<const char*>(packet.data), static_cast<size_t>(packet.size));
  constexpr std::string_view kName = "GA94\3"sv;
  for (size_t at = bytes.find(kName); at != std::string_view::npos; at = bytes.find(kName, at + 1)) {
    const std::string_view before = bytes.substr(0, at);
    if (before.ends_with("\0\0\1\xb2"sv) || before.ends_with("\xb5\0\x31"sv)) return true;
  }
  return false;
}

// Whether a file of MPEG's transport packets ends in the middle of one. It may begin there, as recordings do.
bool ends_in_packet(const std::string& path) {
  constexpr int64_t kPacket = 188, kTail = 8 * 204;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const int64_t size = file.tellg();
  if (size < kTail) return false;
  std::string tail(kTail, '\0');
  if (!file.seekg(size - kTail).read(tail.data(), kTail)) return false;
  // Alone, with their times before them (M2TS), or with error correction behind them.
  for (const int64_t step : {188, 192, 204}) {
    for (int64_t first = 0; first < step; ++first) {
      int64_t last = first;
      for (; last < kTail && tail[static_cast<size_t>(last)] == '\x47';) last += step;
      if (last >= kTail) return kTail - (last - step) < kPacket;
    }
  }
  return false;
}

// FilmIndex::cut_short. Sizes and times that are estimated from the file's end cannot show it.
std::string missing_at_end(const Film& film, const PacketReader& packets, int64_t end_us, int64_t frame_us,
                           int64_t end_of_subtitles_us) {
  const AVFormatContext& input = packets.format();
  const auto seconds = [](int64_t us) { return static_cast<double>(us) / AV_TIME_BASE; };
  if (const std::string why = packets.broken_off(); !why.empty()) {
    return fmt::format("the film's file {} after {:.2f} s", why, seconds(end_us));
  }
  if (std::string_view(input.iformat->name) == "mpegts" && ends_in_packet(film.path())) {
    return fmt::format("the film's file is truncated: it ends in the middle of a packet, after {:.2f} s",
                       seconds(end_us));
  }
  if (input.duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return "";
  int64_t stated_us = input.duration;
  const std::string_view format = input.iformat->name;
  const bool mp4 = format.find("mp4") != std::string_view::npos;
  if (mp4) {
    // MP4's own is that of all tracks, also of the text of chapters.
    const AVStream& stream = film.video();
    const int64_t start = stream.start_time == AV_NOPTS_VALUE ? 0 : stream.start_time;
    stated_us = stream.duration == AV_NOPTS_VALUE
                    ? AV_NOPTS_VALUE
                    : av_rescale_q(start + stream.duration, stream.time_base, kMicroseconds);
  }
  // Other muxers write the planned duration.
  const int64_t tolerance_us = mp4 || format.find("matroska") != std::string_view::npos ? 200'000 : 1'000'000;
  if (stated_us == AV_NOPTS_VALUE || end_us >= stated_us - tolerance_us - frame_us) return "";
  if (end_of_subtitles_us >= stated_us - 50'000) return "";  // the last of them may stay longer than the pictures
  return fmt::format("the film's file is truncated: it ends after {:.2f} of {:.2f} s", seconds(end_us),
                     seconds(stated_us));
}

// A packet of the pictures, while the index is made.
struct FoundPacket {
  IndexedPacket packet;
  int64_t duration;
  bool is_key, is_shown, waits;
  std::optional<int> order;
  int fields;
};

// Gives each picture of [begin, end) a time of those at which they are decoded, in the order in which they are shown,
// or one by what comes before it.
void order_pictures(std::vector<FoundPacket>& found, size_t begin, size_t end, bool by_durations) {
  std::vector<size_t> shown;
  std::optional<size_t> waiting;
  for (size_t i = begin; i < end; ++i) {
    if (!found[i].waits) {
      shown.push_back(i);
      continue;
    }
    if (waiting) shown.push_back(*waiting);
    waiting = i;
  }
  if (waiting) shown.push_back(*waiting);
  std::stable_sort(shown.begin(), shown.end(), [&](size_t a, size_t b) { return found[a].order < found[b].order; });
  std::vector<int64_t> times;
  for (size_t i = begin; i < end; ++i) times.push_back(found[i].packet.dts);
  std::sort(times.begin(), times.end());
  for (size_t i = 0; i < shown.size(); ++i) {
    if (by_durations && i > 0) times[i] = times[i - 1] + found[shown[i - 1]].duration;
    found[shown[i]].packet.pts = times[i];
  }
}

// Of what the packets themselves say: the order in which they are shown begins anew with a key that is not behind all.
void make_times(const Film& film, AVRational parsed, std::vector<FoundPacket>& found) {
  const AVStream& stream = film.video();
  const bool is_raw = has_no_clock(*film.format().iformat);
  const AVRational stated = parsed.num > 0 && parsed.den > 0 ? parsed : stated_rate(*stream.codecpar);
  const AVRational rate = is_raw && stated.num > 0        ? stated
                          : stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate
                          : stream.r_frame_rate.num > 0   ? stream.r_frame_rate
                                                          : AVRational{25, 1};
  const auto time_of_field = [&](int64_t fields) {
    return av_rescale_q(fields, {rate.den, 2 * rate.num}, stream.time_base);
  };
  const int64_t step = std::max<int64_t>(1, time_of_field(2));
  int64_t fields = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    int64_t& dts = found[i].packet.dts;
    if (is_raw) dts = time_of_field(fields);
    if (is_raw) found[i].duration = time_of_field(fields += found[i].fields) - dts;
    if (dts == AV_NOPTS_VALUE) dts = i > 0 ? found[i - 1].packet.dts + step : 0;
    if (i > 0) dts = std::max(dts, found[i - 1].packet.dts + 1);
    if (found[i].duration <= 0) found[i].duration = step;
  }
  size_t begin = 0;
  constexpr int kNone = std::numeric_limits<int>::min();
  int latest = kNone;
  for (size_t i = 0; i < found.size(); ++i) {
    const int order = found[i].order.value_or(kNone);
    if (order == kNone) continue;
    if (found[i].is_key && order <= latest) {
      order_pictures(found, begin, i, is_raw);
      begin = i;
      latest = kNone;
    }
    latest = std::max(latest, order);
  }
  order_pictures(found, begin, found.size(), is_raw);
}

// What the packets say of the pictures that they will be, gathered over the whole film.
class Survey {
 public:
  void add(const ParsedPicture& picture, const AVPacket& packet) {
    const int64_t time = time_of(packet);
    if (picture.is_interlaced && !interlaced_from) interlaced_from = time;
    if (picture.width > 0 && picture.height > 0) {
      if (width == 0) {
        width = picture.width;
        height = picture.height;
      } else if ((picture.width != width || picture.height != height) && other_width == 0) {
        other_width = picture.width;
        other_height = picture.height;
        other_from = time;
      }
    }
    if (picture.aspect != nullptr && aspect == nullptr) aspect = picture.aspect;
    if (picture.aspect != nullptr && picture.aspect != aspect && other_aspect == nullptr) {
      other_aspect = picture.aspect;
      other_aspect_from = time;
    }
    has_second_layer = has_second_layer || picture.has_second_layer;
    is_encrypted = is_encrypted || av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr;
  }

  std::optional<int64_t> interlaced_from;
  int64_t other_from = 0, other_aspect_from = 0;
  const char *aspect = nullptr, *other_aspect = nullptr;  // of a list, so that pointers can be compared
  int width = 0, height = 0, other_width = 0, other_height = 0;
  bool has_second_layer = false, is_encrypted = false;
};

void tell(const Film& film, const Survey& survey, const ClockJoiner& clock, FilmIndex& index) {
  const auto seconds = [&](int64_t time) {
    return static_cast<double>(time - index.frames.front().time) * av_q2d(film.video().time_base);
  };
  index.interlaced_from = survey.interlaced_from;
  if (const std::string jumps = clock.told(); !jumps.empty()) index.notes.push_back(jumps);
  if (survey.other_aspect != nullptr) {
    index.notes.push_back(
        fmt::format("the pictures' aspect changes from {} to {} at {:.2f} s; the output keeps the first", survey.aspect,
                    survey.other_aspect, seconds(survey.other_aspect_from)));
  }
  if (survey.has_second_layer) {
    index.notes.emplace_back("the pictures have a second layer, e.g. of the other eye; only the first is upscaled");
  }
  if (std::string_view(film.format().iformat->name).starts_with("matroska")) {
    std::ifstream file(film.path(), std::ios::binary);
    for (std::string& extra : matroska_extras(file)) index.notes.push_back(std::move(extra));
  }
  if (survey.is_encrypted) {
    index.cannot = fmt::format("the film '{}' is encrypted; decrypt it first", film.path());
  } else if (survey.other_width > 0) {
    index.cannot = fmt::format(
        "the pictures of '{}' change from {}x{} to {}x{} mid-stream, which is not supported. Cut the film there, at "
        "{:.2f} s",
        film.path(), survey.width, survey.height, survey.other_width, survey.other_height, seconds(survey.other_from));
  }
}

}  // namespace

PacketFingerprint fingerprint(const AVPacket& packet) {
  return {packet.pos, packet.size,
          static_cast<uint32_t>(av_adler32_update(1, packet.data, static_cast<unsigned>(packet.size)))};
}

bool lacks_times(const AVInputFormat& format, AVCodecID pictures) {
  if (has_no_clock(format)) return true;
  const bool reorders = pictures == AV_CODEC_ID_H264 || pictures == AV_CODEC_ID_HEVC || pictures == AV_CODEC_ID_MPEG4;
  return std::string_view(format.name) == "avi" && reorders;
}

int64_t duration_at(const std::vector<IndexedFrame>& index, int64_t time) {
  const auto frame =
      std::lower_bound(index.begin(), index.end(), time, [](const IndexedFrame& f, int64_t t) { return f.time < t; });
  if (frame == index.end()) return 0;
  if (frame->duration > 0) return frame->duration;
  return std::next(frame) != index.end() ? std::next(frame)->time - frame->time : 0;
}

FilmIndex read_index(const Film& film) {
  FilmIndex index;
  index.has_captions =
      film.first_frame() != nullptr && av_frame_get_side_data(film.first_frame(), AV_FRAME_DATA_A53_CC) != nullptr;
  PacketReader packets(film);
  const AVFormatContext& input = packets.format();
  const unsigned announced = input.nb_streams;
  const AVCodecParameters& pictures = *film.video().codecpar;
  const AVCodecID codec = pictures.codec_id;
  PictureParser parser(pictures);
  Survey survey;
  std::vector<FoundPacket> found;
  bool lacking = lacks_times(*input.iformat, codec);
  int64_t end_us = 0, end_of_subtitles_us = 0, start_us = std::numeric_limits<int64_t>::max();
  const AvPacket packet = new_packet();
  while (packets.read(*packet, true)) {
    const bool is_discarded = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
    if (time_of(*packet) != AV_NOPTS_VALUE) {
      const AVStream& stream = *input.streams[packet->stream_index];
      const AVMediaType type = stream.codecpar->codec_type;
      const bool flows = type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO;
      int64_t& end = flows ? end_us : end_of_subtitles_us;
      end = std::max(end, av_rescale_q(time_of(*packet) + packet->duration, stream.time_base, kMicroseconds));
      if (flows && !is_discarded && !is_cover(stream)) {
        start_us = std::min(start_us, av_rescale_q(time_of(*packet), stream.time_base, kMicroseconds));
      }
    }
    const auto stream = static_cast<size_t>(packet->stream_index);
    if (stream >= index.met.size()) index.met.resize(stream + 1);
    index.met[stream] = true;
    if (packet->stream_index != film.video_index()) continue;
    // They need not begin with the first picture.
    if (!index.has_captions) index.has_captions = has_a53_captions(*packet, codec);
    const ParsedPicture picture = parser.parse(*packet);
    survey.add(picture, *packet);
    // What an edit list discards is decoded, but never shown.
    const bool is_shown = !picture.is_hidden && !is_discarded;
    lacking = lacking || (is_shown && time_of(*packet) == AV_NOPTS_VALUE);
    const bool is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0 && picture.is_key.value_or(true);
    const PacketFingerprint print = fingerprint(*packet);
    index.checksum = index.checksum * 0x100000001B3U + print.checksum;
    found.push_back({{print, packet->pts, packet->dts},
                     packet->duration,
                     is_key,
                     is_shown,
                     picture.waits,
                     picture.order,
                     picture.fields});
  }
  if (lacking) make_times(film, parser.rate(), found);
  std::vector<IndexedFrame>& frames = index.frames;
  for (const FoundPacket& f : found) {
    const int64_t time = f.packet.pts != AV_NOPTS_VALUE ? f.packet.pts : f.packet.dts;
    if (f.is_shown) frames.push_back({time, f.duration, f.is_key, f.packet.dts});
  }
  if (frames.empty()) fail(ErrorCode::input, "the film '{}' has no pictures", film.path());
  if (lacking || !packets.clock().told().empty()) {
    for (const FoundPacket& f : found) index.packets.push_back(f.packet);
  }
  std::stable_sort(frames.begin(), frames.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  // Two packets of one time are one picture (of two fields, or of layers).
  frames.erase(std::unique(frames.begin(), frames.end(), [](const auto& a, const auto& b) { return a.time == b.time; }),
               frames.end());
  const auto key = std::find_if(frames.begin(), frames.end(), [](const auto& frame) { return frame.key; });
  if (key != frames.end()) index.frames_before_key = key - frames.begin();
  frames.front().key = true;
  // What is shown first need not be decoded first; seeking goes to where the first key is.
  if (key != frames.end() && key->dts != AV_NOPTS_VALUE) frames.front().dts = std::min(frames.front().dts, key->dts);
  if (lacking) {
    end_us = std::max(end_us, av_rescale_q(frames.back().time, film.video().time_base, kMicroseconds));
    start_us = std::min(start_us, av_rescale_q(frames.front().time, film.video().time_base, kMicroseconds));
  }
  index.start_us = start_us == std::numeric_limits<int64_t>::max() ? 0 : start_us;
  const int64_t frame_us = end_us / static_cast<int64_t>(frames.size());
  index.cut_short = missing_at_end(film, packets, end_us, frame_us, end_of_subtitles_us);
  for (unsigned i = announced; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    if (type != AVMEDIA_TYPE_DATA && type != AVMEDIA_TYPE_UNKNOWN) index.late_streams.push_back(describe(stream));
  }
  tell(film, survey, packets.clock(), index);
  return index;
}

std::vector<FrameRange> cut_into_segments(const std::vector<IndexedFrame>& index, int64_t frames) {
  std::vector<FrameRange> segments;
  // Encoders that code pictures in another order need some to find it: of one or two x265 makes up decoding times.
  constexpr int64_t kFewest = 3;
  frames = std::max(frames, kFewest);
  const auto count = static_cast<int64_t>(index.size());
  int64_t begin = 0;
  for (int64_t i = 1; i <= count - kFewest; ++i) {
    // Where there is no place to begin for long, decoding twice costs less than losing much work.
    const bool far = i - begin >= 4 * frames;
    if (i - begin < frames || (!index[static_cast<size_t>(i)].key && !far)) continue;
    segments.push_back({begin, i});
    begin = i;
  }
  segments.push_back({begin, count});
  return segments;
}

}  // namespace fsrcnn
