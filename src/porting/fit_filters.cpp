// Small filters that the output went through: means, differences, blocks of one value, lines that are added twice.
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <Eigen/Dense>

#include "porting/evidence.hpp"
#include "porting/fit_places.hpp"
#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

using FilterKernel = std::array<float, 9>;  // row by row, of the pixels around

constexpr int64_t kEquations = 3000;
constexpr double kFilterShare = 0.9;  // the share of the equations that must be met
constexpr float kNothing = 2e-4F;     // a tap below is none

enum class FilterEdge { replicate, zeros, reflect, circular, kept, inside };

int64_t filter_source(int64_t i, int64_t n, FilterEdge edge) {
  if (i >= 0 && i < n) return i;
  switch (edge) {
    case FilterEdge::replicate: return std::clamp<int64_t>(i, 0, n - 1);
    case FilterEdge::reflect: return i < 0 ? -i : 2 * n - 2 - i;
    case FilterEdge::circular: return (i + n) % n;
    default: return -1;
  }
}

/// `inside`: the taps beyond the picture are left out, and the others make up for them. `kept`: a pixel that would need
/// what is beyond is left as it is.
Tensor<float> filtered(const Tensor<float>& t, const FilterKernel& kernel, FilterEdge edge) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  float all = 0;
  for (const float k : kernel) all += k;
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        float sum = 0, weight = 0;
        bool whole = true;
        for (int64_t k = 0; k < 9; ++k) {
          const float tap = kernel[static_cast<size_t>(k)];
          if (tap == 0) continue;
          const int64_t fy = filter_source(y + k / 3 - 1, s.h, edge), fx = filter_source(x + k % 3 - 1, s.w, edge);
          whole = whole && fy >= 0 && fx >= 0;
          if (fy < 0 || fx < 0) continue;
          sum += tap * t(0, c, fy, fx), weight += tap;
        }
        if (!whole && edge == FilterEdge::inside && weight != 0) sum *= all / weight;
        to(0, c, y, x) = !whole && edge == FilterEdge::kept ? t(0, c, y, x) : sum;
      }
  return to;
}

enum class FilterPool { mean, largest, smallest };

/// Each h by w pixels are one value.
Tensor<float> pooled(const Tensor<float>& t, int64_t h, int64_t w, FilterPool pool) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; y += h)
      for (int64_t x = 0; x < s.w; x += w) {
        const int64_t y1 = std::min(y + h, s.h), x1 = std::min(x + w, s.w);
        float value = pool == FilterPool::mean ? 0 : t(0, c, y, x);
        for (int64_t i = y; i < y1; ++i)
          for (int64_t j = x; j < x1; ++j) {
            const float v = t(0, c, i, j);
            value = pool == FilterPool::mean      ? value + v
                    : pool == FilterPool::largest ? std::max(value, v)
                                                  : std::min(value, v);
          }
        if (pool == FilterPool::mean) value /= static_cast<float>((y1 - y) * (x1 - x));
        for (int64_t i = y; i < y1; ++i) std::fill_n(to.row(0, c, i) + x, x1 - x, value);
      }
  return to;
}

/// Made smaller by 2, by the mean of 2 by 2 (or by the first of them), and enlarged bilinearly: what is at (y, x).
float halved_at(const float* plane, int64_t height, int64_t width, int64_t y, int64_t x, bool mean) {
  const int64_t h = (height + 1) / 2, w = (width + 1) / 2;
  const auto small = [&](int64_t i, int64_t j) {
    const int64_t a = 2 * std::clamp<int64_t>(i, 0, h - 1), b = 2 * std::clamp<int64_t>(j, 0, w - 1);
    if (!mean) return plane[a * width + b];
    const int64_t a1 = std::min(a + 1, height - 1), b1 = std::min(b + 1, width - 1);
    return (plane[a * width + b] + plane[a1 * width + b] + plane[a * width + b1] + plane[a1 * width + b1]) / 4;
  };
  const int64_t ny = y / 2, nx = x / 2, oy = ny + (y % 2 == 0 ? -1 : 1), ox = nx + (x % 2 == 0 ? -1 : 1);
  return (9 * small(ny, nx) + 3 * small(oy, nx) + 3 * small(ny, ox) + small(oy, ox)) / 16;
}

