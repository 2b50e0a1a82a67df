// Values of another place in memory: gaps between channels, runs that were sent twice, a tile's halo that is still that
// of the tile before, samples between pixels.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "nn/pad2d.hpp"
#include "porting/fit_places.hpp"
#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kWidestGap = 64;         // values between channels, of any number
constexpr int64_t kFewestInRun = 8;        // values that a run must have
constexpr int64_t kLargestStaleTile = 64;  // columns or rows

/// A map through flat memory: value i is that of from(i), or 0 below 0.
TensorOp through_memory(std::function<int64_t(int64_t)> from) {
  return [from = std::move(from)](const Tensor<float>& t) {
    Tensor<float> to(t.shape());
    for (int64_t i = 0; i < t.count(); ++i) {
      const int64_t source = from(i);
      if (source >= 0 && source < t.count()) to.data()[i] = t.data()[source];
    }
    return to;
  };
}

/// Pixels read linearly between two, at i * factor + offset.
Tensor<float> sampled(const Tensor<float>& t, bool rows, double factor, double offset) {
  const Shape s = t.shape();
  const int64_t extent = rows ? s.h : s.w;
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        const double at =
            std::clamp(static_cast<double>(rows ? y : x) * factor + offset, 0.0, static_cast<double>(extent - 1));
        const auto first = std::min(static_cast<int64_t>(at), std::max<int64_t>(0, extent - 2));
        const int64_t second = std::min(first + 1, extent - 1);
        const auto part = static_cast<float>(at - static_cast<double>(first));
        const float a = rows ? t(0, c, first, x) : t(0, c, y, first);
        const float b = rows ? t(0, c, second, x) : t(0, c, y, second);
        to(0, c, y, x) = (1 - part) * a + part * b;
      }
  return to;
}

/// Tiles of columns (rows) whose halo has what the buffer held before: the tile before, at the same place in it.
/// `outside`: beyond the picture, too, where zeros belong.
struct StaleHalo {
  int64_t size;
  bool rows, outside;
};

Tensor<float> with_stale_halo(const LayerPort& port, const Tensor<float>& input, const StaleHalo& stale) {
  LayerPort plain = port;
  plain.convolve = nullptr;
  const bool rows = stale.rows;
  const int64_t reach = rows ? port.padding.h : port.padding.w, extent = rows ? input.shape().h : input.shape().w;
  const Margins margins = rows ? Margins{reach, reach, 0, 0} : Margins{0, 0, reach, reach};
  (rows ? plain.padding.h : plain.padding.w) = 0;
  const Tensor<float> padded = pad2d(input, margins, PaddingMode::zeros);
  const Shape s = padded.shape();
  Tensor<float> output;
  for (int64_t first = 0; first < extent; first += stale.size) {
    const int64_t end = std::min(first + stale.size, extent);
    Tensor<float> tile = padded;
    for (int64_t at = first - reach; at < end + reach; ++at) {
      if ((at >= first && at < end) || (!stale.outside && (at < 0 || at >= extent))) continue;
      const int64_t old = at - stale.size + reach, to = at + reach;
      for (int64_t c = 0; c < s.c; ++c)
        for (int64_t i = 0; i < (rows ? s.w : s.h); ++i) {
          float& value = rows ? tile(0, c, to, i) : tile(0, c, i, to);
          value = old < 0 ? 0 : rows ? padded(0, c, old, i) : padded(0, c, i, old);
        }
    }
    const Tensor<float> part = convolved(plain, tile);
    if (first == 0) output = part;
    copy_lines(part, rows, first, end, output);
  }
  return output;
}

class Memory {
 public:
  explicit Memory(const LayerCase& layer)
      : layer_(layer), shape_(layer.found().shape()), size_(shape_.h * shape_.w), places_(layer) {}

  std::vector<Mistake> all() {
    gaps();
    runs();
    samples();
    planes();
    input_ends();
    for (const bool rows : {false, true}) stale_halo(rows);
    return std::move(list_);
  }

 private:
  double off(int64_t i) const {
    return std::abs(static_cast<double>(layer_.found().data()[i]) - layer_.right().data()[i]);
  }

  void put(const std::string& id, const std::string& sentence, double numbers, const TensorOp& op) {
    list_.push_back(
        {"output_" + id, sentence, "output_layout", false, [op](LayerPort& p) { p.after.push_back(op); }, numbers});
  }

