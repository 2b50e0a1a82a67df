// Single values, or a rectangle of them: what is left where nothing that is the same everywhere explains.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

class Scattered {
 public:
  explicit Scattered(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {
    box_ = {shape_.h, 0, shape_.w, 0};
    for (int64_t i = 0; i < layer.found().count(); ++i) {
      if (off(i) <= layer.tolerance()) continue;
      wrong_.push_back(i);
      const int64_t y = i / shape_.w % shape_.h, x = i % shape_.w;
      box_ = {std::min(box_[0], y), std::max(box_[1], y + 1), std::min(box_[2], x), std::max(box_[3], x + 1)};
    }
  }

  std::vector<Mistake> all() {
    if (wrong_.empty()) return {};
    dropped();
    run();
    blocks();
    rectangle();
    few();
    beyond();
    return std::move(list_);
  }

 private:
  double off(int64_t i) const {
    return std::abs(static_cast<double>(layer_.found().data()[i]) - layer_.right().data()[i]);
  }

  void put(const std::string& id, const std::string& sentence, double numbers, Tensor<float> values) {
    list_.push_back({id, sentence, "values", false,
                     [shared = std::make_shared<const Tensor<float>>(std::move(values))](LayerPort& p) {
                       p.after.emplace_back([shared](const Tensor<float>&) { return *shared; });
                     },
                     numbers});
  }

  /// Values are 0, or the right ones times a factor: those that dropout keeps. Which of the two must not hang on the
  /// values themselves.
  void dropped() {
    std::vector<std::pair<float, float>> kept;
    double zeros = 0, seen = 0, zeros_above = 0, above = 0;
    for (int64_t i = 0; i < layer_.found().count(); ++i) {
      const float r = layer_.right().data()[i], f = layer_.found().data()[i];
      if (std::abs(r) <= 8 * layer_.tolerance()) continue;
      ++seen;
      above += r > 0 ? 1 : 0;
      if (f != 0) {
        if (kept.size() < 6000) kept.emplace_back(r, f);
        continue;
      }
      ++zeros;
      zeros_above += r > 0 ? 1 : 0;
    }
    if (zeros < 3 || zeros > 0.97 * seen || kept.size() < 16) return;
    const double share = zeros / seen, below = seen - above;
    const auto unlike = [&](double part, double of) {
      return of > 50 && std::abs(part / of - share) > 0.1 + 0.3 * share;
    };
    if (unlike(zeros_above, above) || unlike(zeros - zeros_above, below)) return;
    const auto line = fit_line(kept, layer_.tolerance(), true);
    if (!line || line->inliers < 0.99) return;
    const double factor = line->factor, implied = 1 - 1 / factor;
    const bool is_dropout = factor > 1.005 && std::abs(implied - share) < 0.05 + 3 / std::sqrt(seen);
    if (!is_dropout && std::abs(factor - 1) * 8 > 1e-2) return;
    Tensor<float> values = layer_.right();
    for (int64_t i = 0; i < values.count(); ++i) {
      float& v = values.data()[i];
      v = layer_.found().data()[i] == 0 ? 0 : static_cast<float>(v * (is_dropout ? factor : 1));
    }
    if (is_dropout) {
      put("dropout",
          fmt::format("dropout is left on: {:.0f} % of the values are 0, and the others {:.5g} times the right ones "
                      "(1 / (1 - {:.2g}))",
                      100 * share, factor, implied),
          2, std::move(values));
    } else if (share < 0.6) {
      put("zeros_scattered",
          fmt::format("{:.0f} values of {} are 0, and the others are right: they are not written, or overwritten (a "
                      "race)",
                      zeros, layer_.found().count()),
          4, std::move(values));
    }
  }

  /// The first values of each channel, or the last, are not there.
  void run() {
    const int64_t size = shape_.h * shape_.w;
    int64_t first = size, end = 0;
    for (const int64_t i : wrong_) first = std::min(first, i % size), end = std::max(end, i % size + 1);
    const auto n = static_cast<double>(end - first);
    if (end - first < 2 || static_cast<double>(wrong_.size()) < 0.4 * n * static_cast<double>(shape_.c)) return;
    if (first > 0 && end < size && end - first < 2 * shape_.w) return;  // a rectangle of one row
    const auto is_zero = [&](int64_t at) {
      for (int64_t c = 0; c < shape_.c; ++c) {
        if (layer_.found().plane(0, c)[at] != 0) return false;
      }
      return true;
    };
    // What is 0 anyway belongs to the run.
    while (end < size && is_zero(end)) ++end;
    while (first > 0 && is_zero(first - 1)) --first;
    for (int64_t at = first; at < end; ++at) {
      if (!is_zero(at)) return;
    }
    Tensor<float> values = layer_.right();
    for (int64_t c = 0; c < shape_.c; ++c) std::fill(values.plane(0, c) + first, values.plane(0, c) + end, 0.0F);
    const std::string which = first == 0    ? fmt::format("first {} values (in raster order)", end)
                              : end == size ? fmt::format("last {} values (in raster order)", size - first)
                                            : fmt::format("values {} to {} (in raster order)", first, end - 1);
    put("zeros_in_a_row",
        fmt::format("the {} of each channel are 0, not written yet or no more{}; the rest is right", which,
                    first == 0 ? ": a pipeline's first results, from when it warms up" : ""),
        1.5, std::move(values));
  }

  /// Blocks of the picture that hold what belongs to other blocks, or nothing.
  void blocks() {
    for (const int64_t side : {64, 32, 16, 8, 4}) {
      if (2 * side > std::max(shape_.h, shape_.w)) continue;
      if (blocks_of(side)) return;
    }
  }

  bool blocks_of(int64_t side) {
    std::set<std::pair<int64_t, int64_t>> wrong;
    for (const int64_t i : wrong_) wrong.emplace(i / shape_.w % shape_.h / side, i % shape_.w / side);
    const int64_t rows = (shape_.h + side - 1) / side, columns = (shape_.w + side - 1) / side;
    if (3 * static_cast<int64_t>(wrong.size()) > 2 * rows * columns || wrong.size() > 64) return false;
    Tensor<float> values = layer_.right();
    std::vector<std::string> told;
    for (const auto& [by, bx] : wrong) {
      const int64_t h = std::min(side, shape_.h - by * side), w = std::min(side, shape_.w - bx * side);
      const auto is_from = [&, by = by, bx = bx](int64_t fy, int64_t fx) {
        if (fy + h > shape_.h || fx + w > shape_.w) return false;
        for (int64_t c = 0; c < shape_.c; ++c)
          for (int64_t y = 0; y < h; ++y)
            for (int64_t x = 0; x < w; ++x) {
              const float from = layer_.right()(0, c, fy + y, fx + x);
              if (std::abs(layer_.found()(0, c, by * side + y, bx * side + x) - from) > layer_.tolerance())
                return false;
            }
        return true;
      };
      bool known = false;
      for (int64_t fy = 0; fy < shape_.h && !known; fy += side)
        for (int64_t fx = 0; fx < shape_.w && !known; fx += side) {
          if (!is_from(fy, fx)) continue;
          known = true;
          told.push_back(fmt::format("the block at row {}, column {} holds what belongs at row {}, column {}",
                                     by * side, bx * side, fy, fx));
          for (int64_t c = 0; c < shape_.c; ++c)
            for (int64_t y = 0; y < h; ++y)
              std::copy_n(layer_.right().row(0, c, fy + y) + fx, w, values.row(0, c, by * side + y) + bx * side);
        }
      if (!known) return false;
    }
    const bool exchanged = told.size() == 2;
    told.resize(std::min<size_t>(told.size(), 4));
    put("blocks_in_other_places",
        fmt::format("parts of the picture (tiles of {} by {}) stand in other places{}: {}", side, side,
                    exchanged           ? ", exchanged or repeated"
                    : wrong.size() == 1 ? " (a tile is repeated: an old buffer)"
                                        : "",
                    fmt::join(told, "; ")),
        1 + static_cast<double>(wrong.size()) / 2, std::move(values));
    return true;
  }

  /// All that is wrong lies in a rectangle, which has something else instead.
  void rectangle() {
    const auto [y0, y1, x0, x1] = box_;
    const double area = static_cast<double>((y1 - y0) * (x1 - x0)), whole = static_cast<double>(shape_.h * shape_.w);
    if (area > 0.7 * whole || area < 9) return;
    const double filled = static_cast<double>(wrong_.size()) / (area * static_cast<double>(shape_.c));
    if (filled < 0.5) return;
    const std::string where = fmt::format("in rows {} to {} and columns {} to {}", y0, y1 - 1, x0, x1 - 1);
    const auto with = [&](const std::function<float(int64_t, int64_t, int64_t)>& value) {
      Tensor<float> t = layer_.right();
      for (int64_t c = 0; c < shape_.c; ++c)
        for (int64_t y = box_[0]; y < box_[1]; ++y)
          for (int64_t x = box_[2]; x < box_[3]; ++x) t(0, c, y, x) = value(c, y, x);
      return t;
    };
    const float first = layer_.found()(0, 0, y0, x0);
    double n = 0;
    put("rectangle_constant",
        fmt::format("the output is {} {}; the rest is right", named_number(first, 1e-6, n), where), 2,
        with([&](auto, auto, auto) { return first; }));
    std::vector<std::pair<float, float>> points;
    for (int64_t c = 0; c < shape_.c; ++c)
      for (int64_t y = y0; y < y1; ++y)
        for (int64_t x = x0; x < x1; ++x) points.emplace_back(layer_.right()(0, c, y, x), layer_.found()(0, c, y, x));
    if (const auto line = fit_line(points, layer_.tolerance(), false); line && line->inliers > 0.5) {
      put("rectangle_scaled",
          fmt::format("the output is {:.6g} times what it should be, plus {:.3g}, {}; the rest is right", line->factor,
                      line->offset, where),
          3, with([&](int64_t c, int64_t y, int64_t x) {
            return static_cast<float>(line->factor * layer_.right()(0, c, y, x) + line->offset);
          }));
    }
    // Another part of the picture stands there.
    for (int64_t fy = 0; fy + (y1 - y0) <= shape_.h; ++fy) {
      for (int64_t fx = 0; fx + (x1 - x0) <= shape_.w; ++fx) {
        if (fy == y0 && fx == x0) continue;
        bool same = true;
        for (int64_t k = 0; k < 24 && same; ++k) {
          const int64_t y = k * 7 % (y1 - y0), x = k * 11 % (x1 - x0), c = k % shape_.c;
          same = std::abs(layer_.found()(0, c, y0 + y, x0 + x) - layer_.right()(0, c, fy + y, fx + x)) <=
                 layer_.tolerance();
        }
        if (!same) continue;
        put("rectangle_moved",
            fmt::format("{} the output holds what belongs to row {} and column {} on; the rest is right", where, fy,
                        fx),
            3, with([&](int64_t c, int64_t y, int64_t x) {
              return layer_.right()(0, c, y - box_[0] + fy, x - box_[2] + fx);
            }));
        return;
      }
    }
  }

  /// All that is wrong reads what lies beyond the picture, and nearly all of that is wrong.
  void beyond() {
    const LayerPort& port = layer_.port();
    const Pair reach = port.padding;
    if (!port.convolves || !port.has_weight() || port.is_transposed || port.shuffles() || reach.h < 1 || reach.w < 1 ||
        shape_.h <= 4 * reach.h || shape_.w <= 4 * reach.w) {
      return;
    }
    const auto is_border = [&](int64_t i) {
      const int64_t y = i / shape_.w % shape_.h, x = i % shape_.w;
      return y < reach.h || y >= shape_.h - reach.h || x < reach.w || x >= shape_.w - reach.w;
    };
    if (!std::all_of(wrong_.begin(), wrong_.end(), is_border)) return;
    const int64_t inner = (shape_.h - 2 * reach.h) * (shape_.w - 2 * reach.w);
    const int64_t border = shape_.c * (shape_.h * shape_.w - inner);
    if (10 * std::ssize(wrong_) < 9 * border) return;
    put("padding_garbage",
        "only what reads beyond the picture is wrong, on all sides, and no rule tells what is read there: the padding "
        "is "
        "not cleared (garbage: uninitialised or stale memory where zeros belong)",
        9, Tensor<float>(layer_.found()));
  }

  /// A few wrong values without any order; all others are right.
  void few() {
    const auto count = static_cast<double>(layer_.found().count()), n = static_cast<double>(wrong_.size());
    if (n > 0.03 * count) return;
    const auto name = [&](int64_t i) {
      return fmt::format("channel {}, row {}, column {}", i / (shape_.h * shape_.w), i / shape_.w % shape_.h,
                         i % shape_.w);
    };
    Tensor<float> values = layer_.right();
    for (const int64_t i : wrong_) values.data()[i] = layer_.found().data()[i];
    if (wrong_.size() == 1) {
      const int64_t i = wrong_[0];
      put("one_value",
          fmt::format("one value, of {}, differs by {:.4g} ({:.6g} instead of {:.6g}); all others are right", name(i),
                      layer_.found().data()[i] - layer_.right().data()[i], layer_.found().data()[i],
                      layer_.right().data()[i]),
          1, std::move(values));
      return;
    }
    if (!is_random()) return;
    put("scattered",
        fmt::format("{} of {} values are wrong, scattered at random (the first: {}), and all others are right: a race, "
                    "or memory that something else overwrites, and no mistake of arithmetic",
                    wrong_.size(), layer_.found().count(), name(wrong_[0])),
        6, std::move(values));
  }

  /// Neither place nor size tells which values are wrong.
  bool is_random() const {
    if (wrong_.size() < 4) return false;
    std::set<int64_t> channels, rows, columns, pixels;
    double neighbours = 0, border = 0;
    const int64_t size = shape_.h * shape_.w;
    for (const int64_t i : wrong_) {
      channels.insert(i / size), rows.insert(i / shape_.w % shape_.h), columns.insert(i % shape_.w),
          pixels.insert(i % size);
    }
    for (const int64_t p : pixels) {
      neighbours += pixels.contains(p + 1) && (p + 1) % shape_.w != 0 ? 1 : 0;
      neighbours += pixels.contains(p + shape_.w) ? 1 : 0;
      const int64_t y = p / shape_.w, x = p % shape_.w;
      border += y == 0 || x == 0 || y == shape_.h - 1 || x == shape_.w - 1 ? 1 : 0;
    }
    const auto n = static_cast<double>(pixels.size()), area = static_cast<double>(size);
    const auto distinct = [&](size_t found, int64_t extent) {
      const auto e = static_cast<double>(extent);
      return static_cast<double>(found) >= 0.6 * e * (1 - std::pow(1 - 1 / e, n));
    };
    const double at_border = 2.0 * static_cast<double>(shape_.h + shape_.w) / area;
    if (!distinct(channels.size(), shape_.c) || !distinct(rows.size(), shape_.h) || !distinct(columns.size(), shape_.w))
      return false;
    if (neighbours > 2 * n * n / area * 2 + 3 + 0.05 * n || border > n * at_border * 2 + 3) return false;
    // Large values alone, or small ones alone, would be a clip.
    std::vector<float> sorted = layer_.right().values();
    std::sort(sorted.begin(), sorted.end());
    double rank = 0, squares = 0;
    for (const int64_t i : wrong_) {
      const auto at = std::lower_bound(sorted.begin(), sorted.end(), layer_.right().data()[i]) - sorted.begin();
      const double r = static_cast<double>(at) / static_cast<double>(sorted.size());
      rank += r, squares += r * r;
    }
    const auto all = static_cast<double>(wrong_.size());
    const double mean = rank / all, spread = std::sqrt(std::max(0.0, squares / all - mean * mean));
    return std::abs(mean - 0.5) < 0.15 + 1.2 / std::sqrt(all) && spread > 0.12;
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<int64_t> wrong_;
  std::array<int64_t, 4> box_{};  // rows and columns that all of it lies in
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_scattered(const LayerCase& layer) { return Scattered(layer).all(); }

}  // namespace fsrcnn
