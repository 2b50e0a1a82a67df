#include "video/film.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>

#include "video/container.hpp"

namespace fsrcnn {
namespace {

// Reads that end when `stop` becomes true, however long nothing comes.
int read_standard_input(void* stop, uint8_t* bytes, int size) {
  constexpr int kWait_ms = 100;
  for (;;) {
    if (stop != nullptr && *static_cast<const std::atomic<bool>*>(stop)) return AVERROR_EXIT;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, kWait_ms) <= 0) continue;  // also where a signal came
    const ssize_t count = ::read(STDIN_FILENO, bytes, static_cast<size_t>(size));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return count > 0 ? static_cast<int>(count) : count == 0 ? AVERROR_EOF : AVERROR(errno);
  }
}

AvInputBytes open_standard_input(const std::atomic<bool>* stop) {
  constexpr int kBytes = 1 << 16;
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBytes));
  AvInputBytes bytes(avio_alloc_context(buffer, kBytes, 0, const_cast<std::atomic<bool>*>(stop), read_standard_input,
                                        nullptr, nullptr));
  if (!bytes) throw std::bad_alloc();
  return bytes;
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

}  // namespace

Film::Film(const std::string& path, const std::atomic<bool>* stop) : path_(path), stop_(stop) {
  open();
  AVStream& stream = video();
  if (avcodec_find_decoder(stream.codecpar->codec_id) == nullptr) {
    fail(ErrorCode::input, "the pictures of '{}' are {}, for which there is no decoder here", path_,
         avcodec_get_name(stream.codecpar->codec_id));
  }
  if (stream.codecpar->width < 1 || stream.codecpar->height < 1) {
    fail(ErrorCode::input, "the film '{}' does not tell the size of its pictures; its beginning may be damaged", path_);
  }
  const AVCodecID codec = stream.codecpar->codec_id;
  if (std::string_view(input_->iformat->name) == "avi" && stream.codecpar->video_delay > 0 &&
      (codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC)) {
    fail(ErrorCode::input,
         "AVI does not tell when the pictures of '{}' are shown, which are {} with B-frames. Encode the film anew "
         "first, e.g. ffmpeg -i FILM -c:v libx264 -crf 10 -c:a copy FILM.mkv",
         path_, avcodec_get_name(codec));
  }
  check_first_frame();
}

void Film::open() {
  if (!first_input_) first_input_ = std::move(input_);
  input_.reset();
  AVFormatContext* context = nullptr;
  if (is_pipe()) {
    context = avformat_alloc_context();
    if (context == nullptr) throw std::bad_alloc();
    standard_input_ = open_standard_input(stop_);
    context->pb = standard_input_.get();
  }
  const AVInputFormat* format = is_pipe() ? av_find_input_format(kRawFormat.data()) : nullptr;
  if (!is_pipe() && !std::filesystem::exists(path_)) fail(ErrorCode::io, "there is no file '{}'", path_);
  // "file:" keeps a colon in a name from being a protocol's.
  const std::string url = is_pipe() ? "standard input" : "file:" + path_;
  const int opened = avformat_open_input(&context, url.c_str(), format, nullptr);
  if (opened < 0) {
    check_stop();
    const bool unreadable = opened == AVERROR(EACCES) || opened == AVERROR(EISDIR);
    fail(unreadable ? ErrorCode::io : ErrorCode::input, "'{}' is neither a picture nor a film that can be read: {}",
         path_, av_message(opened));
  }
  input_.reset(context);
  av_check(avformat_find_stream_info(context, nullptr), ErrorCode::input, "reading the film '{}'", path_);
  // AVI and MPEG-PS may tell the time of decoding only. Where no picture waits for another, that is the time itself;
  // FFmpeg would take the next one's.
  const bool avi = std::string_view(context->iformat->name) == "avi";
  if (!first_input_) video_ = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (video_ >= 0 && !(avi && context->streams[video_]->codecpar->video_delay == 0))
    context->flags |= AVFMT_FLAG_GENPTS;
  if (first_input_) return;
  if (video_ < 0 || is_cover(video())) {
    fail(ErrorCode::input, "'{}' has no moving pictures (format {}, {} streams)", path_, context->iformat->long_name,
         context->nb_streams);
  }
}

