#include "porting/mistakes.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "engine/reference_network.hpp"
#include "porting/fixed_operations.hpp"
#include "porting/in_place.hpp"
#include "porting/rearrange.hpp"
#include "porting/trace.hpp"
#include "porting/transfer_curves.hpp"

namespace fsrcnn {
namespace {

/// Channels reversed within groups of this many (0: all).
Tensor<float> reverse_channels(const Tensor<float>& t, int64_t group) {
  const Shape s = t.shape();
  const int64_t g = group == 0 ? s.c : group;
  return permuted(t, [&](auto n, auto c, auto y, auto x) { return index_of(s, n, c / g * g + g - 1 - c % g, y, x); });
}

class List {
 public:
  explicit List(const MistakeContext& context)
      : context_(context),
        port_(right_port(*context.network, context.layer)),
        kernel_(std::max(port_.weight.shape().h, port_.weight.shape().w)) {}

  std::vector<Mistake> all() {
    const auto append = [this](std::vector<Mistake> more) {
      list_.insert(list_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    };
    if (port_.has_weight()) append(mistakes_in_weights(context_, port_));
    append(mistakes_in_vectors(context_, port_));
    if (port_.has_weight()) geometry();
    if (context_.output_is_activated || !context_.output_is_dump) activations();
    twice();
    if (port_.has_weight()) append(mistakes_in_steps(context_, port_));
    if (port_.fixed) fixed();
    append(mistakes_in_sums(context_, port_));
    append(mistakes_in_winograd(port_));
    if (port_.has_weight() && port_.convolves) append(mistakes_in_files(context_, port_));
    inputs();
    if (context_.output_is_dump) outputs();
    return std::move(list_);
  }

 private:
  using Make = std::function<void(LayerPort&)>;

  void add(std::string id, std::string family, std::string sentence, Make make, bool local = true, double numbers = 0) {
    list_.push_back({std::move(id), std::move(sentence), std::move(family), local, std::move(make), numbers});
  }

  void shift(const std::string& id, const std::string& sentence, Pair by) {
    add(id, "crop", sentence, [by](LayerPort& p) { p.shift = {p.shift.h + by.h, p.shift.w + by.w}; });
  }

  void fixed() {
    for (const FixedOperation& other : other_operations(context_.network->layers[context_.layer])) {
      add(
          other.id, "fixed", other.sentence, [make = other.make](LayerPort& p) { p.fixed = make; }, false);
    }
  }

  void geometry() {
    const Pair extra = port_.output_padding;
    const bool has_extra = port_.is_transposed && extra != Pair{0, 0};
    if (has_extra) {
      add("output_padding_missing", "crop", "output_padding is missing", [](LayerPort& p) { p.pads = false; });
      shift("output_padding_top_left", "output_padding is at the top and left, not at the bottom and right",
            {-extra.h, -extra.w});
    } else if (!port_.is_transposed && port_.padding != Pair{0, 0}) {
      add("padding_missing", "crop", "the input is not padded", [](LayerPort& p) { p.pads = false; });
    }
    if (port_.border > 0) {
      add("border_missing", "padding", "the input has no replicated pixel around it",
          [](LayerPort& p) { p.border = 0; });
    }
    other_convolutions();
    if (kernel_ > 1 && (port_.is_transposed || port_.padding != Pair{0, 0})) {
      const bool replicates = port_.padding_mode == PaddingMode::replicate;
      add(replicates ? "padding_zeros" : "padding_replicate", "padding",
          replicates ? "the input is padded with zeros, not with its edges"
                     : "the input is padded with its edges (replicate), not with zeros",
          [replicates](LayerPort& p) { p.padding_mode = replicates ? PaddingMode::zeros : PaddingMode::replicate; });
      const int64_t farthest = port_.is_transposed ? 6 : 2;
      const std::string what = port_.is_transposed ? "the output's crop is" : "the kernel's window is";
      const auto off = [&](int64_t dy, int64_t dx) {
        if (has_extra && dy == -extra.h && dx == -extra.w) return;
        shift(fmt::format("crop_off_{}_{}", dy, dx), fmt::format("{} {}", what, moved_words(dy, dx)), {dy, dx});
      };
      for (int64_t d = 1; d <= farthest; ++d) {
        off(d, d);
        off(-d, -d);
        if (d > 2) continue;
        for (const int64_t e : {d, -d}) {
          off(0, e);
          off(e, 0);
        }
      }
    }
  }

  /// Convolutions of another kind, which give as many values.
  void other_convolutions() {
    if (kernel_ > 1) {
      for (const int64_t d : {1, 2, 3}) {
        if (port_.dilation == Pair{d, d}) continue;
        add(fmt::format("dilation_{}", d), "dilation", fmt::format("the dilation is {}, not {}", d, port_.dilation.h),
            [d](LayerPort& p) {
              // The output stays as large: the padding grows with the kernel.
              const Shape w = p.weight.shape();
              const Pair grows = {(d - p.dilation.h) * (w.h - 1), (d - p.dilation.w) * (w.w - 1)};
              p.padding = {p.padding.h + grows.h / 2, p.padding.w + grows.w / 2};
              p.dilation = {d, d};
            });
      }
    }
    if (port_.is_transposed && port_.padding.h != port_.factor && port_.padding.h > 0) {
      add(
          "stride_and_padding_exchanged", "zeros",
          fmt::format("stride and padding are exchanged: the stride is {}, the padding {}", port_.padding.h,
                      port_.factor),
          [](LayerPort& p) {
            p.convolve = [](const LayerPort& port, const Tensor<float>& x) {
              return with_stride_and_padding_exchanged(port, x);
            };
          },
          false, 0.2);
    }
    if (port_.is_transposed) {
      const auto zeros = [&](const std::string& id, const std::string& sentence, Interpolation mode) {
        add(id, "zeros", sentence, [mode](LayerPort& p) {
          p.convolve = [mode](const LayerPort& port, const Tensor<float>& x) {
            return convolution_of_enlarged(port, x, mode);
          };
        });
      };
      zeros("nearest_for_zeros", "each pixel is repeated between the input's pixels, where zeros belong",
            Interpolation::nearest);
      zeros("bilinear_for_zeros", "the input is enlarged bilinearly, where zeros belong between its pixels",
            Interpolation::bilinear);
    }
    if (!port_.is_transposed && port_.factor == 1 && kernel_ > 1 && port_.in_channels() == port_.out_channels() &&
        port_.groups == 1) {
      for (const InPlace order : {InPlace::rows, InPlace::pixels, InPlace::channels}) {
        add(
            fmt::format("in_place_{}", name_of(order)), "in_place",
            fmt::format("the convolution works in place: its output overwrites the input, {} by {}, while that is "
                        "still read",
                        name_of(order), name_of(order)),
            [order](LayerPort& p) {
              p.convolve = [order](const LayerPort& port, const Tensor<float>& x) {
                return convolved_in_place(port, x, order);
              };
            },
            false, 0.3);
      }
    }
  }

  void activations() {
    if (port_.is_last) {
      add("clamp_missing", "clamp", "the output is not clamped to [0, 1]", [](LayerPort& p) { p.clamps = false; });
    }
    if (port_.activation == Layer::Activation::none) return;
    if (port_.activation != Layer::Activation::relu) {
      add("relu", "activation", fmt::format("the activation is ReLU, not {}", activation_name(port_.activation)),
          [](LayerPort& p) { p.activation = Layer::Activation::relu; });
    }
    add("activation_missing", "activation", "the activation is missing",
        [](LayerPort& p) { p.activation = Layer::Activation::none; });
    add(
        "activation_absolute", "activation", "the activation gives absolute values",
        [](LayerPort& p) {
          p.activation = Layer::Activation::prelu;
          p.slope.assign(1, -1);
        },
        true, 0.3);
    add(
        "activation_tanh", "activation", "the activation is tanh",
        [](LayerPort& p) { p.activation = Layer::Activation::tanh; }, true, 0.3);
    if (!port_.bends()) return;
    const bool relu = port_.activation == Layer::Activation::relu;
    const auto slopes = [&](const std::string& id, const std::string& sentence, const Make& make) {
      add(id, "activation", sentence, make);
    };
    for (const float slope : {0.25F, 0.01F, 0.1F, 0.2F}) {
      slopes(fmt::format("slope_{:g}", slope),
             fmt::format("the activation has the slope {:g}, not {}", slope, relu ? "ReLU's" : "the PReLU's"),
             [slope](LayerPort& p) {
               p.activation = Layer::Activation::prelu;
               p.slope.assign(1, slope);
             });
    }
    slopes("activation_negated", "the activation bends the positive values, not the negative ones",
           [](LayerPort& p) { exchange_slopes(p); });
    if (!port_.bias.empty() && port_.has_weight()) {
      slopes("bias_after_activation", "the bias is added after the activation, not before it",
             [](LayerPort& p) { p.activation_before_bias = true; });
    }
  }

  /// Values above 0 take the slopes, and those below none.
  static void exchange_slopes(LayerPort& p) {
    p.positive_slope = p.activation == Layer::Activation::relu ? std::vector<float>{0} : p.slope;
    p.activation = Layer::Activation::prelu;
    p.slope.assign(1, 1);
  }

  /// Orders that an array may be read or written in by mistake.
  void layouts(const std::string& prefix, const std::string& what, int64_t channels,
               std::vector<TensorOp> LayerPort::*ops, const TensorOp& nhwc) {
    const auto put = [&](const std::string& id, const std::string& sentence, const TensorOp& op, bool local,
                         double numbers = 0) {
      // Where both give the same, it is the output that was written so.
      const double more = ops == &LayerPort::before && numbers > 0 ? 0.05 : 0;
      add(
          prefix + id, prefix + "layout", fmt::format(fmt::runtime(sentence), what),
          [op, ops](LayerPort& p) { (p.*ops).push_back(op); }, local, numbers + more);
    };
    if (channels > 1) {
      put("nhwc", "{} is in the order NHWC, not NCHW", nhwc, false);
      put(
          "channels_reversed", "the channels (lanes) of {} are in reversed order",
          [](const Tensor<float>& t) { return reverse_channels(t, 0); }, true);
      for (const Order& order : usual_orders(channels)) {
        if (order.id == "reversed") continue;
        put(
            "channels_" + order.id, fmt::format("the channels (lanes) of {{}} are {}", order.words),
            [from = order.from](const Tensor<float>& t) { return taken(t, Axis::channel, from); }, true, 0.3);
      }
    }
    put(
        "upside_down", "{} is upside down (stored bottom-up)",
        [](const Tensor<float>& t) { return flip(t, true, false); }, false);
    put(
        "mirrored", "{} is mirrored", [](const Tensor<float>& t) { return flip(t, false, true); }, false);
    put(
        "turned", "{} is turned by 180 degrees", [](const Tensor<float>& t) { return flip(t, true, true); }, false);
    put(
        "transposed", "{} is transposed (rows and columns exchanged)",
        [](const Tensor<float>& t) { return transpose(t); }, false);
    for (const int64_t group : {2, 4, 8}) {
      for (const Axis axis : {Axis::column, Axis::row}) {
        put(
            fmt::format("{}s_reversed_by_{}", name_of(axis), group),
            group == 2 ? fmt::format("the {}s of {{}} are exchanged in pairs (0 and 1, 2 and 3, ...)", name_of(axis))
                       : fmt::format("the {}s of {{}} are reversed in groups of {}", name_of(axis), group),
            [group, axis](const Tensor<float>& t) { return reversed_in_groups(t, axis, group); }, false, 0.3);
      }
    }
  }

  static Tensor<float> reversed_in_groups(const Tensor<float>& t, Axis axis, int64_t group) {
    std::vector<int64_t> from;
    const int64_t extent = extent_of(t.shape(), axis);
    for (int64_t i = 0; i < extent; ++i) {
      const int64_t last = std::min(i / group * group + group, extent) - 1;
      from.push_back(i / group * group + last - i);
    }
    return taken(t, axis, from);
  }

  /// The whole layer once more.
  void twice() {
    if (!port_.has_weight() || port_.factor > 1 || port_.in_channels() != port_.out_channels()) return;
    add(
        "layer_twice", "layer", "the layer is run twice, the second time on its own output",
        [](LayerPort& p) {
          LayerPort first = p;
          first.activates = true;
          first.after.clear();
          first.other_input.reset();
          p.before.emplace_back([first](const Tensor<float>& t) { return compute(first, t); });
        },
        true, 0.3);
  }

  void inputs() {
    for (const auto& [name, luma] : context_.other_lumas) {
      // In a red picture the largest plane is the red one, and that is likelier.
      const double numbers = name.find("of R, G and B") != std::string::npos ? 0.1 : 0;
      add(
          "input_" + name, "input", fmt::format("the input is {}", name),
          [luma = luma](LayerPort& p) { p.other_input = luma; }, true, numbers);
    }
    const int64_t channels = context_.in_channels;
    if (port_.reads_input) {
      const auto range = [&](const std::string& id, const std::string& sentence, const std::function<float(float)>& f) {
        add(id, "input_range", sentence,
            [f](LayerPort& p) { p.before.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); });
      };
      range("input_scale_255", "the input is in [0, 255], not in [0, 1]", [](float v) { return v * 255; });
      range("input_scale_twice", "the input is divided by 255 twice", [](float v) { return v / 255; });
      if (context_.network->range == ValueRange::limited) {
        range("input_full_range", "the input is luma of full range, not of limited range (16 to 235)",
              [](float v) { return (v * 255 - 16) / 219; });
        range("input_limited_twice", "the input is brought to limited range twice",
              [](float v) { return (v * 219 + 16) / 255; });
      } else {
        range("input_limited_range", "the input is of limited range (16 to 235), not of full range",
              [](float v) { return (v * 219 + 16) / 255; });
      }
      range("input_low_byte", "the input is the lower byte of 16 bits",
            [](float v) { return static_cast<float>(static_cast<int>(std::nearbyint(v * 65535)) % 256) / 255; });
      range("input_high_byte", "the input is the upper byte of 16 bits, with 256 for 255",
            [](float v) { return static_cast<float>(static_cast<int>(std::nearbyint(v * 65535)) / 256) / 255; });
      range("input_8_bits", "the input is rounded to 8 bits", [](float v) { return std::nearbyint(v * 255) / 255; });
      range("input_8_bits_truncated", "the input is truncated to 8 bits",
            [](float v) { return std::floor(v * 255) / 255; });
    }
    if (port_.reads_input) {
      for (const TransferCurve& curve : transfer_curves()) {
        add(
            "input_" + curve.id, "input_range", fmt::format(fmt::runtime(curve.sentence), "the input"),
            [f = curve.f](LayerPort& p) {
              p.before.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); });
            },
            true, 0.3);
      }
    }
    moved_inputs();
    for (const auto& [name, map] : context_.other_inputs) {
      add("input_of_" + name, "input", fmt::format("the input is the feature map of {}", name),
          [map = map](LayerPort& p) { p.other_input = map; });
    }
    layouts("input_", "the input", channels, &LayerPort::before, from_nhwc);
  }

  void moved_inputs() {
    const auto put = [&](int64_t dy, int64_t dx, Entering entering, const char* id, const char* what) {
      add(
          fmt::format("input_moved_{}_{}_{}", dy, dx, id), "input_moved",
          fmt::format("the input is {} ({})", moved_words(dy, dx), what),
          [=](LayerPort& p) {
            p.before.emplace_back([=](const Tensor<float>& t) { return moved(t, dy, dx, entering); });
          },
          false, 0.3);
    };
    for (const auto& [dy, dx] : {Pair{0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, -1}}) {
      put(dy, dx, Entering::zeros, "zeros", "zeros come in");
      put(dy, dx, Entering::edge, "edge", "the edge is repeated");
      put(dy, dx, Entering::circular, "circular", "the other side comes in");
    }
    for (const int64_t n : {1, -1, 2, -2}) {
      add(
          fmt::format("input_delayed_{}", n), "input_moved",
          fmt::format("the input's pixels come {} too {} in raster order", std::abs(n), n > 0 ? "late" : "early"),
          [n](LayerPort& p) {
            p.before.emplace_back([n](const Tensor<float>& t) { return delayed(t, n, Entering::zeros); });
          },
          false, 0.3);
    }
  }

  void outputs() {
    layouts("output_", "the output", context_.out_channels, &LayerPort::after, to_nhwc);
    const auto range = [&](const std::string& id, const std::string& sentence, const std::function<float(float)>& f) {
      add(id, "output_range", sentence,
          [f](LayerPort& p) { p.after.emplace_back([f](const Tensor<float>& t) { return mapped(t, f); }); });
    };
    // A truncated value is half a step below the rounded one, on the average, and never more than half a step from
    // that.
    const double q = context_.quantum;
    if (q > 0) {
      range("output_truncated", "the output is truncated, not rounded",
            [q](float v) { return v - static_cast<float>(q / 2); });
    }
    if (!port_.is_last) return;
    range("output_scale_255", "the output is in [0, 255], not in [0, 1]", [](float v) { return v * 255; });
    if (q > 0) {
      range("output_scale_255_truncated", "the output is in [0, 255], not in [0, 1], and truncated, not rounded",
            [q](float v) { return 255 * v - static_cast<float>(q / 2); });
    }
  }

  const MistakeContext& context_;
  LayerPort port_;
  int64_t kernel_;
  std::vector<Mistake> list_;
};

}  // namespace

std::vector<Mistake> mistakes_at(const MistakeContext& context) { return List(context).all(); }

}  // namespace fsrcnn
