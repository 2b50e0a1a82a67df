#include "video/film_look.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/counted.hpp"
#include "video/av_versions.hpp"
#include "video/frame_filter.hpp"
#include "video/frame_reader.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kPlaces = 10, kFramesOfPlace = 24;
constexpr int kBlock = 16;  // rows and columns

std::vector<FrameRange> places_of(const Film& film) {
  const auto count = static_cast<int64_t>(film.index().frames.size());
  std::vector<FrameRange> places;
  if (count <= kPlaces * kFramesOfPlace) {
    for (int64_t i = 0; i < count; i += kFramesOfPlace) places.push_back({i, std::min(count, i + kFramesOfPlace)});
    return places;
  }
  for (int64_t i = 0; i < kPlaces; ++i) {
    // From where decoding can begin, so that nothing is decoded twice.
    int64_t begin = count * (2 * i + 1) / (2 * kPlaces);
    while (begin > 0 && !film.index().frames[static_cast<size_t>(begin)].key) --begin;
    if (!places.empty() && begin < places.back().end) continue;
    places.push_back({begin, std::min(count, begin + kFramesOfPlace)});
  }
  if (!film.index().interlaced_from) return places;
  // Where packets first say so; decoders may know better.
  const std::vector<IndexedFrame>& index = film.index().frames;
  const auto from = std::lower_bound(index.begin(), index.end(), *film.index().interlaced_from,
                                     [](const IndexedFrame& frame, int64_t time) { return frame.time < time; });
  if (from != index.end())
    places.push_back({from - index.begin(), std::min(count, from - index.begin() + kFramesOfPlace)});
  return places;
}

std::string_view tag_of(const AVFrame& frame, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(frame.metadata, key, nullptr, 0);
  return entry != nullptr ? entry->value : "";
}

// How much rows differ from those above and below, where pictures move: in two frames as they are, and with fields of
// both put together, in either order.
struct Combing {
  int64_t pixels = 0, own = 0, first_top = 0, first_bottom = 0;
};

// Of a block of pictures.
template <class Sample>
Combing combing_of(const AVFrame& first, const AVFrame& second, const AVComponentDescriptor& luma, int left, int top) {
  constexpr int kMove = 8;  // of 8 bits
  const int least = kMove << (luma.depth - 8);
  const auto row = [&](const AVFrame& frame, int y) {
    return reinterpret_cast<const Sample*>(frame.data[luma.plane] +
                                           static_cast<ptrdiff_t>(y) * frame.linesize[luma.plane]);
  };
  Combing sum;
  for (int y = std::max(1, top); y < std::min(top + kBlock, first.height - 1); ++y) {
    const Sample *a0 = row(first, y - 1), *a1 = row(first, y), *a2 = row(first, y + 1);
    const Sample *b0 = row(second, y - 1), *b1 = row(second, y), *b2 = row(second, y + 1);
    Combing at;
    for (int x = left; x < std::min(left + kBlock, first.width); ++x) {
      if (std::abs(a1[x] - b1[x]) < least && std::abs(a0[x] - b0[x]) < least) continue;
      ++at.pixels;
      at.own += (std::abs(a0[x] + a2[x] - 2 * a1[x]) + std::abs(b0[x] + b2[x] - 2 * b1[x])) / 2;
      at.first_top += std::abs(a0[x] + a2[x] - 2 * b1[x]);
      at.first_bottom += std::abs(b0[x] + b2[x] - 2 * a1[x]);
    }
    // The row in the middle is of the other field than those around it.
    if (y % 2 == 0) std::swap(at.first_top, at.first_bottom);
    sum.pixels += at.pixels;
    sum.own += at.own;
    sum.first_top += at.first_top;
    sum.first_bottom += at.first_bottom;
  }
  return sum;
}

// The share of moving blocks that are no smoother than what their fields make with those of the next frame. idet, which
// compares what the fields make alone, takes progressive pictures that move up or down for interlaced ones.
double combed_share(const AVFrame& first, const AVFrame& second) {
  const AVComponentDescriptor& luma = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(first.format))->comp[0];
  int64_t blocks = 0, combed = 0;
  for (int top = 0; top < first.height; top += kBlock) {
    for (int left = 0; left < first.width; left += kBlock) {
      const Combing c = luma.depth > 8 ? combing_of<uint16_t>(first, second, luma, left, top)
                                       : combing_of<uint8_t>(first, second, luma, left, top);
      if (c.pixels < kBlock * kBlock / 8) continue;
      ++blocks;
      combed += 100 * c.own > 93 * std::min(c.first_top, c.first_bottom);
    }
  }
  return blocks == 0 ? 0 : static_cast<double>(combed) / static_cast<double>(blocks);
}

