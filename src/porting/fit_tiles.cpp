// Pictures computed in tiles or strips whose halo is missing or too small: seams tell their size.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMostSizes = 4;  // tile sizes that are tried for an axis

class TileFit {
 public:
  explicit TileFit(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {}

  std::vector<Mistake> all() {
    const LayerPort& port = layer_.port();
    if (!port.convolves || !port.has_weight() || port.tiles || port.convolve || port.shuffles()) return {};
    reach_ = reach_of(port);
    if (reach_ == 0) return {};
    scale_ = port.factor;
    std::vector<int64_t> heights = sizes(true), widths = sizes(false);
    heights.insert(heights.begin(), 0);
    widths.insert(widths.begin(), 0);
    for (const int64_t h : heights)
      for (const int64_t w : widths) {
        if (h > 0 || w > 0) tiles(h, w);
      }
    return std::move(list_);
  }

 private:
  /// The share of wrong values in each row (column).
  std::vector<double> wrong_in_lines(bool rows) const {
    std::vector<double> wrong(static_cast<size_t>(rows ? shape_.h : shape_.w), 0);
    for (int64_t c = 0; c < shape_.c; ++c)
      for (int64_t y = 0; y < shape_.h; ++y)
        for (int64_t x = 0; x < shape_.w; ++x) {
          const double d = std::abs(layer_.found()(0, c, y, x) - layer_.right()(0, c, y, x));
          if (d > layer_.tolerance()) wrong[static_cast<size_t>(rows ? y : x)] += 1;
        }
    return wrong;
  }

  /// Sizes of tiles in pixels of the input whose seams are where most is wrong, the largest first.
  std::vector<int64_t> sizes(bool rows) const {
    const std::vector<double> wrong = wrong_in_lines(rows);
    std::vector<double> sorted = wrong;
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[sorted.size() / 2], most = sorted.back();
    std::vector<int64_t> lines;
    for (size_t i = 0; i < wrong.size(); ++i) {
      if (wrong[i] > (median + most) / 2) lines.push_back(static_cast<int64_t>(i));
    }
    std::vector<int64_t> list;
    if (most == 0 || lines.empty() || median > 0.9 * most) return list;
    const int64_t extent = (rows ? shape_.h : shape_.w) / scale_;
    for (int64_t size = extent - 1; size >= 2 && list.size() < kMostSizes; --size) {
      // All lines lie at a seam, and each seam has one.
      const auto near = [&](int64_t line) {
        const int64_t at = line / scale_, seam = (at + reach_) / size * size;
        return seam > 0 && seam < extent && at >= seam - reach_ && at < seam + reach_;
      };
      if (!std::all_of(lines.begin(), lines.end(), near)) continue;
      bool each = true;
      for (int64_t seam = size; seam < extent && each; seam += size) {
        each = std::any_of(lines.begin(), lines.end(),
                           [&](int64_t line) { return std::abs(2 * (line / scale_) + 1 - 2 * seam) <= 2 * reach_; });
      }
      if (each) list.push_back(size);
    }
    return list;
  }

  void tiles(int64_t height, int64_t width) {
    const PaddingMode right = layer_.port().padding_mode;
    for (const PaddingMode seam : {PaddingMode::zeros, PaddingMode::replicate}) {
      for (int64_t halo = 0; halo < reach_; ++halo) {
        const Tiles tiles{height, width, halo, seam};
        list_.push_back({"tiles", words_of(tiles, reach_), "tiles", false, [tiles](LayerPort& p) { p.tiles = tiles; },
                         0.5 + (seam == right ? 0 : 0.1) + (height > 0 && width > 0 ? 0.3 : 0)});
      }
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  int64_t reach_ = 0, scale_ = 1;
  std::vector<Mistake> list_;
};

}  // namespace

std::string words_of(const Tiles& tiles, int64_t reach) {
  const std::string what = tiles.height == 0 ? fmt::format("strips of {} columns", tiles.width)
                           : tiles.width == 0
                               ? fmt::format("strips of {} rows", tiles.height)
                               : fmt::format("tiles of {} rows and {} columns", tiles.height, tiles.width);
  const std::string with = tiles.halo == 0 ? "without a halo"
                                           : fmt::format("with a halo of {} pixel{}, where it looks {} far", tiles.halo,
                                                         tiles.halo == 1 ? "" : "s", reach);
  return fmt::format("the picture is computed in {} {} ({} at the seams)", what, with,
                     tiles.seam == PaddingMode::zeros ? "zeros" : "the edge");
}

std::vector<Mistake> fit_tiles(const LayerCase& layer) { return TileFit(layer).all(); }

}  // namespace fsrcnn