  /// Channels begin further apart than they are read, or the other way round.
  void gaps() {
    if (shape_.c < 2 || places_.empty()) return;
    std::vector<int64_t> gaps;
    for (int64_t g = -kWidestGap; g <= kWidestGap; ++g) gaps.push_back(g);
    for (const int64_t line : {128, 256, 512, 1024, 2048, 4096}) gaps.push_back((line - size_ % line) % line);
    for (const int64_t gap : gaps) {
      const int64_t pitch = size_ + gap;
      if (gap == 0 || pitch < size_ / 2) continue;
      for (const bool reads : {true, false}) {
        const auto from = [=, size = size_, channels = shape_.c](int64_t i) -> int64_t {
          // Written with one pitch, read with the other.
          const int64_t written = reads ? pitch : size, read = reads ? size : pitch;
          const int64_t at = i / size * read + i % size, c = at / written, within = at % written;
          return c >= channels || within >= size ? -1 : c * size + within;
        };
        if (!places_.agree(from)) continue;
        put(reads ? "gaps_ignored" : "gaps_assumed",
            fmt::format("channels {} {} values further {} than they are {}: each is shifted by {} more (a wrong pitch "
                        "between channels)",
                        reads ? "begin" : "are read", std::abs(gap), gap > 0 ? "apart" : "together",
                        reads ? "read" : "written", std::abs(gap)),
            0.5, through_memory(from));
      }
    }
  }

