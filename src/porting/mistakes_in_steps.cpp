// What a layer may do otherwise within: to what it reads, at which window, in which order it activates and shuffles.
#include <algorithm>

#include <fmt/format.h>

#include "porting/fixed_operations.hpp"
#include "porting/mistakes.hpp"
#include "porting/port_chain.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

/// The window stays in the picture: at the edges the output is that of the nearest place where it fits.
Tensor<float> window_kept_inside(const Tensor<float>& t, Pair reach) {
  const Shape s = t.shape();
  return permuted(t, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
    return index_of(s, n, c, std::clamp(y, reach.h, s.h - 1 - reach.h), std::clamp(x, reach.w, s.w - 1 - reach.w));
  });
}

/// A ring of lines of which line y is always in the place y % count: kernel rows meet lines in turning order.
Tensor<float> with_ring_not_turned(const LayerPort& port, const Tensor<float>& input, int64_t first, bool down) {
  const int64_t count = port.weight.shape().h;
  LayerPort plain = port;
  plain.convolve = nullptr;
  Tensor<float> result;
  for (int64_t by = 0; by < count; ++by) {
    plain.weight = permuted(port.weight, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      return index_of(port.weight.shape(), n, c, (y + (down ? by : count - by)) % count, x);
    });
    const Tensor<float> turned = convolved(plain, input);
    if (by == 0) result = turned;
    const Shape s = turned.shape();
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = (first + by) % count; y < s.h; y += count)
        std::copy_n(turned.row(0, c, y), s.w, result.row(0, c, y));
  }
  return result;
}

class Steps {
 public:
  Steps(const MistakeContext& context, const LayerPort& port) : context_(context), port_(port) {}

  std::vector<Mistake> all() {
    if (!port_.reads_input) inputs();
    windows();
    if (port_.shuffles()) shuffles();
    signs();
    return std::move(list_);
  }

 private:
  void add(std::string id, std::string sentence, std::string family, bool local, double numbers,
           std::function<void(LayerPort&)> make) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), local, std::move(make), numbers});
  }

  void shuffles() {
    const Layer& layer = context_.network->layers[*depth_to_space_after(*context_.network, port_.layer)];
    for (const FixedOperation& other : other_operations(layer)) {
      if (context_.out_channels == 1 && other.id.starts_with("shuffle_order")) continue;  // it is the same
      add(other.id, other.sentence, "crop", true, 0, [make = other.make, r = port_.factor](LayerPort& p) {
        p.between.emplace_back([make, r](const Tensor<float>& t) { return make(space_to_depth(t, r)); });
      });
    }
  }

  void inputs() {
    const auto put = [&](const char* id, const char* sentence, const std::function<float(float)>& f) {
      add(id, sentence, "input_range", true, 0.3,
          [f](LayerPort& p) { p.before.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); });
    };
    put("input_negative_skipped", "the input's negative values count as 0 (skipped, or activated once more)",
        [](float v) { return std::max(v, 0.0F); });
    put("input_positive_skipped", "the input's positive values count as 0", [](float v) { return std::min(v, 0.0F); });
    put("input_absolute", "the input's values have lost their sign", [](float v) { return std::abs(v); });
    put("input_clamped", "the input is clamped to [0, 1]", [](float v) { return std::clamp(v, 0.0F, 1.0F); });
    put("input_clamped_signed", "the input is clamped to [-1, 1]", [](float v) { return std::clamp(v, -1.0F, 1.0F); });
  }

  void windows() {
    const Shape w = port_.weight.shape();
    if (port_.is_transposed || port_.shuffles() || w.h * w.w <= 1) return;
    const Pair reach = {(w.h - 1) / 2, (w.w - 1) / 2};
    if (port_.padding != reach || port_.dilation != Pair{1, 1}) return;
    add("window_kept_inside",
        "at the edges the window is moved into the picture: outputs there are the same as the nearest ones inside",
        "padding", false, 0.2, [reach](LayerPort& p) {
          p.after.emplace_back([reach](const Tensor<float>& t) {
            const Shape s = t.shape();
            return s.h > 2 * reach.h && s.w > 2 * reach.w ? window_kept_inside(t, reach) : t;
          });
        });
    if (w.h < 2 || w.h > 5) return;
    for (int64_t first = 0; first < w.h; ++first) {
      for (const bool down : {true, false}) {
        add(fmt::format("ring_of_lines_{}_{}", first, down ? "down" : "up"),
            fmt::format(
                "the line buffer's {} lines are not put in order (a ring that is not turned): only rows {}, {}, "
                "... are right",
                w.h, first, first + w.h),
            "lines", true, 0.4, [first, down](LayerPort& p) {
              p.convolve = [first, down](const LayerPort& port, const Tensor<float>& x) {
                return with_ring_not_turned(port, x, first, down);
              };
            });
      }
    }
  }

  /// The activation looks at the sum before its bias.
  void signs() {
    if (!port_.bends() || port_.bias.empty() || !port_.has_weight()) return;
    if (context_.output_is_dump && !context_.output_is_activated) return;
    add("sign_before_bias", "the activation takes the sign of the sum before the bias is added", "activation", true,
        0.2, [](LayerPort& p) {
          p.between.emplace_back([right = p](const Tensor<float>& t) {
            Tensor<float> to = t;
            const int64_t size = t.shape().h * t.shape().w;
            for (int64_t i = 0; i < t.count(); ++i) {
              const auto channel = static_cast<size_t>(i / size);
              if (channel < right.bias.size() && t.data()[i] < right.bias[channel]) {
                to.data()[i] *= right.slope_of(i / size);
              }
            }
            return to;
          });
          p.activation = Layer::Activation::none;
        });
  }

  const MistakeContext& context_;
  const LayerPort& port_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_in_steps(const MistakeContext& context, const LayerPort& port) {
  return Steps(context, port).all();
}

}  // namespace fsrcnn
