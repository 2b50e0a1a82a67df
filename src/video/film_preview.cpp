#include "video/film_preview.hpp"

#include <algorithm>
#include <cstring>

#include "base/atomic_output.hpp"
#include "base/file.hpp"
#include "video/film_cut.hpp"
#include "video/film_turn.hpp"
#include "video/frame_stages.hpp"
#include "video/part_frames.hpp"

namespace fsrcnn {
namespace {

// Both have the same size.
AvFrame beside(const AVFrame& left, const AVFrame& right) {
  AvFrame both = new_frame(AV_PIX_FMT_RGB24, left.width + right.width, std::max(left.height, right.height));
  for (int y = 0; y < both->height; ++y) {
    uint8_t* const row = both->data[0] + ptrdiff_t{y} * both->linesize[0];
    const auto copy = [&](const AVFrame& from, int x) {
      std::memcpy(row + ptrdiff_t{3} * x, from.data[0] + ptrdiff_t{y} * from.linesize[0],
                  static_cast<size_t>(3 * from.width));
    };
    copy(left, 0);
    copy(right, left.width);
  }
  return both;
}

AvPacket as_png(const AVFrame& frame) {
  const AVCodec* png = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (png == nullptr) fail(ErrorCode::usage, "this FFmpeg has no encoder for PNG");
  const AvCodec codec(avcodec_alloc_context3(png));
  if (!codec) throw std::bad_alloc();
  codec->width = frame.width;
  codec->height = frame.height;
  codec->pix_fmt = AV_PIX_FMT_RGB24;
  codec->time_base = {1, 1};
  av_check(avcodec_open2(codec.get(), png, nullptr), ErrorCode::io, "opening the encoder of PNG");
  AvPacket packet = new_packet();
  av_check(avcodec_send_frame(codec.get(), &frame), ErrorCode::io, "encoding a PNG");
  av_check(avcodec_send_frame(codec.get(), nullptr), ErrorCode::io, "encoding a PNG");
  av_check(avcodec_receive_packet(codec.get(), packet.get()), ErrorCode::io, "encoding a PNG");
  return packet;
}

}  // namespace

FilmResult preview_film(const EngineFor& engine_for, const FilmJob& job, int64_t time_us,
                        const std::atomic<bool>& stop) {
  const Film film(job.input, &stop);
  if (film.is_pipe()) fail(ErrorCode::usage, "--preview needs a file, not a pipe");
  FrameRange range = frames_between(film, time_us, std::nullopt);
  range.end = range.begin + 1;
  Engine* engine = nullptr;
  const FramePlan plan = plan_frames(film, job.filters, false, [&](std::optional<double> factor) {
    engine = &engine_for(factor);
    return engine->scale();
  });
  const std::vector<FilmPart> parts = {{range, "", ""}};
  std::vector<PartResult> results(1);
  PartFrames frames(film, plan, parts, results);
  auto next = frames.next();
  if (!next) fail(ErrorCode::input, "at this time no picture of '{}' could be decoded", job.input);

  PixelConverter to_planar, to_packed;
  const auto to_rgb = [&](AvFrame frame, FrameTarget target) {
    const AVPixelFormat planar = planar_format(static_cast<AVPixelFormat>(frame->format));
    target.pixels = AV_PIX_FMT_GBRP;
    FrameConverter convert(target, FrameConverter::Kernel::bicubic);
    return to_packed(convert(to_planar(std::move(frame), planar)), AV_PIX_FMT_RGB24);
  };
  const AvFrame before = to_rgb(reference_to(*next->frame), plan.target);
  FrameStages stages(*engine, plan);
  AvFrame after;
  const auto keep = [&](size_t, AvFrame frame) { after = std::move(frame); };
  stages.finish(0, stages.enlarge(stages.begin(std::move(next->frame))), keep);
  stages.end(keep);
  const FrameTarget as_it_is{AV_PIX_FMT_GBRP, after->width, after->height, after->width, after->height};
  const AvPacket png = as_png(*beside(*before, *to_rgb(std::move(after), as_it_is)));
  write_file(job.output,
             as_bytes(std::string(reinterpret_cast<const char*>(png->data), static_cast<size_t>(png->size))));

  FilmResult result;
  result.width = film.first_frame()->width;
  result.height = film.first_frame()->height;
  if (is_sideways(film)) std::swap(result.width, result.height);
  result.output_width = 2 * plan.output.like->width;
  result.output_height = plan.output.like->height;
  result.frames = 1;
  result.encoder = "png";
  result.warnings = plan.notes;
  return result;
}

}  // namespace fsrcnn
