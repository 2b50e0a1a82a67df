// What was done to a picture before it was read: another one, a JPEG of it, a tone curve, a blend with its own copy.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr double kUnrelated = 0.25;   // a correlation below which two pictures are two
constexpr int64_t kBlock = 8;         // of a JPEG
constexpr double kZero = 0.8;         // levels of 255: a frequency that is none, where pixels are rounded
constexpr int64_t kHigh = 6;          // frequencies whose indices sum up to more are high ones
constexpr int64_t kFarthestCopy = 8;  // pixels
constexpr size_t kMostCopies = 4;

class Pictures {
 public:
  Pictures(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {}

  std::vector<Mistake> all() {
    copies();
    jpeg();
    tone_curve();
    other();
    return std::move(list_);
  }

 private:
  const std::vector<float>& given() const { return layer_.input().values(); }
  const std::vector<float>& found() const { return layer_.found().values(); }

  void put(const std::string& id, const std::string& sentence, double numbers, const TensorOp& op) {
    list_.push_back({id, sentence, "input_moved", false, [op](LayerPort& p) { p.after.push_back(op); }, numbers});
  }

  /// What was solved for, whatever it is told of.
  void put_solved(const std::string& id, const std::string& sentence, double numbers) {
    put(id, sentence, numbers, [solved = layer_.found()](const Tensor<float>&) { return solved; });
  }

  void other() {
    int64_t same = 0;
    for (size_t i = 0; i < given().size(); ++i) same += std::abs(given()[i] - found()[i]) <= layer_.tolerance() ? 1 : 0;
    if (20 * same > layer_.found().count()) return;
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < given().size(); ++i) {
      const double g = given()[i], f = found()[i];
      a += g, b += f, aa += g * g, bb += f * f, ab += g * f;
    }
    const auto n = static_cast<double>(given().size());
    const double va = aa - a * a / n, vb = bb - b * b / n;
    if (va <= 0 || vb <= 0) return;
    const double correlation = (ab - a * b / n) / std::sqrt(va * vb);
    if (std::abs(correlation) > kUnrelated) return;
    put_solved(
        "input_other_picture",
        fmt::format("the input has nothing to do with the given one (correlation {:.2f}): it is another picture or "
                    "frame, or its pixels are in an order that is not known",
                    correlation),
        6);
  }

  /// How many of the high frequencies of the blocks are none.
  static double empty_frequencies(const std::vector<float>& values, const Shape& s) {
    std::array<std::array<double, kBlock>, kBlock> wave{};
    for (size_t k = 0; k < kBlock; ++k)
      for (size_t i = 0; i < kBlock; ++i) {
        wave[k][i] =
            std::sqrt(k == 0 ? 1.0 / kBlock : 2.0 / kBlock) *
            std::cos(3.141592653589793 * (2 * static_cast<double>(i) + 1) * static_cast<double>(k) / (2 * kBlock));
      }
    double empty = 0, all = 0;
    for (int64_t top = 0; top + kBlock <= s.h; top += kBlock)
      for (int64_t left = 0; left + kBlock <= s.w; left += kBlock)
        for (size_t v = 0; v < kBlock; ++v)
          for (size_t u = 0; u < kBlock; ++u) {
            if (static_cast<int64_t>(u + v) < kHigh) continue;
            double sum = 0;
            for (size_t y = 0; y < kBlock; ++y)
              for (size_t x = 0; x < kBlock; ++x) {
                const int64_t at = (top + static_cast<int64_t>(y)) * s.w + left + static_cast<int64_t>(x);
                sum += wave[v][y] * wave[u][x] * values[static_cast<size_t>(at)] * 255;
              }
            empty += std::abs(sum) < kZero ? 1 : 0;
            ++all;
          }
    return all == 0 ? 0 : empty / all;
  }

  void jpeg() {
    const double of_given = empty_frequencies(given(), shape_), of_found = empty_frequencies(found(), shape_);
    if (of_found < 0.6 || of_found < of_given + 0.3) return;
    put_solved("input_jpeg",
               fmt::format("the input is a JPEG of the picture: in its blocks of 8 by 8 pixels {:.0f} % of the high "
                           "frequencies are none, and {:.0f} % of the given one's (lossy compression)",
                           100 * of_found, 100 * of_given),
               3);
  }

