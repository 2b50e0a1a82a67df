#include "video/film.hpp"

#include <algorithm>
#include <cmath>

#include "video/container.hpp"
#include "video/film_check.hpp"

namespace fsrcnn {

Film::Film(const std::string& path, const std::atomic<bool>* stop, std::string head)
    : path_(path),
      stop_(stop),
      head_(is_pipe() && head.empty() ? read_head(stop) : std::move(head)),
      input_(path, {head_, true, stop}),
      video_(av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0)) {
  if (video_ < 0 || is_cover(video())) {
    fail(ErrorCode::input, "'{}' has no video stream (format {}, {} streams)", path_, input_->iformat->long_name,
         input_->nb_streams);
  }
  const AVStream& stream = video();
  if (avcodec_find_decoder(stream.codecpar->codec_id) == nullptr) {
    fail(ErrorCode::input, "no decoder for the pictures of '{}', which are {}", path_,
         avcodec_get_name(stream.codecpar->codec_id));
  }
  if (stream.codecpar->width < 1 || stream.codecpar->height < 1) {
    fail(ErrorCode::input, "the film '{}' does not state the size of its pictures; its beginning may be damaged",
         path_);
  }
  check_stream(*this);
  read_first_frame();
}

void Film::read_first_frame() {
  if (is_pipe()) return;  // of what was read nothing can be read again
  const AvCodec decoder = open_decoder();
  PacketReader packets(*this);
  const AvPacket packet = new_packet();
  AvFrame frame = new_frame();
  for (bool more = true; more;) {
    more = packets.read(*packet);
    if (more) check_packet(*this, *packet);
    if (avcodec_send_packet(decoder.get(), more ? packet.get() : nullptr) < 0) continue;
    int result = avcodec_receive_frame(decoder.get(), frame.get());
    // At the end, what cannot be decoded may stand before what can.
    while (!more && result < 0 && result != AVERROR_EOF) result = avcodec_receive_frame(decoder.get(), frame.get());
    if (result < 0) continue;
    complete(*frame);
    first_frame_ = std::move(frame);
    return;
  }
  fail(ErrorCode::input, "no picture of the film '{}' could be decoded ({})", path_,
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

const FilmIndex& Film::index() const {
  std::call_once(indexed_, [&] { index_ = read_index(*this); });
  return index_;
}

bool Film::has_fixed_rate(int64_t begin, int64_t end) const {
  const double rate = av_q2d(video().avg_frame_rate), unit = av_q2d(video().time_base);
  const std::vector<IndexedFrame>& frames = index().frames;
  end = std::min(end, static_cast<int64_t>(frames.size()));
  for (int64_t i = begin + 1; i < end; ++i) {
    const int64_t step = frames[static_cast<size_t>(i)].time - frames[static_cast<size_t>(i - 1)].time;
    if (std::abs(static_cast<double>(step) * unit * rate - 1) >= 0.5) return false;
  }
  return rate > 0;
}

std::string describe(const AVStream& stream) {
  const char* kind = av_get_media_type_string(stream.codecpar->codec_type);
  return fmt::format("stream {} ({} {})", stream.index, kind == nullptr ? "unknown" : kind,
                     avcodec_get_name(stream.codecpar->codec_id));
}

}  // namespace fsrcnn