void add_fields(const AVFrame* before, const AVFrame& frame, PlaceLook& look) {
  const std::string_view order = tag_of(frame, "lavfi.idet.multiple.current_frame");
  const bool moves = order == "tff" || order == "bff";
  // Measured: progressive test patterns have 0.07 to 0.3, interlaced ones 0.2 to 0.35 where all moves the way that
  // hides it most, and 0.7 to 1 elsewhere. Between both bounds nothing is said.
  constexpr double kProgressive = 0.2, kCombed = 0.3;
  const double share = moves && before != nullptr ? combed_share(*before, frame) : 0;
  const bool combed = share > kCombed;
  look.top_first += combed && order == "tff";
  look.bottom_first += combed && order == "bff";
  look.progressive += order == "progressive" || (moves && before != nullptr && share < kProgressive);
  look.repeats += tag_of(frame, "lavfi.idet.repeated.current_frame") != "neither";
}

}  // namespace

FilmLook look_at(const Film& film, bool at_borders, const std::string& turns) {
  FilmLook look;
  const FrameKind kind{without_samples(*film.first_frame()), film.video().time_base, film.video().avg_frame_rate};
  // cropdetect remembers the largest picture of all places, idet the fields of the frame before.
  std::optional<FrameFilter> borders;
  std::string whole;
  if (at_borders)
    borders.emplace((turns.empty() ? "" : turns + ",") + "cropdetect=round=2:reset=0", kind, "--crop auto");
  for (const FrameRange& place : places_of(film)) {
    FrameFilter fields("idet", kind, "--deinterlace auto");
    PlaceLook& at = look.places.emplace_back();
    FrameReader reader(film, place);
    AvFrame before;
    for (bool more = true; more;) {
      AvFrame frame = reader.next();
      more = frame != nullptr;
      if (frame) {
        ++at.frames;
        at.flagged += is_interlaced(*frame);
        at.flagged_bottom += is_interlaced(*frame) && !is_top_first(*frame);
        at.soft_repeats += !is_interlaced(*frame) && frame->repeat_pict > 0;
        if (borders) {
          borders->push(reference_to(*frame));
          while (const AvFrame seen = borders->pull()) {
            whole = fmt::format("{}:{}:", seen->width, seen->height);
            const std::string_view w = tag_of(*seen, "lavfi.cropdetect.w"), h = tag_of(*seen, "lavfi.cropdetect.h");
            if (w.empty() || w.front() == '-' || h.empty() || h.front() == '-' || w == "0" || h == "0") continue;
            look.crop = fmt::format("{}:{}:{}:{}", w, h, tag_of(*seen, "lavfi.cropdetect.x"),
                                    tag_of(*seen, "lavfi.cropdetect.y"));
          }
        }
      }
      fields.push(std::move(frame));
      while (AvFrame seen = fields.pull()) {
        add_fields(before.get(), *seen, at);
        before = std::move(seen);
      }
    }
  }
  if (look.crop.starts_with(whole)) look.crop.clear();
  return look;
}

// FFmpeg's crop would round to whole samples of chroma, without a word.
std::string crop_graph(const std::string& crop, const AVFrame& like, std::vector<std::string>& notes) {
  int w = 0, h = 0, x = 0, y = 0;
  const int count = std::sscanf(crop.c_str(), "%d:%d:%d:%d", &w, &h, &x, &y);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(like.format));
  const int step_x = 1 << d.log2_chroma_w, step_y = 1 << d.log2_chroma_h;
  if (count == 2) {
    x = (like.width - w) / 2 / step_x * step_x;
    y = (like.height - h) / 2 / step_y * step_y;
    notes.push_back(
        fmt::format("--crop {}: {}x{} pixels from the middle of {}x{} are taken", crop, w, h, like.width, like.height));
  }
  if ((count != 2 && count != 4) || w < 1 || h < 1 || x < 0 || y < 0 || w > like.width - x || h > like.height - y) {
    fail(ErrorCode::usage, "--crop is '{}', but must be a part of the {}x{} pictures, as W:H:X:Y, or W:H of the middle",
         crop, like.width, like.height);
  }
  if (x % step_x != 0 || y % step_y != 0) {
    fail(ErrorCode::usage,
         "--crop is '{}', but X and Y must be multiples of {} and {}, because {} pictures have a chroma sample for as "
         "many; choose e.g. {}:{}:{}:{}",
         crop, step_x, step_y, d.name, w, h, x / step_x * step_x, y / step_y * step_y);
  }
  return fmt::format("crop={}:{}:{}:{}:exact=1", w, h, x, y);
}