  /// The same value for the same, and none less for more.
  void tone_curve() {
    std::vector<size_t> order(given().size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return given()[i] < given()[j]; });
    const double precision = 2 * layer_.tolerance();
    double flat = 0;
    for (size_t k = 0; k < order.size(); ++k) {
      const double here = found()[order[k]];
      if (k > 0) {
        const double before = found()[order[k - 1]];
        if (here < before - precision) return;
        if (given()[order[k]] == given()[order[k - 1]] && std::abs(here - before) > precision) return;
      }
      flat = std::max(flat, std::abs(here - static_cast<double>(k + 1) / static_cast<double>(order.size())));
    }
    const size_t last = order.size() - 1;
    std::vector<std::string> points;
    for (const size_t k : {last / 10, last / 2, last - last / 10}) {
      points.push_back(fmt::format("{:.3f} for {:.3f}", found()[order[k]], given()[order[k]]));
    }
    put_solved("input_tone_curve",
               fmt::format("the input went through {}: {}",
                           flat < 0.03 ? "a curve that makes its histogram flat (it is equalised)"
                                       : "a tone curve (gamma, contrast, a table)",
                           fmt::join(points, ", ")),
               4);
  }

  /// A sum of moved copies.
  void copies() {
    std::vector<Pair> moves = {{0, 0}};
    for (int64_t d = 1; d <= kFarthestCopy; ++d) {
      moves.insert(moves.end(), {Pair{0, d}, {0, -d}, {d, 0}, {-d, 0}});
    }
    if (shape_.h <= 3 * kFarthestCopy && shape_.w <= 3 * kFarthestCopy) {
      std::erase_if(moves, [](const Pair& m) { return std::abs(m.h) > 4 || std::abs(m.w) > 4; });
    }
    std::vector<Tensor<float>> copies;
    std::vector<const Tensor<float>*> features;
    for (const auto& [h, w] : moves) copies.push_back(moved(layer_.input(), h, w, Entering::zeros));
    for (const Tensor<float>& copy : copies) features.push_back(&copy);
    std::vector<uint8_t> inside(given().size(), 0);
    for (int64_t y = 0; y < shape_.h; ++y)
      for (int64_t x = 0; x < shape_.w; ++x) {
        const auto far = [](int64_t at, int64_t extent) {
          const int64_t by = std::min(kFarthestCopy, extent / 4);
          return at >= by && at < extent - by;
        };
        inside[static_cast<size_t>(y * shape_.w + x)] = far(y, shape_.h) && far(x, shape_.w) ? 1 : 0;
      }
    const auto fit = fit_features(layer_, Tensor<float>(shape_), features, &inside);
    if (!fit || fit->inliers < 0.8) return;
    std::vector<std::pair<Pair, double>> parts;
    std::vector<std::string> words;
    for (size_t i = 0; i < moves.size(); ++i) {
      if (std::abs(fit->factors[i]) < 2e-3) continue;
      parts.emplace_back(moves[i], fit->factors[i]);
      words.push_back(moves[i] == Pair{0, 0} ? fmt::format("{:.3g} times itself", fit->factors[i])
                                             : fmt::format("{:.3g} times itself {}", fit->factors[i],
                                                           moved_words(moves[i].h, moves[i].w)));
    }
    if (parts.size() < 2 || parts.size() > kMostCopies) return;
    for (const auto& [entering, id] : {std::pair(Entering::zeros, "zeros"), std::pair(Entering::edge, "edge"),
                                       std::pair(Entering::circular, "circular")}) {
      put(fmt::format("input_blended_{}", id),
          fmt::format("the input is {}: a ghost, as of a frame before that is blended in, or a filter",
                      fmt::join(words, " plus ")),
          1, [parts, e = entering](const Tensor<float>& t) {
            Tensor<float> to(t.shape());
            for (const auto& [move, factor] : parts) {
              const Tensor<float> copy = moved(t, move.h, move.w, e);
              for (int64_t i = 0; i < t.count(); ++i) to.data()[i] += static_cast<float>(factor) * copy.data()[i];
            }
            return to;
          });
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_pictures(const LayerCase& layer) {
  if (layer.found().shape() != layer.input().shape() || layer.found().count() < 64) return {};
  return Pictures(layer).all();
}

}  // namespace fsrcnn
