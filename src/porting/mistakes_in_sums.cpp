// What a layer may do otherwise to its sums: at the picture's edges, between channels, around the network.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "nn/interpolate.hpp"
#include "porting/mistakes.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kWidestBorder = 4;  // pixels that are tried

/// Pixels at each side: of all sides, or of one.
struct Ring {
  std::string id, words;
  int64_t top, bottom, left, right;
};

const std::vector<Ring>& rings() {
  static const std::vector<Ring> list = [] {
    std::vector<Ring> all = {
        {"row_first", "first row", 1, 0, 0, 0},          {"row_last", "last row", 0, 1, 0, 0},
        {"column_first", "first column", 0, 0, 1, 0},    {"column_last", "last column", 0, 0, 0, 1},
        {"rows", "first and last row", 1, 1, 0, 0},      {"columns", "first and last column", 0, 0, 1, 1},
        {"ends", "last row and last column", 0, 1, 0, 1}};
    for (int64_t n = 1; n <= kWidestBorder; ++n) {
      all.push_back(
          {fmt::format("ring_{}", n),
           n == 1 ? "border (the outermost pixels)" : fmt::format("border (the {} outermost pixels of all sides)", n),
           n, n, n, n});
    }
    return all;
  }();
  return list;
}

Tensor<float> without(const Tensor<float>& t, const Ring& ring) {
  Tensor<float> to = t;
  const Shape s = t.shape();
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        const bool inside = y >= ring.top && y < s.h - ring.bottom && x >= ring.left && x < s.w - ring.right;
        if (!inside) to(0, c, y, x) = 0;
      }
  return to;
}

/// The sums of whole windows only, put in the upper left corner.
Tensor<float> valid_in_the_corner(const Tensor<float>& t, Pair padding) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y + 2 * padding.h < s.h; ++y)
      for (int64_t x = 0; x + 2 * padding.w < s.w; ++x) to(0, c, y, x) = t(0, c, y + padding.h, x + padding.w);
  return to;
}

/// Each sum times the window's pixels over those of them that lie in the picture (partial convolution).
Tensor<float> by_pixels_inside(const Tensor<float>& t, Pair kernel, Pair padding) {
  const Shape s = t.shape();
  const auto inside = [](int64_t at, int64_t extent, int64_t taps, int64_t pad) {
    return std::min(at - pad + taps, extent) - std::max<int64_t>(at - pad, 0);
  };
  Tensor<float> to = t;
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        const int64_t n = inside(y, s.h, kernel.h, padding.h) * inside(x, s.w, kernel.w, padding.w);
        to(0, c, y, x) *= static_cast<float>(kernel.h * kernel.w) / static_cast<float>(n);
      }
  return to;
}

Tensor<float> median_of_3_by_3(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> to(s);
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) {
        std::array<float, 9> near{};
        for (int64_t i = 0; i < 9; ++i) {
          near[static_cast<size_t>(i)] =
              t(0, c, std::clamp<int64_t>(y + i / 3 - 1, 0, s.h - 1), std::clamp<int64_t>(x + i % 3 - 1, 0, s.w - 1));
        }
        std::nth_element(near.begin(), near.begin() + 4, near.end());
        to(0, c, y, x) = near[4];
      }
  return to;
}

/// The sums of the first half of the input channels are activated with the bias, those of the second are added to it.
Tensor<float> activated_after_each_half(const LayerPort& port, const Tensor<float>& input, bool second_first) {
  LayerPort plain = port;
  plain.convolve = nullptr;
  const Shape s = input.shape();
  Tensor<float> first = input, second = input;
  for (int64_t c = 0; c < s.c; ++c) {
    Tensor<float>& without = (c < s.c / 2) != second_first ? second : first;
    std::fill_n(without.plane(0, c), s.h * s.w, 0.0F);
  }
  Tensor<float> sums = convolved(plain, first);
  const Tensor<float> rest = convolved(plain, second);
  const int64_t size = sums.shape().h * sums.shape().w;
  for (int64_t i = 0; i < sums.count(); ++i) {
    const int64_t c = i / size;
    const float bias = port.bias.empty() ? 0 : port.bias[static_cast<size_t>(c)], z = sums.data()[i] + bias;
    // The bias comes once more, from without.
    sums.data()[i] = (z > 0 ? z : z * port.slope_of(c)) + rest.data()[i] - bias;
  }
  return sums;
}

