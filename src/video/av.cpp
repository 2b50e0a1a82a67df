#include "video/av.hpp"

extern "C" {
#include <libavutil/hash.h>
#include <libavutil/log.h>
}

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace fsrcnn {
namespace {

// Threads of codecs log too, so the last line is everybody's.
std::mutex log_mutex;
std::string last_log_line, last_option_warning;

// Of the parameters that x264 and x265 read themselves, they warn only.
bool is_about_options(const std::string& text) {
  static constexpr const char* kWords[] = {"Error parsing option", "Unknown option", "Invalid value for"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const char* words) { return text.find(words) != std::string::npos; });
}

void keep_log_line(void* object, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char line[512];
  int prefix = 0;
  av_log_format_line2(object, level, format, arguments, line, sizeof(line), &prefix);
  std::string text(line);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  // "[libx264 @ 0x55...] message"
  if (const size_t at = text.find(" @ 0x"), end = text.find("] ");
      at != std::string::npos && end != std::string::npos) {
    text = text.substr(1, at - 1) + ": " + text.substr(end + 2);
  }
  // The line before says why.
  for (const char* vague : {"ff_frame_thread_encoder_init failed", "Error processing filtergraph",
                            "Error parsing a filter", "Error parsing filterchain"}) {
    if (text.find(vague) != std::string::npos) return;
  }
  const std::lock_guard lock(log_mutex);
  if (is_about_options(text)) last_option_warning = text;
  if (level <= AV_LOG_ERROR && !text.empty()) last_log_line = std::move(text);
}

}  // namespace

AvFrame new_frame() {
  AvFrame frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

AvFrame new_frame(AVPixelFormat pixels, int width, int height, int alignment) {
  AvFrame frame = new_frame();
  frame->format = pixels;
  frame->width = width;
  frame->height = height;
  av_check(av_frame_get_buffer(frame.get(), alignment), ErrorCode::input, "allocating a {}x{} frame", width, height);
  return frame;
}

AvFrame reference_to(const AVFrame& frame) {
  AvFrame reference = new_frame();
  av_check(av_frame_ref(reference.get(), &frame), ErrorCode::io, "referencing a frame");
  return reference;
}

AvPacket new_packet() {
  AvPacket packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

AvParameters new_parameters() {
  AvParameters parameters(avcodec_parameters_alloc());
  if (!parameters) throw std::bad_alloc();
  return parameters;
}

AvPacketFilter open_packet_filter(const char* name, const AVCodecParameters& parameters) {
  AVBSFContext* context = nullptr;
  if (av_bsf_alloc(av_bsf_get_by_name(name), &context) < 0) throw std::bad_alloc();
  AvPacketFilter filter(context);
  av_check(avcodec_parameters_copy(filter->par_in, &parameters), ErrorCode::io, "copying a stream's parameters");
  return av_bsf_init(filter.get()) < 0 ? nullptr : std::move(filter);
}

void set_extradata(AVCodecParameters& parameters, const uint8_t* bytes, size_t size) {
  av_freep(&parameters.extradata);
  parameters.extradata_size = 0;
  parameters.extradata = static_cast<uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
  if (parameters.extradata == nullptr) throw std::bad_alloc();
  parameters.extradata_size = static_cast<int>(size);
  std::memcpy(parameters.extradata, bytes, size);
}

PacketHash::PacketHash() {
  if (av_hash_alloc(&hash_, "MURMUR3") < 0) throw std::bad_alloc();
  av_hash_init(hash_);
}

PacketHash::~PacketHash() { av_hash_freep(&hash_); }

void PacketHash::add(const AVPacket& packet) {
  av_hash_update(hash_, reinterpret_cast<const uint8_t*>(&packet.pts), sizeof(packet.pts));
  av_hash_update(hash_, packet.data, static_cast<size_t>(packet.size));
}

std::string PacketHash::digits() {
  uint8_t digits[2 * AV_HASH_MAX_SIZE + 1];
  av_hash_final_hex(hash_, digits, sizeof(digits));
  av_hash_init(hash_);
  return reinterpret_cast<const char*>(digits);
}

std::string AvOptions::unused() const {
  const AVDictionaryEntry* entry = av_dict_get(dictionary_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  return entry == nullptr ? "" : entry->key;
}

std::string av_message(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(code, text, sizeof(text));
  const std::lock_guard lock(log_mutex);
  std::string message = text;
  if (!last_log_line.empty()) message += " (" + last_log_line + ")";
  last_log_line.clear();
  return message;
}

std::string option_warning() {
  const std::lock_guard lock(log_mutex);
  return std::exchange(last_option_warning, "");
}

void close_written(AVIOContext*& file, const std::string& name) {
  avio_flush(file);
  const int error = file->error;
  const int closed = avio_closep(&file);
  av_check(error < 0 ? error : closed, ErrorCode::io, "writing '{}'", name);
}

void quiet_av_log() {
  av_log_set_callback(keep_log_line);
  setenv("SVT_LOG", "1", 0);  // SVT-AV1 writes to the terminal itself; errors only
}

}  // namespace fsrcnn