void Film::check_first_frame() {
  const auto interlaced = [&] {
    fail(ErrorCode::input,
         "the film '{}' is interlaced: lines of two moments cannot be upscaled together. Deinterlace it first, e.g. "
         "ffmpeg -i FILM -vf bwdif -c:a copy -c:s copy PROGRESSIVE.mkv",
         path_);
  };
  const AVFieldOrder order = video().codecpar->field_order;
  if (order != AV_FIELD_PROGRESSIVE && order != AV_FIELD_UNKNOWN) interlaced();
  if (is_pipe()) return;  // of what was read nothing can be read again
  const AvCodec decoder = open_decoder();
  const AvPacket packet = new_packet();
  AvFrame frame = new_frame();
  for (bool more = true; more;) {
    more = read(*packet);
    if (avcodec_send_packet(decoder.get(), more ? packet.get() : nullptr) < 0) continue;
    int result = avcodec_receive_frame(decoder.get(), frame.get());
    // At the end, what cannot be decoded may stand before what can.
    while (!more && result < 0 && result != AVERROR_EOF) result = avcodec_receive_frame(decoder.get(), frame.get());
    if (result < 0) continue;
    if (frame->interlaced_frame != 0) interlaced();
    complete(*frame);
    has_captions_ = av_frame_get_side_data(frame.get(), AV_FRAME_DATA_A53_CC) != nullptr;
    first_frame_ = std::move(frame);
    return;
  }
  fail(ErrorCode::input, "the film '{}' has no picture that can be decoded ({})", path_,
       avcodec_get_name(video().codecpar->codec_id));
}

void Film::complete(AVFrame& frame) const {
  const AVStream& stream = video();
  const AVCodecParameters& p = *stream.codecpar;
  if (frame.color_range == AVCOL_RANGE_UNSPECIFIED) frame.color_range = p.color_range;
  if (frame.color_primaries == AVCOL_PRI_UNSPECIFIED) frame.color_primaries = p.color_primaries;
  if (frame.color_trc == AVCOL_TRC_UNSPECIFIED) frame.color_trc = p.color_trc;
  if (frame.colorspace == AVCOL_SPC_UNSPECIFIED) frame.colorspace = p.color_space;
  if (frame.chroma_location == AVCHROMA_LOC_UNSPECIFIED) frame.chroma_location = p.chroma_location;
  if (frame.sample_aspect_ratio.num == 0) frame.sample_aspect_ratio = stream.sample_aspect_ratio;
}

AvCodec Film::open_decoder() const {
  const AVStream& stream = video();
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  // FFmpeg's own decoders of VP8 and VP9 leave transparency out.
  if (const auto* alpha = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
      alpha != nullptr && std::string_view(alpha->value) == "1") {
    const char* name = stream.codecpar->codec_id == AV_CODEC_ID_VP9 ? "libvpx-vp9" : "libvpx";
    if (const AVCodec* other = avcodec_find_decoder_by_name(name); other != nullptr && other->id == codec->id)
      codec = other;
  }
  AvCodec decoder(avcodec_alloc_context3(codec));
  if (!decoder) throw std::bad_alloc();
  av_check(avcodec_parameters_to_context(decoder.get(), stream.codecpar), ErrorCode::input, "decoding '{}'", path_);
  decoder->pkt_timebase = stream.time_base;
  decoder->thread_count = 0;  // one for each core
  // Without it a few columns stay that are to be cut off at the left.
  decoder->flags |= AV_CODEC_FLAG_UNALIGNED;
  av_check(avcodec_open2(decoder.get(), codec, nullptr), ErrorCode::input, "opening the decoder {} for '{}'",
           codec->name, path_);
  return decoder;
}

void Film::check_stop() const {
  if (stop_ != nullptr && *stop_) fail(ErrorCode::cancelled, "stopped");
}

