#include "video/packet_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "video/film.hpp"

namespace fsrcnn {
namespace {

bool stopped(const std::atomic<bool>* stop) { return stop != nullptr && *stop; }

int read_standard_input(const std::atomic<bool>* stop, uint8_t* bytes, int size) {
  constexpr int kWait_ms = 100;
  for (;;) {
    if (stopped(stop)) return AVERROR_EXIT;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, kWait_ms) <= 0) continue;  // also where a signal came
    const ssize_t count = ::read(STDIN_FILENO, bytes, static_cast<size_t>(size));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return count > 0 ? static_cast<int>(count) : count == 0 ? AVERROR_EOF : AVERROR(errno);
  }
}

int read_bytes(void* opaque, uint8_t* bytes, int size) {
  auto& input = *static_cast<StandardInput*>(opaque);
  const size_t left = std::min(input.head.size() - input.at, static_cast<size_t>(size));
  if (left == 0) return input.head_only ? AVERROR_EOF : read_standard_input(input.stop, bytes, size);
  std::memcpy(bytes, input.head.data() + input.at, left);
  input.at += left;
  return static_cast<int>(left);
}

AvInputBytes open_standard_input(StandardInput& input) {
  constexpr int kBytes = 1 << 16;
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBytes));
  AvInputBytes bytes(avio_alloc_context(buffer, kBytes, 0, &input, read_bytes, nullptr, nullptr));
  if (!bytes) throw std::bad_alloc();
  return bytes;
}

void check_stop(const std::atomic<bool>* stop) {
  if (stopped(stop)) fail(ErrorCode::cancelled, "stopped");
}

}  // namespace

std::string read_head(const std::atomic<bool>* stop) {
  constexpr size_t kLimit_bytes = 4096;
  std::string head;
  for (uint8_t byte = 0; byte != '\n' && head.size() < kLimit_bytes; head += static_cast<char>(byte)) {
    const int result = read_standard_input(stop, &byte, 1);
    check_stop(stop);
    if (result == AVERROR_EOF) break;
    av_check(result, ErrorCode::io, "reading standard input");
  }
  return head;
}

void spool_standard_input(const std::string& head, const std::filesystem::path& file, const std::atomic<bool>* stop) {
  constexpr int kBytes = 1 << 16;
  std::vector<uint8_t> bytes(head.begin(), head.end());
  int count = static_cast<int>(bytes.size());
  bytes.resize(kBytes);
  AVIOContext* out = nullptr;
  const std::string name = file.string();
  av_check(avio_open(&out, ("file:" + name).c_str(), AVIO_FLAG_WRITE), ErrorCode::io, "writing '{}'", name);
  for (; count > 0 && out->error >= 0; count = read_standard_input(stop, bytes.data(), kBytes)) {
    avio_write(out, bytes.data(), count);
  }
  close_written(out, name);
  check_stop(stop);
  if (count != AVERROR_EOF) av_check(count, ErrorCode::io, "reading standard input");
}

InputFile::InputFile(const std::string& path, StandardInput standard_input)
    : standard_input_(std::make_unique<StandardInput>(std::move(standard_input))) {
  AVFormatContext* context = nullptr;
  const bool pipe = path == "-";
  if (pipe) {
    context = avformat_alloc_context();
    if (context == nullptr) throw std::bad_alloc();
    bytes_ = open_standard_input(*standard_input_);
    context->pb = bytes_.get();
  }
  const AVInputFormat* format = pipe ? av_find_input_format(kRawFormat.data()) : nullptr;
  if (!pipe && !std::filesystem::exists(path)) fail(ErrorCode::io, "there is no file '{}'", path);
  // "file:" keeps a colon in a name from being a protocol's.
  const std::string url = pipe ? "standard input" : "file:" + path;
  const int opened = avformat_open_input(&context, url.c_str(), format, nullptr);
  if (opened < 0) {
    check_stop(standard_input_->stop);
    const bool unreadable = opened == AVERROR(EACCES) || opened == AVERROR(EISDIR);
    fail(unreadable ? ErrorCode::io : ErrorCode::input, "'{}' is neither a readable picture nor a readable film: {}",
         path, av_message(opened));
  }
  context_.reset(context);
  av_check(avformat_find_stream_info(context, nullptr), ErrorCode::input, "reading the film '{}'", path);
}

PacketReader::PacketReader(const Film& film, const FilmIndex* index)
    : film_(film),
      index_(index != nullptr && !index->packets.empty() ? index : nullptr),
      input_(open()),
      clock_((input_->iformat->flags & AVFMT_TS_DISCONT) != 0) {
  const AVCodecParameters& pictures = *input_->streams[film.video_index()]->codecpar;
  if (pictures.codec_id == AV_CODEC_ID_MPEG4) unpacker_ = open_packet_filter("mpeg4_unpack_bframes", pictures);
}

InputFile PacketReader::open() const {
  InputFile input(film_.path(), {film_.head(), false, film_.stop()});
  if (static_cast<int>(input->nb_streams) <= film_.video_index()) {
    fail(ErrorCode::input, "the film '{}' changed while it was being read", film_.path());
  }
  // AVI and MPEG-PS may tell the time of decoding only. Where no picture waits for another, that is the time itself;
  // FFmpeg would take the next one's.
  const AVCodecParameters& pictures = *input->streams[film_.video_index()]->codecpar;
  const bool avi = std::string_view(input->iformat->name) == "avi";
  if (!(avi && pictures.video_delay == 0) && !lacks_times(*input->iformat, pictures.codec_id)) {
    input->flags |= AVFMT_FLAG_GENPTS;
  }
  return input;
}