struct FilterStage {
  std::string id, words;
  const Tensor<float>&right, &found;
  const std::vector<uint8_t>* known;  // null: all
  std::vector<TensorOp> LayerPort::*ops;
};

class Filters {
 public:
  Filters(const LayerCase& layer, FilterStage stage)
      : layer_(layer), stage_(std::move(stage)), shape_(stage_.right.shape()) {}

  void run(std::vector<Mistake>& list) {
    if (shape_ != stage_.found.shape() || shape_.h < 6 || shape_.w < 6) return;
    small_filter(list);
    doubled_lines(list);
  }

 private:
  bool is_known(int64_t at) const { return stage_.known == nullptr || (*stage_.known)[static_cast<size_t>(at)] != 0; }

  void put(std::vector<Mistake>& list, const std::string& id, const std::string& sentence, double numbers,
           const TensorOp& op, bool local) const {
    list.push_back({stage_.id + id, sentence, stage_.id + "filter", local,
                    [op, ops = stage_.ops](LayerPort& p) { (p.*ops).push_back(op); }, numbers});
  }

  void small_filter(std::vector<Mistake>& list) const {
    std::mt19937 generator(17);
    std::vector<int64_t> at;
    int64_t differing = 0;
    for (int i = 0; i < 20 * kEquations && static_cast<int64_t>(at.size()) < kEquations; ++i) {
      const auto place = static_cast<int64_t>(generator() % static_cast<uint64_t>(stage_.right.count()));
      const int64_t x = place % shape_.w, y = place / shape_.w % shape_.h;
      if (x == 0 || y == 0 || x + 1 == shape_.w || y + 1 == shape_.h || !is_known(place)) continue;
      at.push_back(place);
      differing += std::abs(stage_.found.data()[place] - stage_.right.data()[place]) > layer_.tolerance() ? 1 : 0;
    }
    if (at.size() < 60 || 4 * differing < static_cast<int64_t>(at.size())) return;
    const auto rows = static_cast<Eigen::Index>(at.size());
    Eigen::MatrixXd a(rows, 9);
    Eigen::VectorXd b(rows);
    for (Eigen::Index i = 0; i < rows; ++i) {
      const float* v = stage_.right.data() + at[static_cast<size_t>(i)];
      for (Eigen::Index k = 0; k < 9; ++k) a(i, k) = v[(k / 3 - 1) * shape_.w + k % 3 - 1];
      b[i] = stage_.found.data()[at[static_cast<size_t>(i)]];
    }
    const Eigen::VectorXd x = a.colPivHouseholderQr().solve(b);
    if (!x.allFinite()) return;
    const auto met = [&](const Eigen::VectorXd& k) {
      return static_cast<double>(((a * k - b).array().abs() <= layer_.tolerance()).count()) / static_cast<double>(rows);
    };
    if (met(x) < kFilterShare) return;
    FilterKernel kernel{};
    int parts = 0;
    for (const int d : {1, 2, 4, 8, 16, 9, 3, 6, 5, 10, 32}) {
      Eigen::VectorXd neat = x;
      double farthest = 0;
      for (double& k : neat) {
        const double whole = std::nearbyint(k * d) / d;
        farthest = std::max(farthest, std::abs(whole - k));
        k = whole;
      }
      if (farthest > 0.02 || met(neat) < kFilterShare) continue;
      for (size_t i = 0; i < 9; ++i) kernel[i] = static_cast<float>(neat[static_cast<Eigen::Index>(i)]);
      parts = d;
      break;
    }
    if (parts == 0) {
      for (size_t i = 0; i < 9; ++i) kernel[i] = static_cast<float>(x[static_cast<Eigen::Index>(i)]);
    }
    const auto taps = std::count_if(kernel.begin(), kernel.end(), [](float k) { return std::abs(k) > kNothing; });
    if (taps < 2) return;  // that is a shift or a factor
    const double numbers = parts > 0 ? 0.9 : static_cast<double>(taps);
    for (const auto& [edge, words, more] :
         {std::tuple(FilterEdge::replicate, "the edge is repeated", 0.0),
          std::tuple(FilterEdge::zeros, "zeros beyond the edge", 0.02),
          std::tuple(FilterEdge::reflect, "the picture is mirrored beyond the edge", 0.04),
          std::tuple(FilterEdge::circular, "the other side beyond the edge", 0.06),
          std::tuple(FilterEdge::inside, "what is inside alone at the edge", 0.08),
          std::tuple(FilterEdge::kept, "pixels at the edge are kept", 0.1)}) {
      put(
          list, "filtered", fmt::format("{} {} ({})", stage_.words, described(kernel, parts), words), numbers + more,
          [kernel, e = edge](const Tensor<float>& t) { return filtered(t, kernel, e); }, false);
    }
  }

