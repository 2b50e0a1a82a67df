#include "video/film_check.hpp"

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include <algorithm>

#include "video/av_versions.hpp"
#include "video/frame_reader.hpp"

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

void fail_for_interlaced(const Film& film, const std::string& where) {
  fail(ErrorCode::input,
       "the film '{}' is interlaced{}, which is not supported. Deinterlace it first, e.g. "
       "ffmpeg -i FILM -vf bwdif -c:a copy -c:s copy PROGRESSIVE.mkv",
       film.path(), where);
}

void check_whole(const Film& film) {
  const FilmIndex& index = film.index();
  if (!index.cannot.empty()) fail(ErrorCode::input, "{}", index.cannot);
  if (!index.interlaced_from) return;
  // Packets may say so of progressive pictures, whose fields have times of their own.
  const auto frame = std::lower_bound(index.frames.begin(), index.frames.end(), *index.interlaced_from,
                                      [](const IndexedFrame& f, int64_t time) { return f.time < time; });
  if (frame == index.frames.end()) return;
  const int64_t number = frame - index.frames.begin();
  FrameReader reader(film, {number, number + 1});
  const AvFrame picture = reader.next();
  if (!picture || !is_interlaced(*picture)) return;
  fail_for_interlaced(
      film, fmt::format(" from {:.2f} s on",
                        static_cast<double>(frame->time - index.frames.front().time) * av_q2d(film.video().time_base)));
}

}  // namespace fsrcnn