void PacketReader::open_again() {
  input_ = open();
  clock_ = ClockJoiner((input_->iformat->flags & AVFMT_TS_DISCONT) != 0);
  if (unpacker_) av_bsf_flush(unpacker_.get());
  is_from_beginning_ = true;
  number_ = 0;
}

// As the file has it.
bool PacketReader::read_any(AVPacket& packet, bool any_stream) {
  for (;;) {
    check_stop(film_.stop());
    av_packet_unref(&packet);
    const int result = av_read_frame(input_.get(), &packet);
    if (result == AVERROR(EAGAIN)) continue;
    // What cannot be read any more, of a file cut short, is its end.
    if (result < 0) {
      check_stop(film_.stop());
      if (result == AVERROR(EIO)) av_check(result, ErrorCode::io, "reading '{}'", film_.path());
      const AVIOContext* bytes = input_->pb;  // some formats take what cannot be read for the end
      read_error_ = result == AVERROR_EOF && bytes != nullptr && bytes->error < 0 ? bytes->error : result;
      return false;
    }
    const bool picture = packet.stream_index == film_.video_index();
    if (picture) packet_end_ = packet.pos + packet.size;
    // AVI has empty packets for pictures that are to stay; decoders take them for the end.
    if (picture && packet.size == 0) continue;
    if (any_stream || picture) return true;
  }
}

// One picture a packet; false if there is none in it.
bool PacketReader::unpack(AVPacket& packet) {
  if (av_bsf_send_packet(unpacker_.get(), &packet) < 0) return false;
  return av_bsf_receive_packet(unpacker_.get(), &packet) >= 0;
}

bool PacketReader::read(AVPacket& packet, bool any_stream) {
  while (read_any(packet, any_stream)) {
    const bool picture = packet.stream_index == film_.video_index();
    if (picture && unpacker_ && !unpack(packet)) continue;
    if (is_from_beginning_) clock_.join(packet, *input_->streams[packet.stream_index]);
    if (!picture) return true;
    if (index_ != nullptr && number_ < index_->packets.size()) {
      packet.pts = index_->packets[number_].pts;
      packet.dts = index_->packets[number_].dts;
    }
    ++number_;
    return true;
  }
  return false;
}

// Reads on to the packet before this one of the index, by what is in it.
bool PacketReader::find(size_t number) {
  constexpr int kMost = 1000;
  const AvPacket packet = new_packet();
  for (int i = 0; i < kMost && read_any(*packet, false); ++i) {
    if (unpacker_ && !unpack(*packet)) continue;
    if (!(fingerprint(*packet) == index_->packets[number].fingerprint)) continue;
    number_ = number + 1;
    return true;
  }
  return false;
}

void PacketReader::seek(const IndexedFrame& frame) {
  const int64_t target = frame.dts != AV_NOPTS_VALUE ? frame.dts : frame.time;
  const int stream = film_.video_index();
  if (index_ != nullptr) {
    // Times in the file are no help; bytes are, of which a packet before the wanted one is looked for.
    const std::vector<IndexedPacket>& packets = index_->packets;
    const auto wanted = static_cast<size_t>(
        std::find_if(packets.begin(), packets.end(), [&](const auto& p) { return p.dts >= target; }) - packets.begin());
    constexpr size_t kBefore = 8;  // what comes out first may be a part of a picture, or a later one
    if (wanted > 2 * kBefore && (input_->iformat->flags & AVFMT_NO_BYTE_SEEK) == 0) {
      is_from_beginning_ = false;
      if (unpacker_) av_bsf_flush(unpacker_.get());
      const int64_t place = packets[wanted - 2 * kBefore].fingerprint.pos;
      if (av_seek_frame(input_.get(), stream, place, AVSEEK_FLAG_BYTE) >= 0 && find(wanted - kBefore)) {
        for (const AvPacket packet = new_packet(); number_ < wanted && read(*packet);) continue;
        return;
      }
    }
    return open_again();
  }
  const AvPacket packet = new_packet();
  // Formats differ in whether they seek by pts or dts, so what comes out is looked at.
  for (const int64_t time : {frame.time, target}) {
    if (av_seek_frame(input_.get(), stream, time, AVSEEK_FLAG_BACKWARD) < 0) continue;
    is_from_beginning_ = false;
    if (!read(*packet)) continue;
    const int64_t at = packet->dts != AV_NOPTS_VALUE ? packet->dts : time_of(*packet);
    if (at > target || at == AV_NOPTS_VALUE) continue;
    av_seek_frame(input_.get(), stream, time, AVSEEK_FLAG_BACKWARD);
    if (unpacker_) av_bsf_flush(unpacker_.get());
    return;
  }
  open_again();
}

std::string PacketReader::broken_off() const {
  if (read_error_ != AVERROR_EOF) return fmt::format("is damaged and unreadable ({})", av_message(read_error_));
  // YUV4MPEG2 has nothing else but pictures, and FFmpeg takes a part of one for the end.
  const bool raw = input_->iformat->name == kRawFormat;
  return raw && packet_end_ >= 0 && avio_tell(input_->pb) != packet_end_ ? "ends in the middle of a frame" : "";
}

}  // namespace fsrcnn
