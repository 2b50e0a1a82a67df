#include "video/film_check.hpp"

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include "video/av_versions.hpp"

namespace fsrcnn {
namespace {

[[noreturn]] void fail_for_encrypted(const Film& film) {
  fail(ErrorCode::input, "the film '{}' is encrypted; decrypt it first", film.path());
}

// Dolby Vision's own colours (IPT), without a layer that others can show.
bool has_only_dolby_colours(const AVStream& stream) {
  constexpr int kProfile = 5;
  const AVPacketSideData* data = side_data(stream, AV_PKT_DATA_DOVI_CONF);
  if (data == nullptr || data->size < sizeof(AVDOVIDecoderConfigurationRecord)) return false;
  return reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(data->data)->dv_profile == kProfile;
}

}  // namespace

void check_stream(const Film& film) {
  if (side_data(film.video(), AV_PKT_DATA_ENCRYPTION_INIT_INFO) != nullptr) fail_for_encrypted(film);
  if (has_only_dolby_colours(film.video())) {
    fail(ErrorCode::input,
         "the film '{}' is Dolby Vision of profile 5, whose colours would come out green and purple. Convert it to "
         "HDR10 first, e.g. ffmpeg -i FILM -vf libplacebo=colorspace=bt2020nc:color_primaries=bt2020:"
         "color_trc=smpte2084 -c:v libx265 -crf 12 -c:a copy HDR10.mkv",
         film.path());
  }
}

void check_packet(const Film& film, const AVPacket& packet) {
  if (av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr) fail_for_encrypted(film);
}

void check_whole(const Film& film) {
  if (!film.index().cannot.empty()) fail(ErrorCode::input, "{}", film.index().cannot);
}

}  // namespace fsrcnn