  static std::string described(const FilterKernel& k, int parts) {
    std::vector<size_t> taps;
    float sum = 0;
    bool equal = true;
    for (size_t i = 0; i < 9; ++i) {
      if (std::abs(k[i]) <= kNothing) continue;
      taps.push_back(i);
      sum += k[i];
      equal = equal && std::abs(k[i] - k[taps[0]]) < 1e-6F;
    }
    const bool mean = std::abs(sum - 1) < 1e-3F;
    std::string how;
    const auto has = [&](size_t i) { return std::abs(k[i]) > kNothing; };
    if (equal && mean && taps.size() == 9) {
      how = "smoothed: each pixel is the mean of the 3 by 3 around it (a box filter)";
    } else if (equal && mean && taps.size() == 4 && has(4) && (has(0) || has(2) || has(6) || has(8))) {
      how = "half a pixel off: each pixel is the mean of four neighbours (2 by 2)";
    } else if (equal && mean && taps.size() == 2 && has(4)) {
      how = has(3) || has(5) ? "half a pixel off: each pixel is the mean of two beside each other"
                             : "half a pixel off: each pixel is the mean of two below each other";
    } else if (mean && std::all_of(taps.begin(), taps.end(), [&](size_t i) { return k[i] > 0; })) {
      how = "smoothed by a filter (a weighted mean of neighbours)";
    } else if (mean && k[4] > 1) {
      how = "sharpened by a filter";
    } else if (std::abs(sum) < 1e-3F) {
      how = taps.size() == 2 ? "the difference of neighbours, not the value itself"
                             : "filtered to differences of neighbours (an edge filter)";
    } else {
      how = "filtered";
    }
    std::vector<std::string> rows;
    for (size_t r = 0; r < 3; ++r) {
      std::vector<std::string> row;
      for (size_t i = 3 * r; i < 3 * r + 3; ++i) {
        row.push_back(parts > 0 ? fmt::format("{:g}", std::nearbyint(k[i] * static_cast<float>(parts)))
                                : fmt::format("{:.4g}", std::abs(k[i]) <= kNothing ? 0 : k[i]));
      }
      rows.push_back(fmt::format("{}", fmt::join(row, " ")));
    }
    return fmt::format("{}, kernel ({}){}", how, fmt::join(rows, "; "), parts > 1 ? fmt::format(" / {}", parts) : "");
  }