bool Film::read(AVPacket& packet, bool any_stream) {
  for (;;) {
    check_stop();
    av_packet_unref(&packet);
    const int result = av_read_frame(input_.get(), &packet);
    if (result == AVERROR(EAGAIN)) continue;
    // What cannot be read any more, of a file cut short, is its end.
    if (result < 0) {
      check_stop();
      if (result == AVERROR(EIO)) av_check(result, ErrorCode::io, "reading '{}'", path_);
      const AVIOContext* bytes = input_->pb;  // some formats take what cannot be read for the end
      read_error_ = result == AVERROR_EOF && bytes != nullptr && bytes->error < 0 ? bytes->error : result;
      return false;
    }
    if (packet.stream_index == video_) packet_end_ = packet.pos + packet.size;
    // AVI has empty packets for pictures that are to stay; decoders take them for the end.
    if (packet.stream_index == video_ && packet.size == 0) continue;
    if (any_stream || packet.stream_index == video_) return true;
  }
}

void Film::seek(const IndexedFrame& frame) {
  const int64_t target = frame.dts != AV_NOPTS_VALUE ? frame.dts : frame.time;
  const AvPacket packet = new_packet();
  // Formats differ in whether they seek by pts or dts, so what comes out is looked at.
  for (const int64_t time : {frame.time, target}) {
    if (av_seek_frame(input_.get(), video_, time, AVSEEK_FLAG_BACKWARD) < 0) continue;
    if (!read(*packet)) continue;
    const int64_t at = packet->dts != AV_NOPTS_VALUE ? packet->dts : time_of(*packet);
    if (at > target || at == AV_NOPTS_VALUE) continue;
    av_seek_frame(input_.get(), video_, time, AVSEEK_FLAG_BACKWARD);
    return;
  }
  open();
}

const std::vector<IndexedFrame>& Film::index() {
  if (!index_.empty()) return index_;
  open();
  const unsigned announced = input_->nb_streams;
  int64_t end_us = 0, end_of_subtitles_us = 0;
  const AvPacket packet = new_packet();
  while (read(*packet, true)) {
    if (time_of(*packet) != AV_NOPTS_VALUE) {
      const AVStream& stream = *input_->streams[packet->stream_index];
      const AVMediaType type = stream.codecpar->codec_type;
      int64_t& end = type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO ? end_us : end_of_subtitles_us;
      end = std::max(end, av_rescale_q(time_of(*packet) + packet->duration, stream.time_base, kMicroseconds));
    }
    const auto stream = static_cast<size_t>(packet->stream_index);
    if (stream >= met_.size()) met_.resize(stream + 1);
    met_[stream] = true;
    // They need not begin with the first picture.
    if (packet->stream_index == video_ && !has_captions_) {
      has_captions_ = has_a53_captions(*packet, video().codecpar->codec_id);
    }
    if (packet->stream_index != video_ || is_hidden(*packet)) continue;
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) continue;  // decoded by an edit list's wish, but never shown
    const int64_t time = time_of(*packet);
    if (time == AV_NOPTS_VALUE) {
      fail(ErrorCode::input,
           "the film '{}' does not tell when its pictures are shown. Encode it anew first, e.g. "
           "ffmpeg -i FILM -c:v libx264 -crf 10 -c:a copy FILM.mkv",
           path_);
    }
    index_.push_back({time, packet->duration, (packet->flags & AV_PKT_FLAG_KEY) != 0, packet->dts});
  }
  if (index_.empty()) fail(ErrorCode::input, "the film '{}' has no pictures", path_);
  std::stable_sort(index_.begin(), index_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  // Two packets of one time are one picture (of two fields, or of layers).
  index_.erase(std::unique(index_.begin(), index_.end(), [](const auto& a, const auto& b) { return a.time == b.time; }),
               index_.end());
  const auto key = std::find_if(index_.begin(), index_.end(), [](const auto& frame) { return frame.key; });
  if (key != index_.end()) frames_before_key_ = key - index_.begin();
  index_.front().key = true;
  // What is shown first need not be decoded first; seeking goes to where the first key is.
  if (key != index_.end() && key->dts != AV_NOPTS_VALUE) index_.front().dts = std::min(index_.front().dts, key->dts);
  check_end(end_us, end_of_subtitles_us);
  for (unsigned i = announced; i < input_->nb_streams; ++i) {
    const AVStream& stream = *input_->streams[i];
    const AVMediaType type = stream.codecpar->codec_type;
    if (type != AVMEDIA_TYPE_DATA && type != AVMEDIA_TYPE_UNKNOWN) late_streams_.push_back(describe(stream));
  }
  open();
  return index_;
}

