// What a layer reads beyond its input, side by side, where the interior is right.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/conv2d.hpp"
#include "nn/pad2d.hpp"
#include "porting/fits.hpp"

namespace fsrcnn {
namespace {

constexpr std::array<const char*, 4> kSides = {"top", "bottom", "left", "right"};
constexpr int64_t kOldRows = 20;  // rows at each end of the picture that may be what is read beyond

const char* words_of(Beyond beyond) {
  switch (beyond) {
    case Beyond::zeros: return "zeros";
    case Beyond::replicate: return "the edge (replicate)";
    case Beyond::reflect: return "the picture mirrored (reflect)";
    case Beyond::symmetric: return "the picture mirrored with its edge repeated (symmetric)";
    case Beyond::circular: return "the other side (circular)";
    case Beyond::next_row:
    case Beyond::memory: return "the neighbour in memory (rows run on into the next)";
    case Beyond::constant: return "a constant";
    case Beyond::sources: return "other rows";
  }
  return "";
}

class Borders {
 public:
  explicit Borders(const LayerCase& layer) : layer_(layer), shape_(layer.found().shape()) {
    const int64_t reach = layer.reach();
    inner_ = {reach, shape_.h - reach, reach, shape_.w - reach};
  }

  std::vector<Mistake> all() {
    if (!interior_is_right()) return {};
    const LayerPort& port = layer_.port();
    const Side right{port.padding_mode == PaddingMode::zeros ? Beyond::zeros : Beyond::replicate, {}, {}};
    const Border known = port.beyond.value_or(Border{right, right, right, right});
    Border found = known;
    std::array<bool, 4> solved{};
    for (size_t i = 0; i < 4; ++i) solved[i] = largest_at(layer_.right(), i) <= layer_.tolerance();
    const std::array<bool, 4> wrong = {!solved[0], !solved[1], !solved[2], !solved[3]};
    if (std::none_of(wrong.begin(), wrong.end(), [](bool w) { return w; })) {
      corners();
      return std::move(list_);
    }
    for (const Beyond beyond :
         {Beyond::zeros, Beyond::replicate, Beyond::reflect, Beyond::symmetric, Beyond::circular, Beyond::next_row}) {
      const Side side{beyond, {}, {}};
      const Tensor<float> computed = with({side, side, side, side});
      for (size_t i = 0; i < 4; ++i) {
        if (solved[i] || (beyond == Beyond::next_row && i < 2)) continue;
        if (largest_at(computed, i) > layer_.tolerance()) continue;
        found[i] = side;
        solved[i] = true;
      }
    }
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (solved[i]) continue;
      if (const auto sources = sources_of(i, known)) found[i] = {Beyond::sources, {}, *sources}, solved[i] = true;
    }
    constants(solved, known, found);
    put(wrong, solved, found);
    if (std::any_of(found.begin(), found.end(), [](const Side& s) { return s.beyond == Beyond::next_row; })) {
      for (Side& side : found) {
        if (side.beyond == Beyond::next_row) side.beyond = Beyond::memory;
      }
      put(wrong, solved, found);
    }
    return std::move(list_);
  }

 private:
  bool interior_is_right() const {
    const LayerPort& port = layer_.port();
    if (!port.has_weight() || !port.convolves || port.border > 0 || port.tiles || port.convolve ||
        layer_.reach() == 0 || inner_[0] >= inner_[1] || inner_[2] >= inner_[3] || port.shuffles()) {
      return false;
    }
    for (int64_t c = 0; c < shape_.c; ++c)
      for (int64_t y = inner_[0]; y < inner_[1]; ++y)
        for (int64_t x = inner_[2]; x < inner_[3]; ++x)
          if (off(layer_.right(), c, y, x) > layer_.tolerance()) return false;
    return true;
  }

  /// A value that stands in the corners of the padding alone.
  void corners() {
    const LayerPort& port = layer_.port();
    if (port.is_transposed || port.padding_mode != PaddingMode::zeros || port.beyond) return;
    const auto with_corners = [](const LayerPort& p, const Tensor<float>& input, float value) {
      const auto [h, w] = p.padding;
      Tensor<float> padded = pad2d(input, {h, h, w, w}, PaddingMode::zeros);
      const Shape s = padded.shape();
      for (int64_t c = 0; c < s.c; ++c)
        for (int64_t y = 0; y < s.h; ++y)
          for (int64_t x = 0; x < s.w; ++x)
            if ((y < h || y >= s.h - h) && (x < w || x >= s.w - w)) padded(0, c, y, x) = value;
      LayerPort plain = p;
      plain.convolve = nullptr;
      plain.padding = {0, 0};
      return convolved(plain, padded);
    };
    const Tensor<float> of_one = with_corners(port, Tensor<float>(layer_.input().shape()), 1);
    if (of_one.shape() != layer_.linear().shape()) return;
    std::vector<uint8_t> where;
    for (const float v : of_one.values()) where.push_back(v != 0 ? 1 : 0);
    const auto fit = fit_features(layer_, layer_.linear(), {&of_one}, &where);
    if (!fit || fit->inliers < 0.7) return;
    double n = 0;
    const std::string value = named_number(fit->factors[0], 1e-4, n);
    list_.push_back({"padding_corners",
                     fmt::format("the four corners of the padding hold {}, not zeros: they are not cleared", value),
                     "padding", false,
                     [with_corners, v = static_cast<float>(fit->factors[0])](LayerPort& p) {
                       p.convolve = [with_corners, v](const LayerPort& layer, const Tensor<float>& x) {
                         return with_corners(layer, x, v);
                       };
                     },
                     n + 0.3});
  }