Tensor<float> cumulated(const Tensor<float>& t) {
  Tensor<float> to = t;
  const Shape s = t.shape();
  for (int64_t c = 1; c < s.c; ++c)
    for (int64_t i = 0; i < s.h * s.w; ++i) to.plane(0, c)[i] += to.plane(0, c - 1)[i];
  return to;
}

/// Bilinear interpolation of each input channel, times what its kernel sums up to for each output pixel.
Tensor<float> bilinear_kernels(const LayerPort& port) {
  Tensor<float> to = port.weight;
  const Shape w = to.shape();
  const auto weight = [s = port.factor](int64_t i, int64_t extent) {
    return std::max(0.0F, 1 - std::abs(static_cast<float>(i - extent / 2)) / static_cast<float>(s));
  };
  for (int64_t kernel = 0; kernel < w.n * w.c; ++kernel) {
    float* const values = to.data() + kernel * w.h * w.w;
    double sum = 0;
    for (int64_t i = 0; i < w.h * w.w; ++i) sum += values[i];
    const auto share = static_cast<float>(sum / static_cast<double>(port.factor * port.factor));
    for (int64_t i = 0; i < w.h * w.w; ++i) values[i] = share * weight(i / w.w, w.h) * weight(i % w.w, w.w);
  }
  return to;
}

class SumMistakes {
 public:
  SumMistakes(const MistakeContext& context, const LayerPort& port) : context_(context), port_(port) {}

  std::vector<Mistake> all() {
    inputs();
    edges();
    between_channels();
    too_early();
    around_the_network();
    return std::move(list_);
  }