  /// Rows or columns that have a factor, as where parts overlap and are added up.
  void doubled_lines(std::vector<Mistake>& list) const {
    std::array<IndexSet, 2> wrong{IndexSet{shape_.h, {}}, IndexSet{shape_.w, {}}};
    std::vector<uint8_t> is_wrong_row(static_cast<size_t>(shape_.h), 0),
        is_wrong_column(static_cast<size_t>(shape_.w), 0);
    for (int64_t i = 0; i < stage_.right.count(); ++i) {
      if (!is_known(i) || std::abs(stage_.found.data()[i] - stage_.right.data()[i]) <= layer_.tolerance()) continue;
      is_wrong_row[static_cast<size_t>(i / shape_.w % shape_.h)] = 1;
      is_wrong_column[static_cast<size_t>(i % shape_.w)] = 1;
    }
    for (int64_t y = 0; y < shape_.h; ++y)
      if (is_wrong_row[static_cast<size_t>(y)] != 0) wrong[0].indices.push_back(y);
    for (int64_t x = 0; x < shape_.w; ++x)
      if (is_wrong_column[static_cast<size_t>(x)] != 0) wrong[1].indices.push_back(x);
    const std::array<bool, 2> some = {2 * wrong[0].indices.size() <= static_cast<size_t>(shape_.h),
                                      2 * wrong[1].indices.size() <= static_cast<size_t>(shape_.w)};
    if ((!some[0] && !some[1]) || wrong[0].indices.empty()) return;
    std::array<std::vector<uint8_t>, 2> in = {is_wrong_row, is_wrong_column};
    for (size_t axis = 0; axis < 2; ++axis) {
      if (!some[axis]) std::fill(in[axis].begin(), in[axis].end(), uint8_t{0});
    }
    // The factor that all that differs has.
    std::vector<std::pair<float, float>> points;
    for (int64_t i = 0; i < stage_.right.count() && points.size() < 4000; ++i) {
      const bool lies =
          in[0][static_cast<size_t>(i / shape_.w % shape_.h)] != 0 || in[1][static_cast<size_t>(i % shape_.w)] != 0;
      if (lies && is_known(i)) points.emplace_back(stage_.right.data()[i], stage_.found.data()[i]);
    }
    if (points.size() < 16) return;
    const auto line = fit_line(points, layer_.tolerance(), true);
    if (!line || line->inliers < 0.6 || std::abs(line->factor - 1) < 1e-3) return;
    double numbers = 0;
    const std::string factor = named_number(line->factor, 1e-3, numbers);
    const double value = factor == "2" ? 2 : line->factor;
    std::vector<std::string> where;
    for (size_t axis = 0; axis < 2; ++axis) {
      if (some[axis]) where.push_back(to_words(wrong[axis], axis == 0 ? "row" : "column"));
    }
    for (const bool squared : {false, true}) {
      if (squared && where.size() < 2) continue;
      put(
          list, "lines_scaled",
          fmt::format("{} {} times what it should be in {}{}", stage_.words, factor, fmt::join(where, " and "),
                      factor == "2" ? " (overlaps of tiles or strips are added twice)" : ""),
          1 + numbers,
          [in, squared, f = static_cast<float>(value)](const Tensor<float>& t) {
            Tensor<float> to = t;
            const Shape s = t.shape();
            if (s.h != static_cast<int64_t>(in[0].size()) || s.w != static_cast<int64_t>(in[1].size())) return to;
            for (int64_t i = 0; i < t.count(); ++i) {
              const int times = in[0][static_cast<size_t>(i / s.w % s.h)] + in[1][static_cast<size_t>(i % s.w)];
              if (times > 0) to.data()[i] *= times > 1 && squared ? f * f : f;
            }
            return to;
          },
          false);
    }
  }

  const LayerCase& layer_;
  FilterStage stage_;
  Shape shape_;
};

