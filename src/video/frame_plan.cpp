#include "video/frame_plan.hpp"

extern "C" {
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <cmath>

#include "video/av_versions.hpp"
#include "video/film_look.hpp"
#include "video/film_turn.hpp"
#include "video/frame_upscaler.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

constexpr int kMostInterlacedRows = 1152;  // no system with more has fields

// A pipe's pictures are raw, and its head says all of them.
AvFrame first_of(const Film& film) {
  AvFrame first;
  if (film.first_frame() != nullptr) {
    first = without_samples(*film.first_frame());
  } else {
    const AVCodecParameters& p = *film.video().codecpar;
    first = new_frame();
    first->width = p.width;
    first->height = p.height;
    first->format = p.format;
    film.complete(*first);
  }
  return first;
}

AVRational aspect_of(const Film& film, const AVFrame& first) {
  const AVRational of_stream = film.video().sample_aspect_ratio;
  return of_stream.num > 0 ? of_stream : first.sample_aspect_ratio;
}

std::string deinterlacer_graph(const std::string& name, const FilterOptions& options, std::optional<bool> top_first,
                               bool only_flagged) {
  const bool estdif = name == "estdif";
  const char* mode = options.frame_for_field ? (estdif ? "field" : "send_field") : estdif ? "frame" : "send_frame";
  return fmt::format("{}=mode={}:parity={}:deint={}", name, mode,
                     !top_first   ? "auto"
                     : *top_first ? "tff"
                                  : "bff",
                     only_flagged ? "interlaced" : "all");
}

const char* name_of(Deinterlacer deinterlacer) {
  switch (deinterlacer) {
    case Deinterlacer::yadif: return "yadif";
    case Deinterlacer::estdif: return "estdif";
    default: return "bwdif";
  }
}

// Of a film of 24 frames a second, or 24000/1001, which with the flags for fields has 30 or 30000/1001.
AVRational even_rate(const Film& film) {
  const AVRational stated = film.video().r_frame_rate;
  const double rate = stated.num > 0 ? av_q2d(stated) : 0;
  constexpr double kSame = 0.005, kMost = 121;
  const auto is_whole = [](double number) { return std::abs(number - std::round(number)) < kSame; };
  if (rate > 1 && rate < kMost && is_whole(rate)) return {24, 1};
  if (rate > 1 && rate < kMost && is_whole(rate * 1.001)) return {24000, 1001};
  const std::vector<IndexedFrame>& index = film.index().frames;
  const double span_s = static_cast<double>(index.back().time - index.front().time) * av_q2d(film.video().time_base);
  const double frames = static_cast<double>(index.size() - 1);
  return std::abs(frames - 24 * span_s) < std::abs(frames - 24 / 1.001 * span_s) ? AVRational{24, 1}
                                                                                 : AVRational{24000, 1001};
}

// Frames keep their order; each moves to its place of an even rate, counted from the film's first.
std::string even_times(const Film& film, AVRational rate) {
  const int64_t first = film.is_pipe() ? 0 : film.index().frames.front().time;
  return fmt::format("setpts=round((PTS-{0})*TB*{1}/{2})*{2}/{1}/TB+{0}", first, rate.num, rate.den);
}

/// Builds the graph before the network, and checks each part by itself.
class BeforeGraph {
 public:
  explicit BeforeGraph(FrameKind kind) : kind_(std::move(kind)) {}

  void add(const std::string& graph, const std::string& option) {
    kind_ = filtered_kind(graph, kind_, option);
    if (!text_.empty()) text_ += ',';
    text_ += graph;
  }
  const std::string& text() const { return text_; }
  FrameKind& kind() { return kind_; }

 private:
  FrameKind kind_;
  std::string text_;
};

void plan_deinterlacing(const Film& film, const FilterOptions& options, const FilmLook& look, BeforeGraph& graph,
                        FramePlan& plan) {
  constexpr int64_t kReach = 3;
  const bool automatic = options.deinterlacer == Deinterlacer::automatic;
  Scan scan;
  if (film.is_pipe()) {
    // YUV4MPEG2 says in its head what all frames are.
    const AVFieldOrder order = film.video().codecpar->field_order;
    if (order != AV_FIELD_PROGRESSIVE && order != AV_FIELD_UNKNOWN) {
      scan.kind = Scan::Kind::interlaced;
      scan.top_first = order == AV_FIELD_TT || order == AV_FIELD_TB;
      scan.why = "standard input says that its frames are interlaced";
    }
  } else {
    scan = judge_scan(look.places, film.video().avg_frame_rate);
  }
  if (options.deinterlacer == Deinterlacer::off) {
    plan.is_progressive = true;
    return;
  }
  if (!automatic) {
    scan.kind = options.deinterlacer == Deinterlacer::telecine ? Scan::Kind::telecine : Scan::Kind::interlaced;
    scan.only_flagged = false;
    scan.why.clear();
  }
  std::string done;
  switch (scan.kind) {
    case Scan::Kind::progressive: done = scan.why.empty() ? "" : "its frames are kept as they are"; break;
    case Scan::Kind::interlaced: {
      const char* name = name_of(options.deinterlacer);
      graph.add(deinterlacer_graph(name, options, scan.top_first, scan.only_flagged), "--deinterlace");
      done = fmt::format("{} makes one frame {}", name,
                         options.frame_for_field ? "for each field" : "for each two fields");
      plan.reach = kReach;
      break;
    }
    case Scan::Kind::telecine: {
      // FFmpeg 7 states none where times jump, and its decimate needs one.
      AVRational& rate = plan.decoded.rate;
      if (rate.num <= 0 || rate.den <= 0) rate = graph.kind().rate = {30000, 1001};
      graph.add(fmt::format("fieldmatch=order={}:combmatch=full,bwdif=mode=send_frame:deint=interlaced,decimate",
                            !scan.top_first   ? "auto"
                            : *scan.top_first ? "tff"
                                              : "bff"),
                "--deinterlace");
      done = "fieldmatch and decimate put the frames together again";
      plan.reach.reset();
      plan.restarts = true;
      break;
    }
    case Scan::Kind::soft_telecine: {
      const AVRational even = even_rate(film);
      graph.add(even_times(film, even), "--deinterlace");
      graph.kind().rate = even;
      done = fmt::format("their times become even, {}/{}", even.num, even.den);
      break;
    }
  }
  plan.is_progressive = !scan.why.empty() || !automatic;
  if (!scan.why.empty()) plan.notes.push_back(fmt::format("{}; {}. --deinterlace chooses otherwise", scan.why, done));
}

// What the network's output is resized to, and how often it works.
void plan_size(const FilterOptions& options, bool is_sideways, AVRational aspect, AVPixelFormat pixels,
               const std::function<int64_t(std::optional<double>)>& scale_of, FramePlan& plan) {
  const AVFrame& in = *plan.input.like;
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(pixels);
  TargetSize target = options.target;
  if (is_sideways) std::swap(target.width, target.height);
  FrameTarget& to = plan.target;
  if (aspect.num <= 0 || aspect.den <= 0) aspect = {1, 1};
  // Encoders want whole samples of chroma; what was asked for is taken as it is.
  const auto whole = [](int64_t size, int64_t asked, int shift) {
    const int64_t step = int64_t{1} << shift;
    return size == asked ? size : std::max(step, (size + step / 2) / step * step);
  };
  if (target.has_size()) {
    // Pixels become square. Only the shape counts, so it may have any unit.
    const int64_t shape_x = int64_t{in.width} * aspect.num, shape_y = int64_t{in.height} * aspect.den;
    const auto [w, h] = target.resampled(shape_x, shape_y);
    const std::string said =
        is_sideways ? options.target.stretches(shape_y, shape_x) : target.stretches(shape_x, shape_y);
    if (!said.empty()) plan.notes.push_back(said);
    const bool both = target.width > 0 && target.height > 0 && target.longer_side == 0;
    to.inner_width = to.width = static_cast<int>(whole(w, target.longer_side + target.width, d.log2_chroma_w));
    to.inner_height = to.height = static_cast<int>(whole(h, target.longer_side + target.height, d.log2_chroma_h));
    if (both && target.fit == Fit::cover) {
      to.inner_width = to.width = static_cast<int>(target.width);
      to.inner_height = to.height = static_cast<int>(target.height);
      to.share_x = std::min(1.0, static_cast<double>(target.width) / static_cast<double>(w));
      to.share_y = std::min(1.0, static_cast<double>(target.height) / static_cast<double>(h));
    }
    if (both && target.fit == Fit::pad) {
      to.width = static_cast<int>(target.width);
      to.height = static_cast<int>(target.height);
      to.inner_width = std::min(to.inner_width, to.width);
      to.inner_height = std::min(to.inner_height, to.height);
    }
    const double factor = std::max(w / static_cast<double>(in.width), h / static_cast<double>(in.height));
    const int64_t scale = scale_of(factor);
    plan.passes = plan_scale(in.width, in.height, scale, {.scale = factor}).passes;
    plan.aspect = {1, 1};
    return;
  }
  const int64_t scale = scale_of(target.scale);
  const ScalePlan sizes = plan_scale(in.width, in.height, scale, target);
  plan.passes = sizes.passes;
  const auto rounded = [&](int64_t size, int64_t network, int shift) {
    return static_cast<int>(size == network ? size : whole(size, 0, shift));
  };
  to.inner_width = to.width = rounded(sizes.width, sizes.network_width, d.log2_chroma_w);
  to.inner_height = to.height = rounded(sizes.height, sizes.network_height, d.log2_chroma_h);
}

AVPixelFormat asked_pixels(const FilterOptions& options, AVPixelFormat own) {
  if (options.pixels.empty()) return own;
  const AVPixelFormat format = av_get_pix_fmt(options.pixels.c_str());
  if (format == AV_PIX_FMT_NONE) {
    fail(ErrorCode::usage,
         "unknown --pixel-format '{}'; FFmpeg's names are listed by `ffmpeg -pix_fmts`, e.g. yuv420p10le",
         options.pixels);
  }
  if (loses_samples(format)) {
    fail(ErrorCode::usage, "--pixel-format {} cannot hold upscaled pictures, which have more levels and colours",
         options.pixels);
  }
  constexpr std::string_view kOldFullRange = "yuvj";  // the range stays the film's
  const auto is_rgb = [](AVPixelFormat pixels) {
    return (av_pix_fmt_desc_get(pixels)->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  };
  if (options.pixels.starts_with(kOldFullRange) || is_rgb(format) != is_rgb(own)) {
    fail(ErrorCode::usage,
         "--pixel-format {} would change the film's colours from {}; their kind and range stay: choose e.g. {}",
         options.pixels, av_get_pix_fmt_name(own), is_rgb(own) ? "gbrp or gbrp10le" : "yuv420p or yuv444p10le");
  }
  try {
    return planar_format(format);
  } catch (const Error&) {
    fail(ErrorCode::usage,
         "--pixel-format {} is not supported; choose e.g. yuv420p, yuv420p10le, yuv422p10le or yuv444p12le",
         options.pixels);
  }
}

}  // namespace

void fail_for_filter_before(const std::string& graph) {
  fail(ErrorCode::usage,
       "--filter-before '{}' gives pictures whose times stand still or go back, which no film can have; check its "
       "setpts",
       graph);
}

void fail_for_filter_after(const std::string& graph) {
  fail(ErrorCode::usage,
       "--filter-after '{}' must give each picture once and at its own time; filters that add, drop or move pictures "
       "belong to --filter-before",
       graph);
}

FramePlan plain_plan(const Film& film) {
  FramePlan plan;
  plan.input = {first_of(film), film.video().time_base, film.video().avg_frame_rate};
  plan.output = copy_of(plan.input);
  plan.output.like->format = planar_format(static_cast<AVPixelFormat>(plan.output.like->format));
  plan.aspect = aspect_of(film, *plan.input.like);
  plan.decoded = copy_of(plan.input);
  plan.decoded.like->sample_aspect_ratio = plan.aspect;
  return plan;
}

FramePlan plan_frames(const Film& film, const FilterOptions& options, bool can_turn,
                      const std::function<int64_t(std::optional<double> factor)>& scale_of) {
  FramePlan plan = plain_plan(film);
  BeforeGraph graph(copy_of(plan.decoded));

  const bool looks = options.deinterlacer != Deinterlacer::off &&
                     (plan.input.like->height <= kMostInterlacedRows || is_interlaced(*plan.input.like));
  FilmLook look;
  const bool finds_crop = options.crop == "auto";
  if (finds_crop && film.is_pipe()) {
    fail(ErrorCode::usage, "--crop auto looks at the whole film, which standard input does not allow; give W:H:X:Y");
  }
  const std::string turns = turns_of(film);
  if ((looks || finds_crop) && !film.is_pipe()) look = look_at(film, finds_crop, turns);
  if (looks) plan_deinterlacing(film, options, look, graph, plan);
  if (options.deinterlacer == Deinterlacer::off) plan.is_progressive = true;
  if (finds_crop) {
    plan.notes.push_back(look.crop.empty()
                             ? "--crop auto: the film has no black bars"
                             : fmt::format("--crop auto: the picture inside the black bars is {}", look.crop));
  }
  // What is cropped and filtered is what people see.
  const bool is_seen = !options.crop.empty() || !options.before.empty() || !options.after.empty();
  AVPixelFormat own = planar_format(static_cast<AVPixelFormat>(graph.kind().like->format));
  if (!turns.empty() && (is_seen || !can_turn)) {
    graph.add(turns, "the film's rotation");
    plan.is_turned = true;
    plan.notes.emplace_back(can_turn
                                ? "the pictures are turned as the film says, so that they are cropped and filtered as "
                                  "they are shown"
                                : "the pictures are turned as the film says, because the output's format cannot store "
                                  "that");
  }
  if (const std::string crop = finds_crop ? look.crop : options.crop; !crop.empty()) {
    graph.add(crop_graph(crop, *graph.kind().like, plan.notes), "--crop");
  }
  if (!options.before.empty()) {
    if (turns_back(options.before, graph.kind(), "--filter-before")) fail_for_filter_before(options.before);
    graph.add(options.before, "--filter-before");
    plan.asked_before = options.before;
    plan.reach.reset();
  }
  plan.before = graph.text();
  const bool is_filtered = !plan.before.empty();
  if (is_filtered) {
    plan.input = copy_of(graph.kind());
    plan.aspect = plan.input.like->sample_aspect_ratio;
    plan.keeps_times = false;
    if (plan.is_turned) av_frame_remove_side_data(plan.input.like.get(), AV_FRAME_DATA_DISPLAYMATRIX);
  }

  const AVPixelFormat seen = planar_format(static_cast<AVPixelFormat>(plan.input.like->format));
  // To turn 4:2:2, FFmpeg makes 4:4:4 of it, which becomes 4:2:2 again.
  if (!plan.is_turned || !options.before.empty()) own = seen;
  const AVPixelFormat pixels = asked_pixels(options, own);
  if (is_transparent(seen) && !is_transparent(pixels)) {
    plan.notes.push_back(fmt::format("the film's transparency is dropped: --pixel-format {} has none", options.pixels));
  }
  if (const auto of_film = static_cast<AVPixelFormat>(plan.decoded.like->format); loses_samples(of_film)) {
    plan.notes.push_back(
        fmt::format("the film's {} pixels become {}, because upscaled pictures have more levels and colours",
                    av_get_pix_fmt_name(of_film), av_get_pix_fmt_name(seen)));
  }
  int64_t scale = 1;
  plan_size(
      options, !plan.is_turned && is_sideways(film), plan.aspect, pixels,
      [&](auto factor) { return scale = scale_of(factor); }, plan);
  plan.target.pixels = pixels;
  if (av_image_check_size(static_cast<unsigned>(plan.target.width), static_cast<unsigned>(plan.target.height), 0,
                          nullptr) < 0) {
    fail(ErrorCode::usage, "pictures of {}x{} are too large for films", plan.target.width, plan.target.height);
  }
  int64_t network_width = plan.input.like->width, network_height = plan.input.like->height;
  for (int i = 0; i < plan.passes; ++i) {
    network_width *= scale;
    network_height *= scale;
  }
  plan.is_deep = plan.passes != 1 || pixels != seen || plan.target.width != network_width ||
                 plan.target.height != network_height || plan.target.share_x != 1 || plan.target.share_y != 1;

  FrameKind output = copy_of(plan.input);
  output.like->width = plan.target.width;
  output.like->height = plan.target.height;
  output.like->format = pixels;
  if (options.target.has_size() || is_filtered) output.like->sample_aspect_ratio = plan.aspect;
  if (is_full_range(*output.like) != is_full_range(*plan.input.like)) {
    output.like->color_range = is_full_range(*plan.input.like) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  }
  // Players take the matrix by the height where none is said, and the height changes here.
  AVFrame& like = *output.like;
  const bool is_yuv = (av_pix_fmt_desc_get(pixels)->flags & AV_PIX_FMT_FLAG_RGB) == 0 &&
                      av_pix_fmt_desc_get(pixels)->nb_components >= 3;
  constexpr int kMostRowsOfBt601 = 576;
  if (is_yuv && like.colorspace == AVCOL_SPC_UNSPECIFIED && plan.input.like->height <= kMostRowsOfBt601 &&
      like.height > kMostRowsOfBt601) {
    like.colorspace = AVCOL_SPC_BT470BG;
  }
  if (!options.after.empty()) {
    plan.after = options.after;
    FrameKind filtered = filtered_kind(plan.after, output, "--filter-after");
    if (!keeps_frames(plan.after, output, "--filter-after")) fail_for_filter_after(plan.after);
    filtered.time_base = output.time_base;
    filtered.rate = output.rate;
    plan.aspect = filtered.like->sample_aspect_ratio;
    output = std::move(filtered);
  }
  plan.output = std::move(output);
  return plan;
}

}  // namespace fsrcnn