  double off(const Tensor<float>& t, int64_t c, int64_t y, int64_t x) const {
    return std::abs(static_cast<double>(t(0, c, y, x)) - layer_.found()(0, c, y, x));
  }

  /// The band along a side, without the corners.
  std::array<int64_t, 4> band(size_t side) const {
    switch (side) {
      case 0: return {0, inner_[0], inner_[2], inner_[3]};
      case 1: return {inner_[1], shape_.h, inner_[2], inner_[3]};
      case 2: return {inner_[0], inner_[1], 0, inner_[2]};
      default: return {inner_[0], inner_[1], inner_[3], shape_.w};
    }
  }

  double largest_at(const Tensor<float>& t, size_t side) const {
    const auto [y0, y1, x0, x1] = band(side);
    double largest = 0;
    for (int64_t c = 0; c < shape_.c; ++c)
      for (int64_t y = y0; y < y1; ++y)
        for (int64_t x = x0; x < x1; ++x) largest = std::max(largest, off(t, c, y, x));
    return largest;
  }

  Tensor<float> with(const Border& border) const {
    LayerPort port = layer_.port();
    port.beyond = border;
    return compute(port, layer_.input());
  }

  /// The rows of the picture that stand beyond the top or bottom, one after the other from the picture outwards: an
  /// output row further in sees fewer of them.
  std::optional<std::vector<int64_t>> sources_of(size_t side, const Border& known) const {
    const LayerPort& port = layer_.port();
    const Shape in = layer_.input().shape();
    const int64_t padding = port.padding.h, kernel = port.weight.shape().h;
    if (port.is_transposed || port.dilation != Pair{1, 1} || !port.before.empty() || port.other_input || padding < 1 ||
        in.h < kernel) {
      return std::nullopt;
    }
    LayerPort row_port = port;
    row_port.padding.h = 0;
    row_port.beyond = Border{Side{}, Side{}, known[2], known[3]};
    row_port.after.clear();
    std::vector<int64_t> candidates = {-1};
    for (int64_t y = 0; y < in.h; ++y) {
      if (y < kOldRows || y >= in.h - kOldRows) candidates.push_back(y);
    }
    std::vector<int64_t> sources;
    for (int64_t distance = 1; distance <= padding; ++distance) {
      const int64_t output_row = side == 0 ? padding - distance : in.h - 1 - padding + distance;
      std::optional<int64_t> chosen;
      double best = layer_.tolerance();
      for (const int64_t candidate : candidates) {
        Tensor<float> rows({1, in.c, kernel, in.w});
        for (int64_t c = 0; c < in.c; ++c) {
          for (int64_t k = 0; k < kernel; ++k) {
            int64_t y = output_row - padding + k;
            const int64_t beyond = y < 0 ? -y : y >= in.h ? y - in.h + 1 : 0;
            if (beyond > 0) y = beyond < distance ? sources[static_cast<size_t>(beyond - 1)] : candidate;
            if (y >= 0) std::copy_n(layer_.input().row(0, c, y), in.w, rows.row(0, c, k));
          }
        }
        const Tensor<float> row = compute(row_port, rows);
        double largest = 0;
        for (int64_t c = 0; c < shape_.c && largest <= best; ++c)
          for (int64_t x = inner_[2]; x < inner_[3]; ++x)
            largest = std::max<double>(largest, std::abs(row(0, c, 0, x) - layer_.found()(0, c, output_row, x)));
        if (largest <= best) best = largest, chosen = candidate;
      }
      if (!chosen) return std::nullopt;
      sources.push_back(*chosen);
    }
    return sources;
  }