 private:
  void add(std::string id, std::string sentence, std::string family, bool local, double numbers,
           std::function<void(LayerPort&)> make) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), local, std::move(make), numbers});
  }

  void inputs() {
    for (const bool rows : {false, true}) {
      for (const int64_t odd : {1, 0}) {
        add(fmt::format("input_{}_{}_zero", odd == 1 ? "odd" : "even", rows ? "rows" : "columns"),
            fmt::format(
                "each second {0} of the input, from {1} on, is not read: it counts as 0 (a loop over pairs, or a "
                "stride)",
                rows ? "row" : "column", odd),
            "input_range", true, 0.3, [rows, odd](LayerPort& p) {
              p.before.emplace_back([rows, odd](const Tensor<float>& t) {
                Tensor<float> to = t;
                const Shape s = t.shape();
                for (int64_t c = 0; c < s.c; ++c)
                  for (int64_t y = 0; y < s.h; ++y)
                    for (int64_t x = 0; x < s.w; ++x)
                      if ((rows ? y : x) % 2 == odd) to(0, c, y, x) = 0;
                return to;
              });
            });
      }
    }
    if (!port_.reads_input) return;
    add("input_median", "the input went through a median filter of 3 by 3 pixels (noise reduction)", "input_moved",
        true, 0.3, [](LayerPort& p) { p.before.emplace_back(median_of_3_by_3); });
  }

  void edges() {
    for (const Ring& ring : rings()) {
      const TensorOp op = [ring](const Tensor<float>& t) { return without(t, ring); };
      // One side of a convolution that is 0 is told better by its padding.
      const double numbers = ring.id.starts_with("ring") ? 0.2 : 0.3;
      add("input_border_" + ring.id, fmt::format("the input's {} is read as zero, as if it were padding", ring.words),
          "padding", true, numbers, [op](LayerPort& p) { p.before.push_back(op); });
      add("output_border_" + ring.id,
          fmt::format("the {} of the output is not computed or not written: it is 0", ring.words), "output_border",
          true, numbers + 0.1, [op](LayerPort& p) { p.after.push_back(op); });
      if (port_.bias.empty() || !port_.has_weight()) continue;
      add("sums_border_" + ring.id,
          fmt::format("the {} of the output is not computed: it is the bias alone", ring.words), "padding", true,
          numbers + 0.1, [op](LayerPort& p) { p.before_bias.push_back(op); });
    }
    if (!is_plain_convolution(port_)) return;
    const Shape w = port_.weight.shape();
    const Pair kernel = {w.h, w.w};
    add("valid_in_the_corner",
        "the convolution is computed without padding (valid), and its result is put in the upper left corner: nothing "
        "is summed for the last rows and columns",
        "padding", true, 0.2, [pad = port_.padding](LayerPort& p) {
          p.before_bias.emplace_back([pad](const Tensor<float>& t) { return valid_in_the_corner(t, pad); });
        });
    if (port_.padding_mode != PaddingMode::zeros) return;
    add("sums_by_pixels_inside",
        "at the border the sums are scaled up by the share of the window that lies in the picture (partial "
        "convolution, or an average over the pixels that there are)",
        "padding", false, 0.2, [kernel, pad = port_.padding](LayerPort& p) {
          p.before_bias.emplace_back([=](const Tensor<float>& t) { return by_pixels_inside(t, kernel, pad); });
        });
  }

  void between_channels() {
    if (!port_.has_weight() || port_.shuffles() || context_.out_channels < 2) return;
    const char* const sentence =
        "the accumulator is not cleared between output channels: each also has the sums of those before it";
    add("accumulator_not_cleared", sentence, "sums", true, 0.2,
        [](LayerPort& p) { p.before_bias.emplace_back(cumulated); });
    if (port_.bends() && context_.in_channels > 1 && !port_.is_transposed) {
      for (const bool second : {false, true}) {
        add("activation_after_each_pass",
            fmt::format("the input channels are summed in two passes, and the activation comes after each of them: the "
                        "sum of the {} half is activated before that of the other is added",
                        second ? "second" : "first"),
            "sums", true, 0.3, [second](LayerPort& p) {
              p.convolve = [second](const LayerPort& port, const Tensor<float>& x) {
                return activated_after_each_half(port, x, second);
              };
            });
      }
    }
    if (port_.bias.empty()) return;
    add("accumulator_not_cleared_with_bias", fmt::format("{}, with their biases", sentence), "sums", true, 0.3,
        [](LayerPort& p) { p.between.insert(p.between.begin(), cumulated); });
  }

  /// A dump that is said to be from before the activation.
  void too_early() {
    if (!context_.output_is_dump || context_.output_is_activated || !port_.bends()) return;
    add("activated_too_early", "what should be the sums before the activation is activated already", "output_activated",
        true, 0.1, [](LayerPort& p) { p.activates = true; });
    if (port_.bias.empty() || !port_.has_weight()) return;
    add("bias_after_activation",
        "the bias is added after the activation, not before it (the dump of the sums is activated already)",
        "activation", true, 0.15, [](LayerPort& p) { p.activates = p.activation_before_bias = true; });
  }

  void around_the_network() {
    if (port_.is_transposed && port_.factor > 1) {
      add("kernels_bilinear",
          "the kernels are those of a bilinear interpolation (an initialiser's), each times its right sum", "kernel",
          true, 0.2, [](LayerPort& p) { p.weight = bilinear_kernels(p); });
    }
    if (!port_.is_last || !context_.picture) return;
    const std::array<std::pair<const char*, Interpolation>, 3> modes = {{{"nearest", Interpolation::nearest},
                                                                         {"bilinear", Interpolation::bilinear},
                                                                         {"bicubic", Interpolation::bicubic}}};
    for (const auto& [name, mode] : modes) {
      const auto enlarged =
          std::make_shared<const Tensor<float>>(interpolate(*context_.picture, context_.network->scale, mode));
      for (const float sign : {1.0F, -1.0F}) {
        add(fmt::format("skip_around_network_{}", name),
            fmt::format("the enlarged picture ({}) is {} (a skip around the network too many)", name,
                        sign > 0 ? "added to the output" : "subtracted from the output"),
            "skip", false, sign > 0 ? 0.2 : 0.3, [enlarged, sign](LayerPort& p) {
              p.between.emplace_back([enlarged, sign](const Tensor<float>& t) {
                if (t.shape() != enlarged->shape()) return t;
                Tensor<float> to = t;
                for (int64_t i = 0; i < t.count(); ++i) to.data()[i] += sign * enlarged->data()[i];
                return to;
              });
            });
      }
    }
  }

  const MistakeContext& context_;
  const LayerPort& port_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_in_sums(const MistakeContext& context, const LayerPort& port) {
  return SumMistakes(context, port).all();
}

}  // namespace fsrcnn