bool Film::has_fixed_rate(int64_t begin, int64_t end) const {
  const double rate = av_q2d(video().avg_frame_rate), unit = av_q2d(video().time_base);
  end = std::min(end, static_cast<int64_t>(index_.size()));
  for (int64_t i = begin + 1; i < end; ++i) {
    const int64_t step = index_[static_cast<size_t>(i)].time - index_[static_cast<size_t>(i - 1)].time;
    if (std::abs(static_cast<double>(step) * unit * rate - 1) >= 0.5) return false;
  }
  return rate > 0;
}

bool Film::is_hidden(const AVPacket& packet) const {
  return video().codecpar->codec_id == AV_CODEC_ID_VP8 && (packet.data[0] & 0x10) == 0;
}

// Sizes and times that are guessed from the file's end tell nothing of it.
void Film::check_end(int64_t end_us, int64_t end_of_subtitles_us) {
  const auto seconds = [](int64_t us) { return static_cast<double>(us) / AV_TIME_BASE; };
  if (const std::string why = broken_off(); !why.empty()) {
    cut_short_ = fmt::format("the film's file {} after {:.2f} s", why, seconds(end_us));
    return;
  }
  if (input_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return;
  int64_t stated_us = input_->duration;
  const std::string_view format = input_->iformat->name;
  const bool mp4 = format.find("mp4") != std::string_view::npos;
  if (mp4) {
    // MP4's own is that of all tracks, also of the text of chapters.
    const AVStream& stream = video();
    const int64_t start = stream.start_time == AV_NOPTS_VALUE ? 0 : stream.start_time;
    stated_us = stream.duration == AV_NOPTS_VALUE
                    ? AV_NOPTS_VALUE
                    : av_rescale_q(start + stream.duration, stream.time_base, kMicroseconds);
  }
  // Others write what they had planned.
  const int64_t tolerance_us = mp4 || format.find("matroska") != std::string_view::npos ? 200'000 : 1'000'000;
  const int64_t frame_us = end_us / static_cast<int64_t>(index_.size());
  if (stated_us == AV_NOPTS_VALUE || end_us >= stated_us - tolerance_us - frame_us) return;
  if (end_of_subtitles_us >= stated_us - 50'000) return;  // the last of them may stay longer than the pictures
  cut_short_ = fmt::format("the film's file is cut short: it ends after {:.2f} of {:.2f} s", seconds(end_us),
                           seconds(stated_us));
}

std::string Film::broken_off() const {
  if (read_error_ != AVERROR_EOF)
    return fmt::format("is damaged and cannot be read any further ({})", av_message(read_error_));
  // YUV4MPEG2 has nothing else but pictures, and FFmpeg takes a part of one for the end.
  const bool raw = input_->iformat->name == kRawFormat;
  return raw && packet_end_ >= 0 && avio_tell(input_->pb) != packet_end_ ? "ends in the middle of a frame" : "";
}

std::string describe(const AVStream& stream) {
  const char* kind = av_get_media_type_string(stream.codecpar->codec_type);
  return fmt::format("stream {} ({} {})", stream.index, kind == nullptr ? "unknown" : kind,
                     avcodec_get_name(stream.codecpar->codec_id));
}

std::vector<FrameRange> cut_into_segments(const std::vector<IndexedFrame>& index, int64_t frames) {
  std::vector<FrameRange> segments;
  const auto count = static_cast<int64_t>(index.size());
  int64_t begin = 0;
  for (int64_t i = 1; i < count; ++i) {
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
