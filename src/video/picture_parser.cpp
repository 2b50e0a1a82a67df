#include "video/picture_parser.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <span>

namespace fsrcnn {
namespace {

// Of VP9 in one packet: superframes have several, with their sizes at the end.
bool shows_vp9(std::span<const uint8_t> frame) {
  if (frame.empty()) return false;
  const int bits = frame[0], profile = (bits >> 5 & 1) | (bits >> 3 & 2);
  const int at = profile == 3 ? 2 : 3;     // of the next bit
  if ((bits >> at & 1) != 0) return true;  // a picture that was decoded before
  return (bits >> (at - 2) & 1) != 0;
}

bool is_hidden_vp9(std::span<const uint8_t> packet) {
  const uint8_t marker = packet.back();
  const size_t count = (marker & 7) + 1U, bytes = (marker >> 3 & 3) + 1U, index = 2 + count * bytes;
  if ((marker & 0xE0) != 0xC0 || packet.size() < index || packet[packet.size() - index] != marker) {
    return !shows_vp9(packet);
  }
  size_t begin = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    for (size_t k = 0; k < bytes; ++k) {
      size |= static_cast<size_t>(packet[packet.size() - index + 1 + i * bytes + k]) << (8 * k);
    }
    if (size > packet.size() - index - begin) return false;
    if (shows_vp9(packet.subspan(begin, size))) return false;
    begin += size;
  }
  return true;
}

// A NAL unit of HEVC that belongs to another layer than the base. Its number has six bits from the first byte's last
// on.
bool is_of_second_layer(const uint8_t* unit) { return (unit[0] & 1) != 0 || (unit[1] >> 3) != 0; }

bool has_second_layer(std::span<const uint8_t> packet, int length_bytes) {
  if (length_bytes > 0) {
    const auto skip = static_cast<size_t>(length_bytes);
    for (size_t at = 0; at + skip + 2 <= packet.size();) {
      size_t size = 0;
      for (size_t k = 0; k < skip; ++k) size = size << 8 | packet[at + k];
      if (is_of_second_layer(&packet[at + skip])) return true;
      if (size > packet.size()) return false;
      at += skip + size;
    }
    return false;
  }
  static constexpr uint8_t kStart[] = {0, 0, 1};
  for (auto at = packet.begin();; ++at) {
    at = std::search(at, packet.end(), std::begin(kStart), std::end(kStart));
    if (packet.end() - at < 5) return false;
    if (is_of_second_layer(&at[3])) return true;
  }
}

// Of a sequence header, by which the packet of a key begins: 12 bits of width, 12 of height, 4 of aspect.
const char* mpeg2_aspect(std::span<const uint8_t> packet) {
  static constexpr uint8_t kHeader[] = {0, 0, 1, 0xB3};
  static constexpr const char* kAspects[] = {nullptr, "square pixels", "4:3", "16:9", "2.21:1"};
  constexpr size_t kAspectAt = 7;
  if (packet.size() <= kAspectAt || !std::equal(std::begin(kHeader), std::end(kHeader), packet.begin())) return nullptr;
  const auto code = static_cast<size_t>(packet[kAspectAt] >> 4);
  return code < std::size(kAspects) ? kAspects[code] : nullptr;
}

}  // namespace

PictureParser::PictureParser(const AVCodecParameters& pictures) : codec_(avcodec_alloc_context3(nullptr)) {
  if (!codec_ || avcodec_parameters_to_context(codec_.get(), &pictures) < 0) throw std::bad_alloc();
  parser_.reset(av_parser_init(pictures.codec_id));
  if (parser_) parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
  constexpr int kHvcC = 23;
  if (pictures.codec_id == AV_CODEC_ID_HEVC && pictures.extradata_size >= kHvcC && pictures.extradata[0] == 1) {
    nal_length_bytes_ = (pictures.extradata[21] & 3) + 1;
  }
}

AVRational PictureParser::rate() const {
  const bool is_stated = codec_->codec_id == AV_CODEC_ID_MPEG1VIDEO || codec_->codec_id == AV_CODEC_ID_MPEG2VIDEO;
  return is_stated ? codec_->framerate : AVRational{0, 1};
}

ParsedPicture PictureParser::parse(const AVPacket& packet) {
  ParsedPicture result;
  if (packet.size == 0) return result;
  const std::span<const uint8_t> bytes(packet.data, static_cast<size_t>(packet.size));
  const AVCodecID id = codec_->codec_id;
  if (id == AV_CODEC_ID_VP8) result.is_hidden = (bytes[0] & 0x10) == 0;
  if (id == AV_CODEC_ID_VP9) result.is_hidden = is_hidden_vp9(bytes);
  if (id == AV_CODEC_ID_MPEG2VIDEO) result.aspect = mpeg2_aspect(bytes);
  if (id == AV_CODEC_ID_HEVC) result.has_second_layer = has_second_layer(bytes, nal_length_bytes_);
  if (!parser_) return result;
  parser_->key_frame = -1;
  parser_->pict_type = AV_PICTURE_TYPE_NONE;
  parser_->field_order = AV_FIELD_UNKNOWN;
  parser_->width = parser_->height = 0;
  uint8_t* out = nullptr;
  int size = 0;
  av_parser_parse2(parser_.get(), codec_.get(), &out, &size, packet.data, packet.size, packet.pts, packet.dts,
                   packet.pos);
  // The parser counts what comes beside one field.
  if (id == AV_CODEC_ID_MPEG1VIDEO || id == AV_CODEC_ID_MPEG2VIDEO || id == AV_CODEC_ID_H264) {
    result.fields = std::max(2, parser_->repeat_pict + 1);
  }
  switch (id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
      if (parser_->pict_type != AV_PICTURE_TYPE_NONE) result.order = parser_->output_picture_number;
      [[fallthrough]];
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
      if (parser_->key_frame >= 0) result.is_key = parser_->key_frame == 1;
      break;
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_VC1:
      if (parser_->pict_type != AV_PICTURE_TYPE_NONE) result.is_key = parser_->pict_type == AV_PICTURE_TYPE_I;
      result.waits = parser_->pict_type == AV_PICTURE_TYPE_I || parser_->pict_type == AV_PICTURE_TYPE_P ||
                     parser_->pict_type == AV_PICTURE_TYPE_S;
      break;
    default: break;
  }
  const AVFieldOrder order = parser_->field_order;
  result.is_interlaced = order != AV_FIELD_UNKNOWN && order != AV_FIELD_PROGRESSIVE;
  result.width = parser_->width;
  result.height = parser_->height;
  return result;
}

}  // namespace fsrcnn
