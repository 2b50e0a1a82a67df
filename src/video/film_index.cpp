#include "video/film_index.hpp"

#include <algorithm>
#include <string_view>

#include "video/film.hpp"
#include "video/packet_reader.hpp"

namespace fsrcnn {
namespace {

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

// Decoded for others, but never shown.
bool is_hidden(const AVPacket& packet, AVCodecID codec) {
  return codec == AV_CODEC_ID_VP8 && (packet.data[0] & 0x10) == 0;
}

// FilmIndex::cut_short. Sizes and times that are estimated from the file's end cannot show it.
std::string missing_at_end(const Film& film, const PacketReader& packets, int64_t end_us, int64_t frame_us,
                           int64_t end_of_subtitles_us) {
  const AVFormatContext& input = packets.format();
  const auto seconds = [](int64_t us) { return static_cast<double>(us) / AV_TIME_BASE; };
  if (const std::string why = packets.broken_off(); !why.empty()) {
    return fmt::format("the film's file {} after {:.2f} s", why, seconds(end_us));
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

}  // namespace

FilmIndex read_index(const Film& film) {
  FilmIndex index;
  index.has_captions =
      film.first_frame() != nullptr && av_frame_get_side_data(film.first_frame(), AV_FRAME_DATA_A53_CC) != nullptr;
  PacketReader packets(film);
  const AVFormatContext& input = packets.format();
  const unsigned announced = input.nb_streams;
  const AVCodecID codec = film.video().codecpar->codec_id;
  std::vector<IndexedFrame>& frames = index.frames;
  int64_t end_us = 0, end_of_subtitles_us = 0;
  const AvPacket packet = new_packet();
  while (packets.read(*packet, true)) {
    if (time_of(*packet) != AV_NOPTS_VALUE) {
      const AVStream& stream = *input.streams[packet->stream_index];
      const AVMediaType type = stream.codecpar->codec_type;
      int64_t& end = type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO ? end_us : end_of_subtitles_us;
      end = std::max(end, av_rescale_q(time_of(*packet) + packet->duration, stream.time_base, kMicroseconds));
    }
    const auto stream = static_cast<size_t>(packet->stream_index);
    if (stream >= index.met.size()) index.met.resize(stream + 1);
    index.met[stream] = true;
    // They need not begin with the first picture.
    if (packet->stream_index == film.video_index() && !index.has_captions) {
      index.has_captions = has_a53_captions(*packet, codec);
    }
    if (packet->stream_index != film.video_index() || is_hidden(*packet, codec)) continue;
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) continue;  // decoded by an edit list's wish, but never shown
    const int64_t time = time_of(*packet);
    if (time == AV_NOPTS_VALUE) {
      fail(ErrorCode::input,
           "the film '{}' does not store when its pictures are shown. Re-encode it first, e.g. "
           "ffmpeg -i FILM -c:v libx264 -crf 10 -c:a copy FILM.mkv",
           film.path());
    }
    frames.push_back({time, packet->duration, (packet->flags & AV_PKT_FLAG_KEY) != 0, packet->dts});
  }
  if (frames.empty()) fail(ErrorCode::input, "the film '{}' has no pictures", film.path());
  std::stable_sort(frames.begin(), frames.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  // Two packets of one time are one picture (of two fields, or of layers).
  frames.erase(std::unique(frames.begin(), frames.end(), [](const auto& a, const auto& b) { return a.time == b.time; }),
               frames.end());
  const auto key = std::find_if(frames.begin(), frames.end(), [](const auto& frame) { return frame.key; });
  if (key != frames.end()) index.frames_before_key = key - frames.begin();
  frames.front().key = true;
  // What is shown first need not be decoded first; seeking goes to where the first key is.
  if (key != frames.end() && key->dts != AV_NOPTS_VALUE) frames.front().dts = std::min(frames.front().dts, key->dts);
  const int64_t frame_us = end_us / static_cast<int64_t>(frames.size());
  index.cut_short = missing_at_end(film, packets, end_us, frame_us, end_of_subtitles_us);
  for (unsigned i = announced; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    if (type != AVMEDIA_TYPE_DATA && type != AVMEDIA_TYPE_UNKNOWN) index.late_streams.push_back(describe(stream));
  }
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