Scan judge_scan(const std::vector<PlaceLook>& places, AVRational rate) {
  PlaceLook all;
  // 3:2 pulldown makes 30 frames a second, or 60 where each is shown twice.
  const double per_second = rate.num > 0 ? av_q2d(rate) : 30;
  const bool may_be_telecined = std::abs(per_second - 30) < 0.5 || std::abs(per_second - 60) < 1;
  int64_t count = 0, combed_places = 0, telecined_places = 0, soft_places = 0;
  for (const PlaceLook& p : places) {
    if (p.frames == 0) continue;  // none could be decoded
    ++count;
    all.frames += p.frames;
    all.top_first += p.top_first;
    all.bottom_first += p.bottom_first;
    all.progressive += p.progressive;
    all.flagged += p.flagged;
    all.flagged_bottom += p.flagged_bottom;
    const int64_t combed = p.top_first + p.bottom_first;
    // 3:2 pulldown repeats a field in two frames of five, and combs as many; idet, which looks at several frames, says
    // more. What moves little repeats less clearly.
    const bool telecined = combed * 4 >= p.frames && p.repeats * 4 >= p.frames && p.repeats * 2 <= p.frames;
    telecined_places += telecined;
    combed_places += combed * 4 >= p.frames;
    soft_places += p.soft_repeats * 10 >= p.frames * 3 && p.soft_repeats * 10 <= p.frames * 7;
  }
  const int64_t combed = all.top_first + all.bottom_first;
  const std::string seen = fmt::format("of {} from {} of the film {} show combing and {} do not",
                                       counted(all.frames, "frame"), counted(count, "place"), combed, all.progressive);
  Scan scan;
  // Without flags that say so, a few combed places may be a pattern in progressive pictures.
  constexpr int64_t kFewFrames = 12;
  const bool is_combed_throughout =
      all.frames >= kFewFrames && combed * 2 >= all.frames && combed >= 8 * all.progressive &&
      std::max(all.top_first, all.bottom_first) >= 8 * std::min(all.top_first, all.bottom_first);
  const bool is_combed = all.flagged > 0 ? combed_places > 0 : is_combed_throughout;
  if (may_be_telecined && combed_places > 0 && telecined_places * 2 > combed_places && all.frames >= kFewFrames) {
    scan.kind = Scan::Kind::telecine;
    scan.why = fmt::format("the film was made from 24 frames a second by 3:2 pulldown: {}, and fields repeat", seen);
  } else if (is_combed) {
    scan.kind = Scan::Kind::interlaced;
    scan.only_flagged = all.flagged > 0 && all.flagged < all.frames && combed <= all.flagged + all.frames / 10;
    scan.why = fmt::format("the film is interlaced: {}", seen);
  } else if (all.flagged > 0) {
    const bool unclear = all.progressive * 2 < all.frames;
    scan.kind = unclear ? Scan::Kind::interlaced : Scan::Kind::progressive;
    scan.only_flagged = unclear;
    scan.why = unclear
                   ? fmt::format("the film says that it is interlaced, and its pictures do not say otherwise: {}", seen)
                   : fmt::format("the film says that it is interlaced, but is not: {}", seen);
  } else if (soft_places * 2 > count) {
    scan.kind = Scan::Kind::soft_telecine;
    scan.why = "the film has 24 frames a second with flags to show fields twice, by 3:2 pulldown";
  }
  if (combed > 0 && std::max(all.top_first, all.bottom_first) >= 4 * std::min(all.top_first, all.bottom_first)) {
    const bool top_first = all.top_first > all.bottom_first;
    const int64_t agreeing = top_first ? all.flagged - all.flagged_bottom : all.flagged_bottom;
    if (agreeing * 2 <= all.flagged) scan.top_first = top_first;
  }
  return scan;
}

}  // namespace fsrcnn