  /// One run of values in memory that holds what belongs to another place.
  void runs() {
    int64_t first = -1, last = -1, wrong = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      if (off(i) <= layer_.tolerance()) continue;
      if (first < 0) first = i;
      last = i;
      ++wrong;
    }
    const int64_t length = last - first + 1;
    if (first < 0 || length < kFewestInRun || 2 * wrong < length || 2 * length > layer_.found().count()) return;
    // Whole channels are told as such.
    if (first % size_ == 0 && 20 * length >= 19 * size_) return;
    const float *found = layer_.found().data(), *right = layer_.right().data();
    for (int64_t from = 0; from + length <= layer_.found().count(); ++from) {
      if (from == first || std::abs(found[first] - right[from]) > layer_.tolerance()) continue;
      bool same = true;
      for (int64_t i = 0; i < length && same; ++i)
        same = std::abs(found[first + i] - right[from + i]) <= layer_.tolerance();
      if (!same) continue;
      const auto place = [&](int64_t i) {
        return fmt::format("channel {}, row {}, column {}", i / size_, i / shape_.w % shape_.h, i % shape_.w);
      };
      const int64_t distance = first - from;
      // It may have begun before: what is right there by chance, or zeros.
      put("run_repeated",
          fmt::format("a run of {} values in memory, from {} on, holds what belongs {} values {}, from {} on: a burst "
                      "that was sent twice, or an old buffer",
                      length, place(first), std::abs(distance), distance > 0 ? "before" : "behind", place(from)),
          1.2, through_memory([=](int64_t i) { return i >= first && i <= last ? i - distance : i; }));
      return;
    }
  }

  /// The last rows of each channel hold the first ones of the next, or the other way round.
  void planes() {
    for (const int64_t rows : {1, 2, 3}) {
      if (shape_.c < 2 || shape_.h <= 2 * rows || places_.empty()) return;
      for (const bool next : {true, false}) {
        const auto from = [rows, next, s = shape_](int64_t i) {
          const int64_t c = i / (s.h * s.w), y = i / s.w % s.h, x = i % s.w;
          if (next && y >= s.h - rows && c + 1 < s.c) return ((c + 1) * s.h + y - (s.h - rows)) * s.w + x;
          if (!next && y < rows && c > 0) return ((c - 1) * s.h + y + s.h - rows) * s.w + x;
          return i;
        };
        if (!places_.agree(from)) continue;
        put(next ? "planes_overlap_next" : "planes_overlap_before",
            fmt::format("the {} {} of each channel {} the {} of the channel {}: the planes overlap in memory",
                        next ? "last" : "first", rows == 1 ? "row" : fmt::format("{} rows", rows),
                        rows == 1 ? "holds" : "hold", next ? "first" : "last", next ? "after it" : "before it"),
            0.4, through_memory(from));
      }
    }
  }

  /// The last rows (columns) of the input count as 0, or the first: they were read before they were written.
  void input_ends() {
    const LayerPort& port = layer_.port();
    if (!port.convolves || !port.has_weight() || port.shuffles()) return;
    std::array<std::array<int64_t, 2>, 2> box = {{{shape_.h, 0}, {shape_.w, 0}}};
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      if (off(i) <= layer_.tolerance()) continue;
      const int64_t y = i / shape_.w % shape_.h, x = i % shape_.w;
      box[0] = {std::min(box[0][0], y), std::max(box[0][1], y + 1)};
      box[1] = {std::min(box[1][0], x), std::max(box[1][1], x + 1)};
    }
    const Shape in = layer_.input().shape();
    for (const bool rows : {true, false}) {
      const auto [first, end] = box[rows ? 0 : 1];
      const int64_t extent = rows ? shape_.h : shape_.w, scale = port.is_transposed ? port.factor : 1;
      const int64_t reach = (layer_.reach() + scale - 1) / scale;
      for (const bool last : {true, false}) {
        if ((last ? end != extent : first != 0) || (last ? first == 0 : end == extent)) continue;
        const int64_t wrong = ((last ? extent - first : end) + scale - 1) / scale;
        for (int64_t n = std::max<int64_t>(2, wrong - reach); n <= wrong && n < (rows ? in.h : in.w); ++n) {
          list_.push_back(
              {"input_end_zero",
               fmt::format(
                   "the {} {} {} of the input count as 0: they are read too early, when they are not written yet",
                   last ? "last" : "first", n, rows ? "rows" : "columns"),
               "input_range", false,
               [n, rows, last](LayerPort& p) {
                 p.before.emplace_back([n, rows, last](const Tensor<float>& t) {
                   Tensor<float> to = t;
                   const Shape s = t.shape();
                   for (int64_t c = 0; c < s.c; ++c)
                     for (int64_t y = 0; y < s.h; ++y)
                       for (int64_t x = 0; x < s.w; ++x) {
                         const int64_t at = rows ? y : x, whole = rows ? s.h : s.w;
                         if (last ? at >= whole - n : at < n) to(0, c, y, x) = 0;
                       }
                   return to;
                 });
               },
               0.6});
        }
      }
    }
  }

  /// Texture coordinates that are no pixels' centres.
  void samples() {
    if (places_.empty() || shape_.h < 3 || shape_.w < 3) return;
    struct Way {
      const char *id, *words;
      double factor_h, factor_w, offset;
    };
    const auto h = static_cast<double>(shape_.h), w = static_cast<double>(shape_.w);
    const Way ways[] = {
        // NOLINT(*-c-arrays)
        {"corners", "i / (n - 1), from corner to corner", h / (h - 1), w / (w - 1), -0.5},
        {"inner", "(i + 0.5) (n - 1) / n, where whole numbers are the pixels' centres", (h - 1) / h, (w - 1) / w, 0}};
    for (const Way& way : ways) {
      for (const int axes : {3, 2, 1}) {
        const TensorOp op = [way, axes](const Tensor<float>& t) {
          const double inner = way.id == std::string("inner") ? 0.5 : 0;
          Tensor<float> to = t;
          if ((axes & 1) != 0) to = sampled(to, true, way.factor_h, way.offset + inner * way.factor_h);
          if ((axes & 2) != 0) to = sampled(to, false, way.factor_w, way.offset + inner * way.factor_w);
          return to;
        };
        const Tensor<float> made = op(layer_.right());
        if (!places_.agree_in_value([&](int64_t at) { return made.data()[at]; })) continue;
        put(fmt::format("sampled_{}", way.id),
            fmt::format("the output is sampled between its pixels, bilinearly, {}at {} (texture coordinates that are "
                        "half a pixel off)",
                        axes == 3   ? ""
                        : axes == 2 ? "along rows "
                                    : "along columns ",
                        way.words),
            0.4, op);
      }
    }
  }

  void stale_halo(bool rows) {
    const LayerPort& port = layer_.port();
    const int64_t reach = rows ? port.padding.h : port.padding.w, extent = rows ? shape_.h : shape_.w;
    if (!port.convolves || !port.has_weight() || port.is_transposed || port.shuffles() || port.convolve || port.tiles ||
        port.beyond || reach < 1 || port.padding_mode != PaddingMode::zeros) {
      return;
    }
    std::vector<uint8_t> wrong(static_cast<size_t>(extent), 0);
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      if (off(i) > layer_.tolerance()) wrong[static_cast<size_t>(rows ? i / shape_.w % shape_.h : i % shape_.w)] = 1;
    }
    for (int64_t size = 2 * reach + 1; size <= std::min(kLargestStaleTile, extent - 1); ++size) {
      int64_t expected = 0, met = 0, beside = 0;
      for (int64_t i = 0; i < extent; ++i) {
        const int64_t in = i % size;
        const bool seam = (in < reach && i >= size) || in >= size - reach || i >= extent - reach;
        expected += seam ? 1 : 0;
        if (wrong[static_cast<size_t>(i)] != 0) (seam ? met : beside) += 1;
      }
      if (beside > 0 || 4 * met < 3 * (expected - reach) || met == 0) continue;
      for (const bool outside : {true, false}) {
        list_.push_back(
            {"tile_halo_stale",
             fmt::format("tiles of {} {} read a halo that is stale: it still holds what the tile before had "
                         "there, not this one's neighbours",
                         size, rows ? "rows" : "columns"),
             "tiles", false,
             [stale = StaleHalo{size, rows, outside}](LayerPort& p) {
               p.convolve = [stale](const LayerPort& layer, const Tensor<float>& x) {
                 return with_stale_halo(layer, x, stale);
               };
             },
             0.6});
      }
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  int64_t size_;
  JudgedPlaces places_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_memory(const LayerCase& layer) {
  if (layer.right().shape() != layer.found().shape()) return {};
  return Memory(layer).all();
}

}  // namespace fsrcnn
