// The output, or the input, moved: by rows and columns, or later in raster order.
#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr int kMovedPlaces = 96;
constexpr int64_t kFarthest = 12;  // rows and columns
constexpr double kEnough = 0.6;    // of the places that must agree; near borders they need not

class Shifts {
 public:
  explicit Shifts(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {
    std::mt19937 generator(5);
    for (int i = 0; i < 40 * kMovedPlaces && places_.size() < kMovedPlaces; ++i) {
      const auto at = static_cast<int64_t>(generator() % static_cast<uint64_t>(layer.found().count()));
      // What is flat moves and stays the same.
      const int64_t next = at % shape_.w + 1 < shape_.w ? at + 1 : at - 1;
      const float* v = layer.found().data();
      if (next < 0 || std::abs(v[at] - v[next]) <= 4 * layer.tolerance()) continue;
      places_.push_back(at);
    }
  }

  std::vector<Mistake> all() {
    if (places_.size() < 24) return {};
    in_the_plane();
    in_raster_order();
    with_other_pitch();
    return std::move(list_);
  }

 private:
  /// The share of places whose value is the right one of the place that `source` tells (-1: outside).
  double agreeing(const std::function<int64_t(int64_t)>& source) const {
    int inside = 0, same = 0;
    for (const int64_t at : places_) {
      const int64_t from = source(at);
      if (from < 0) continue;
      ++inside;
      same += std::abs(layer_.found().data()[at] - layer_.right().data()[from]) <= layer_.tolerance() ? 1 : 0;
      if (inside == 12 && same < 4) return 0;
    }
    return inside < 16 ? 0 : static_cast<double>(same) / inside;
  }

  void put(const std::string& id, const std::string& sentence, bool input, double numbers, const TensorOp& op) {
    list_.push_back({(input ? "input_" : "output_") + id, (input ? "the input is " : "the output is ") + sentence,
                     input ? "input_moved" : "output_layout", false,
                     [op, input](LayerPort& p) { (input ? p.before : p.after).push_back(op); }, numbers});
  }

  void in_the_plane() {
    for (int64_t dy = -kFarthest; dy <= kFarthest; ++dy) {
      for (int64_t dx = -kFarthest; dx <= kFarthest; ++dx) {
        if (dy == 0 && dx == 0) continue;
        const double share = agreeing([&](int64_t at) -> int64_t {
          const int64_t y = at / shape_.w % shape_.h - dy, x = at % shape_.w - dx;
          return y < 0 || x < 0 || y >= shape_.h || x >= shape_.w ? -1 : at - dy * shape_.w - dx;
        });
        if (share < kEnough) continue;
        const int64_t s = layer_.port().factor;
        for (const auto& [entering, id, words] :
             {std::tuple(Entering::zeros, "zeros", "zeros come in"),
              std::tuple(Entering::edge, "edge", "the edge is repeated"),
              std::tuple(Entering::circular, "circular", "the other side comes in")}) {
          const auto moved_by = [&, e = entering, words = words](int64_t y, int64_t x, bool input, const char* how) {
            put(fmt::format("moved_{}_{}_{}", y, x, how), fmt::format("{} ({})", moved_words(y, x), words), input, 0.6,
                [y, x, e](const Tensor<float>& t) { return moved(t, y, x, e); });
          };
          moved_by(dy, dx, false, id);
          if (dy % s == 0 && dx % s == 0) moved_by(dy / s, dx / s, true, id);
        }
      }
    }
  }

  void in_raster_order() {
    const int64_t size = shape_.h * shape_.w, farthest = std::min(3 * shape_.w + 8, size / 2);
    for (int64_t n = -farthest; n <= farthest; ++n) {
      if (n == 0) continue;
      const double share = agreeing([&](int64_t at) -> int64_t {
        const int64_t from = at % size - n;
        return from < 0 || from >= size ? -1 : at - n;
      });
      if (share < kEnough) continue;
      const auto words = [n](const char* thing) {
        return fmt::format("delayed: {}come {} place{} too {} in raster order, and rows run on into the next", thing,
                           std::abs(n), std::abs(n) == 1 ? "" : "s", n > 0 ? "late" : "early");
      };
      for (const auto& [entering, id] : {std::pair(Entering::zeros, "zeros"), std::pair(Entering::edge, "edge"),
                                         std::pair(Entering::circular, "circular")}) {
        const TensorOp op = [n, e = entering](const Tensor<float>& t) { return delayed(t, n, e); };
        put(fmt::format("delayed_{}_{}", n, id), words("its values "), false, 0.6, op);
        if (layer_.port().factor == 1) put(fmt::format("delayed_{}_{}", n, id), words("its values "), true, 0.65, op);
      }
      // A tensor written as one long array.
      put(fmt::format("delayed_{}_array", n), words("the values of all channels as one array "), false, 0.7,
          [n](const Tensor<float>& t) {
            Tensor<float> to(t.shape());
            for (int64_t i = 0; i < t.count(); ++i) {
              if (i - n >= 0 && i - n < t.count()) to.data()[i] = t.data()[i - n];
            }
            return to;
          });
    }
  }

  /// Rows are read, or written, as if each were longer or shorter.
  void with_other_pitch() {
    const int64_t size = shape_.h * shape_.w;
    for (int64_t extra = -std::min<int64_t>(64, shape_.w - 1); extra <= 64; ++extra) {
      if (extra == 0) continue;
      for (const bool reads : {true, false}) {
        const auto source = [=, w = shape_.w](int64_t i) -> int64_t {
          if (reads) return i / w * (w + extra) + i % w;
          const int64_t y = i / (w + extra), x = i % (w + extra);  // of what was written so
          return x < w ? y * w + x : -1;
        };
        const double share = agreeing([&](int64_t at) -> int64_t {
          const int64_t from = source(at % size);
          return from < 0 || from >= size ? -1 : at - at % size + from;
        });
        if (share < 0.9) continue;
        put(fmt::format("pitch_{}{}", reads ? "" : "written_", extra),
            fmt::format("{} with a wrong pitch: each row as if it were {} pixels {} (the picture is slanted)",
                        reads ? "read" : "written", std::abs(extra), extra > 0 ? "longer" : "shorter"),
            false, 0.6, [source, size](const Tensor<float>& t) {
              Tensor<float> to(t.shape());
              for (int64_t i = 0; i < t.count(); ++i) {
                const int64_t from = source(i % size);
                if (from >= 0 && from < size) to.data()[i] = t.data()[i - i % size + from];
              }
              return to;
            });
      }
    }
  }

  const LayerCase& layer_;
  Shape shape_;
  std::vector<int64_t> places_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_shifts(const LayerCase& layer) { return Shifts(layer).all(); }

}  // namespace fsrcnn