/// Blocks of one value, and pictures made smaller and enlarged again: of the output as a whole.
void blocks(const LayerCase& layer, std::vector<Mistake>& list) {
  const Shape s = layer.found().shape();
  const JudgedPlaces places(layer);
  if (places.empty()) return;
  const auto put = [&](const std::string& id, const std::string& sentence, double numbers, const TensorOp& op) {
    list.push_back(
        {"output_" + id, sentence, "output_filter", false, [op](LayerPort& p) { p.after.push_back(op); }, numbers});
  };
  for (const int64_t h : {1, 2, 3, 4, 8})
    for (const int64_t w : {1, 2, 3, 4, 8}) {
      if (h * w == 1) continue;
      for (const FilterPool pool : {FilterPool::mean, FilterPool::largest, FilterPool::smallest}) {
        const auto value = [&](int64_t at) {
          const int64_t y = at / s.w % s.h / h * h, x = at % s.w / w * w, y1 = std::min(y + h, s.h),
                        x1 = std::min(x + w, s.w);
          const float* plane = layer.right().data() + at / (s.h * s.w) * s.h * s.w;
          float v = pool == FilterPool::mean ? 0 : plane[y * s.w + x];
          for (int64_t i = y; i < y1; ++i)
            for (int64_t j = x; j < x1; ++j) {
              const float p = plane[i * s.w + j];
              v = pool == FilterPool::mean ? v + p : pool == FilterPool::largest ? std::max(v, p) : std::min(v, p);
            }
          return pool == FilterPool::mean ? v / static_cast<float>((y1 - y) * (x1 - x)) : v;
        };
        if (!places.agree_in_value(value)) continue;
        const char* which = pool == FilterPool::mean      ? "the mean"
                            : pool == FilterPool::largest ? "the largest (max pooling)"
                                                          : "the smallest";
        put(fmt::format("pooled_{}_{}", h, w),
            fmt::format("each {} by {} pixels of the output are {} of them, repeated (a resize to a part of its size, "
                        "and back)",
                        h, w, which),
            0.5, [h, w, pool](const Tensor<float>& t) { return pooled(t, h, w, pool); });
      }
    }
  for (const bool mean : {true, false}) {
    const int64_t size = s.h * s.w;
    if (!places.agree_in_value([&](int64_t at) {
          return halved_at(layer.right().data() + at / size * size, s.h, s.w, at % size / s.w, at % s.w, mean);
        })) {
      continue;
    }
    put(mean ? "halved_bilinear" : "decimated_bilinear",
        fmt::format("the output is made half as large ({}) and enlarged bilinearly again",
                    mean ? "the mean of 2 by 2 pixels" : "each second pixel"),
        0.5, [mean](const Tensor<float>& t) {
          const Shape shape = t.shape();
          Tensor<float> to(shape);
          for (int64_t c = 0; c < shape.c; ++c)
            for (int64_t y = 0; y < shape.h; ++y)
              for (int64_t x = 0; x < shape.w; ++x)
                to(0, c, y, x) = halved_at(t.plane(0, c), shape.h, shape.w, y, x, mean);
          return to;
        });
  }
}

}  // namespace

std::vector<Mistake> fit_filters(const LayerCase& layer) {
  std::vector<Mistake> list;
  Filters(layer, {"output_", "the output is", layer.right(), layer.found(), nullptr, &LayerPort::after}).run(list);
  if (layer.bends() && !layer.port().shuffles()) {
    Filters(layer, {"sum_", "the sum before the activation is", layer.linear(), layer.found_linear().values,
                    &layer.found_linear().known, &LayerPort::between})
        .run(list);
  }
  const std::vector<float>& bias = layer.port().bias;
  if (!bias.empty() && layer.port().convolves && layer.port().has_weight() && !layer.port().shuffles()) {
    Tensor<float> products = layer.found_linear().values;
    const int64_t size = products.shape().h * products.shape().w;
    for (int64_t i = 0; i < products.count(); ++i) products.data()[i] -= bias[static_cast<size_t>(i / size)];
    Filters(layer, {"products_", "the sum of products is", layer.products(), products, &layer.found_linear().known,
                    &LayerPort::before_bias})
        .run(list);
  }
  blocks(layer, list);
  return list;
}

}  // namespace fsrcnn