  /// A value that stands everywhere beyond the sides that nothing else explains; for each channel, if it must.
  void constants(std::array<bool, 4>& solved, const Border& known, Border& found) const {
    std::vector<uint8_t> where(static_cast<size_t>(layer_.found().count()), 0);
    bool any = false;
    for (size_t i = 0; i < 4; ++i) {
      if (solved[i]) continue;
      any = true;
      const auto [y0, y1, x0, x1] = band(i);
      for (int64_t c = 0; c < shape_.c; ++c)
        for (int64_t y = y0; y < y1; ++y)
          std::fill_n(where.begin() + (c * shape_.h + y) * shape_.w + x0, x1 - x0, uint8_t{1});
    }
    if (!any) return;
    Border zeros = known, constant = known;
    for (size_t i = 0; i < 4; ++i) {
      if (!solved[i]) zeros[i] = {}, constant[i] = {Beyond::constant, {1}, {}};
    }
    LayerPort linear = layer_.port();
    linear.activates = false;
    linear.after.clear();
    linear.beyond = zeros;
    const Tensor<float> base = compute(linear, layer_.input());
    linear.bias.clear();
    const auto of = [&](std::vector<float> values) {
      Border border{};
      for (size_t i = 0; i < 4; ++i) border[i] = solved[i] ? Side{} : Side{Beyond::constant, values, {}};
      linear.beyond = border;
      return compute(linear, Tensor<float>(layer_.input().shape()));
    };
    const auto take = [&](const std::vector<float>& values) {
      Border trial = known;
      for (size_t i = 0; i < 4; ++i) trial[i] = solved[i] ? found[i] : Side{Beyond::constant, values, {}};
      const Tensor<float> computed = with(trial);
      bool all = true;
      for (size_t i = 0; i < 4; ++i) all = all && largest_at(computed, i) <= layer_.tolerance();
      if (all) found = trial, solved = {true, true, true, true};
      return all;
    };
    if (const std::vector<float> nothing = of_nothing(); !nothing.empty() && take(nothing)) return;
    const Tensor<float> one = of({1});
    const auto fit = fit_features(layer_, base, {&one}, &where);
    if (fit && fit->inliers > 0.3 && take({static_cast<float>(fit->factors[0])})) return;
    const int64_t channels = layer_.input().shape().c;
    if (channels < 2 || channels > 64) return;
    std::vector<Tensor<float>> maps;
    std::vector<const Tensor<float>*> features;
    for (int64_t c = 0; c < channels; ++c) {
      std::vector<float> unit(static_cast<size_t>(channels), 0);
      unit[static_cast<size_t>(c)] = 1;
      maps.push_back(of(unit));
    }
    for (const Tensor<float>& map : maps) features.push_back(&map);
    const auto each = fit_features(layer_, base, features, &where);
    if (each && each->inliers > 0.3) take({each->factors.begin(), each->factors.end()});
  }

  /// What the layer before gives where it sees nothing but zeros; empty: it reads another layer than one with biases.
  std::vector<float> of_nothing() const {
    const Network& network = *layer_.context().network;
    const std::vector<int>& inputs = network.layers[layer_.port().layer].inputs;
    if (inputs.size() != 1 || inputs[0] < 0) return {};
    const Layer& before = network.layers[static_cast<size_t>(inputs[0])];
    LayerPort port = right_port(network, static_cast<size_t>(inputs[0]));
    if (before.op != Layer::Op::convolution || port.shuffles() || before.bias.empty()) return {};
    port.convolves = false;
    return compute(port, Tensor<float>({1, static_cast<int64_t>(before.bias.size()), 1, 1}, before.bias)).values();
  }

  void put(const std::array<bool, 4>& wrong, const std::array<bool, 4>& solved, const Border& border) {
    std::vector<std::string> parts;
    double numbers = 0;
    bool all = true;
    const auto same = [&](size_t i, size_t j) {
      return border[i].beyond == border[j].beyond && border[i].constant == border[j].constant &&
             border[i].sources == border[j].sources;
    };
    std::array<bool, 4> told{};
    for (size_t i = 0; i < 4; ++i) {
      if (!wrong[i] || told[i]) continue;
      if (!solved[i]) {
        all = false;
        continue;
      }
      std::vector<std::string> sides;
      for (size_t j = i; j < 4; ++j) {
        if (wrong[j] && solved[j] && same(i, j)) sides.emplace_back(kSides[j]), told[j] = true;
      }
      std::string what = words_of(border[i].beyond);
      double n = sides.size() == 4 ? 0.2 : 0.4;
      if (border[i].beyond == Beyond::constant) {
        const std::vector<float>& v = border[i].constant;
        n = static_cast<double>(v.size());
        what = v.size() == 1 ? fmt::format("the constant {}", named_number(v[0], 1e-5, n))
                             : fmt::format("a constant of each channel ({:.4g} in channel 0)", v[0]);
        if (v.size() > 1 && v == of_nothing()) {
          n = 0.5;
          what = "what the layer before makes of zeros (its biases, activated: it is computed there, too)";
        }
      }
      if (border[i].beyond == Beyond::sources) {
        n = static_cast<double>(border[i].sources.size());
        what = fmt::format("old data that is not cleared (the picture's row{} {})",
                           border[i].sources.size() == 1 ? "" : "s", fmt::join(border[i].sources, ", then "));
      }
      numbers += n;
      parts.push_back(fmt::format("{} at the {}", what, fmt::join(sides, ", ")));
    }
    if (parts.empty()) return;
    const Beyond right = layer_.port().padding_mode == PaddingMode::zeros ? Beyond::zeros : Beyond::replicate;
    list_.push_back(
        {"padding",
         fmt::format("the padding beyond the picture's border is {}, not {}", fmt::join(parts, ", "), words_of(right)),
         "padding", false, [border](LayerPort& p) { p.beyond = border; }, numbers + (all ? 0 : 1)});
  }

  const LayerCase& layer_;
  Shape shape_;
  std::array<int64_t, 4> inner_{};  // rows and columns of the interior
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> fit_borders(const LayerCase& layer) { return Borders(layer).all(); }

}  // namespace fsrcnn
