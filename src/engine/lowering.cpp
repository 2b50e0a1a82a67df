#include "engine/lowering.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace fsrcnn {
namespace {

/// What a channel of a value at the picture's size stands for in one that is `scale` times as large.
struct SubPixel {
  int channel, row, column;
  bool operator==(const SubPixel&) const = default;
};

/// A layer's output: a value, with what its channels stand for.
struct Handle {
  int value = 0;
  int scale = 1;
  std::vector<SubPixel> meaning = {};
  bool used_once = false;  ///< nobody else reads the value, so it can be changed
};

template <class T>
std::vector<T> gathered(const std::vector<T>& from, const std::vector<int>& source) {
  std::vector<T> to;
  for (const int channel : source) to.push_back(from[static_cast<size_t>(channel)]);
  return to;
}

/// The term whose output k is the former one's output source[k].
LoweredTerm gathered(const LoweredTerm& term, const std::vector<int>& source) {
  LoweredTerm to = term;
  if (term.is_copy()) {
    to.copied = gathered(term.copied, source);
    return to;
  }
  const Shape shape = term.weight.shape();
  to.weight = Tensor<double>({static_cast<int64_t>(source.size()), shape.c, shape.h, shape.w});
  for (size_t k = 0; k < source.size(); ++k) {
    std::copy_n(term.weight.row(source[k], 0, 0), shape.c * shape.h * shape.w,
                to.weight.row(static_cast<int64_t>(k), 0, 0));
  }
  if (!term.rows_of.empty()) {
    to.rows_of = gathered(term.rows_of, source);
    to.columns_of = gathered(term.columns_of, source);
  }
  return to;
}

/// Taps that may lie anywhere beyond zero, of all phases in one direction.
TapRange united(const std::vector<TapRange>& ranges) {
  TapRange all = ranges.front();
  for (const TapRange& r : ranges) all = {std::min(all.first, r.first), std::max(all.last, r.last)};
  return all;
}

class Lowering {
 public:
  explicit Lowering(const Network& network) : network_(network), uses_(network.layers.size() + 1) {
    for (const Layer& layer : network.layers) {
      for (const int from : layer.inputs) ++uses_[static_cast<size_t>(from + 1)];
    }
    ++uses_.back();  // the output
    const auto channels = static_cast<int>(network.channels());
    values_.push_back({.channels = channels});
    Handle input{.value = 0};
    for (int c = 0; c < channels; ++c) input.meaning.push_back({c, 0, 0});
    handles_.push_back(std::move(input));
  }

  std::optional<LoweredNetwork> lower() {
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      if (!add(network_.layers[i], uses_[i + 1] == 1)) return std::nullopt;
    }
    Handle output = handles_.back();
    if (output.value == 0) output = copy_of(output, {});
    put_in_order(output);
    separate_borders();
    return finish(output.value);
  }

 private:
  const Handle& input_of(const Layer& layer, size_t index) const {
    return handles_[static_cast<size_t>(layer.inputs[index] + 1)];
  }

  int new_value(LoweredValue value) {
    value.bias.resize(static_cast<size_t>(value.channels));
    values_.push_back(std::move(value));
    return static_cast<int>(values_.size()) - 1;
  }

  /// A value of its own with the same channels, or those that `source` names.
  Handle copy_of(const Handle& from, std::vector<int> source) {
    Handle to = from;
    if (source.empty()) {
      for (size_t k = 0; k < from.meaning.size(); ++k) source.push_back(static_cast<int>(k));
    }
    to.value = new_value({.channels = static_cast<int>(source.size()), .terms = {copy_term(from.value, source)}});
    to.used_once = true;
    return to;
  }

  static LoweredTerm copy_term(int value, std::vector<int> source) {
    LoweredTerm term;
    term.input = value;
    term.copied = std::move(source);
    return term;
  }

  bool add(const Layer& layer, bool used_once) {
    std::optional<Handle> made;
    switch (layer.op) {
      case Layer::Op::convolution: made = convolution(layer); break;
      case Layer::Op::transposed_convolution: made = transposed_convolution(layer); break;
      case Layer::Op::depth_to_space: made = depth_to_space(layer); break;
      case Layer::Op::add: made = sum(layer); break;
      case Layer::Op::interpolate: made = interpolation(layer); break;
    }
    if (!made) return false;
    if (layer.activation != Layer::Activation::none) activate(layer, *made);
    made->used_once = made->used_once && used_once;
    handles_.push_back(*std::move(made));
    return true;
  }

  void activate(const Layer& layer, Handle& handle) {
    if (!handle.used_once || handle.value == 0 ||
        values_[static_cast<size_t>(handle.value)].activation != Layer::Activation::none) {
      handle = copy_of(handle, {});
    }
    LoweredValue& value = values_[static_cast<size_t>(handle.value)];
    value.activation = layer.activation;
    value.low = layer.low;
    value.high = layer.high;
    if (layer.activation == Layer::Activation::relu) value.slope.assign(handle.meaning.size(), 0.0F);
    if (layer.activation != Layer::Activation::prelu) return;
    for (const SubPixel& pixel : handle.meaning) {
      value.slope.push_back(layer.slope[layer.slope.size() == 1 ? 0 : static_cast<size_t>(pixel.channel)]);
    }
  }

  std::optional<Handle> convolution(const Layer& layer) {
    const Handle& in = input_of(layer, 0);
    const Conv2dParams& p = layer.conv;
    if (in.scale != 1 || p.groups != 1) return std::nullopt;
    const Shape shape = layer.weight.shape();
    // Of a dilated kernel, the taps between are zero.
    const int64_t rows = p.dilation.h * (shape.h - 1) + 1, columns = p.dilation.w * (shape.w - 1) + 1;
    LoweredTerm term{.input = in.value,
                     .weight = Tensor<double>({shape.n, shape.c, rows, columns}),
                     .rows = range_around(p.padding.h, rows),
                     .columns = range_around(p.padding.w, columns),
                     .border = p.padding_mode == PaddingMode::replicate ? kEndless : 0};
    for (int64_t o = 0; o < shape.n; ++o) {
      for (int64_t c = 0; c < shape.c; ++c) {
        for (int64_t y = 0; y < shape.h; ++y) {
          for (int64_t x = 0; x < shape.w; ++x) {
            term.weight(o, c, y * p.dilation.h, x * p.dilation.w) = layer.weight(o, c, y, x);
          }
        }
      }
    }
    Handle out{.scale = 1, .used_once = true};
    for (int o = 0; o < static_cast<int>(shape.n); ++o) out.meaning.push_back({o, 0, 0});
    out.value = new_value({.channels = static_cast<int>(shape.n), .terms = {std::move(term)}, .bias = layer.bias});
    return out;
  }

  static TapRange range_around(int64_t padding, int64_t taps) {
    return {static_cast<int>(-padding), static_cast<int>(taps - 1 - padding)};
  }

  /// Output pixel s * y + phase adds up input y + delta times kernel tap phase + padding - s * (delta + border).
  std::optional<Handle> transposed_convolution(const Layer& layer) {
    const Handle& in = input_of(layer, 0);
    const ConvTranspose2dParams& p = layer.conv_transpose;
    if (in.scale != 1 || p.groups != 1 || p.dilation != Pair{1, 1}) return std::nullopt;
    const Shape shape = layer.weight.shape();
    const int s = static_cast<int>(p.stride.h), b = static_cast<int>(layer.border);
    const auto tap = [&](int phase, int64_t padding, int delta) {
      return phase + static_cast<int>(padding) - s * (delta + b);
    };
    const auto ranges = [&](int64_t kernel, int64_t padding) {
      std::vector<TapRange> of_phase;
      for (int phase = 0; phase < s; ++phase) {
        const int most = static_cast<int>(kernel + padding) + s * (b + 1);
        TapRange range{most, -most};
        for (int delta = -most; delta <= most; ++delta) {
          const int k = tap(phase, padding, delta);
          if (k >= 0 && k < kernel) range = {std::min(range.first, delta), std::max(range.last, delta)};
        }
        of_phase.push_back(range.first > range.last ? TapRange{0, 0} : range);
      }
      return of_phase;
    };
    const std::vector<TapRange> rows = ranges(shape.h, p.padding.h), columns = ranges(shape.w, p.padding.w);
    LoweredTerm term{.input = in.value, .rows = united(rows), .columns = united(columns), .border = b};
    term.weight = Tensor<double>({shape.c * s * s, shape.n, term.rows.count(), term.columns.count()});
    Handle out{.scale = s, .used_once = true};
    std::vector<float> bias;
    for (int c = 0; c < static_cast<int>(shape.c); ++c) {
      for (int py = 0; py < s; ++py) {
        for (int px = 0; px < s; ++px) {
          const auto k = static_cast<int64_t>(out.meaning.size());
          out.meaning.push_back({c, py, px});
          bias.push_back(layer.bias.empty() ? 0 : layer.bias[static_cast<size_t>(c)]);
          const TapRange r = rows[static_cast<size_t>(py)], q = columns[static_cast<size_t>(px)];
          term.rows_of.push_back(r);
          term.columns_of.push_back(q);
          for (int64_t i = 0; i < shape.n; ++i) {
            for (int dy = r.first; dy <= r.last; ++dy) {
              for (int dx = q.first; dx <= q.last; ++dx) {
                const int ky = tap(py, p.padding.h, dy), kx = tap(px, p.padding.w, dx);
                if (ky < 0 || ky >= shape.h || kx < 0 || kx >= shape.w) continue;
                term.weight(k, i, dy - term.rows.first, dx - term.columns.first) = layer.weight(i, c, ky, kx);
              }
            }
          }
        }
      }
    }
    out.value = new_value(
        {.channels = static_cast<int>(out.meaning.size()), .terms = {std::move(term)}, .bias = std::move(bias)});
    return out;
  }

  std::optional<Handle> depth_to_space(const Layer& layer) const {
    Handle out = input_of(layer, 0);
    const int f = static_cast<int>(layer.factor);
    out.scale *= f;
    for (SubPixel& p : out.meaning) {
      p = {p.channel / (f * f), f * p.row + p.channel / f % f, f * p.column + p.channel % f};
    }
    return out;
  }

  std::optional<Handle> interpolation(const Layer& layer) {
    const Handle& in = input_of(layer, 0);
    if (in.scale != 1) return std::nullopt;
    const int f = static_cast<int>(layer.factor), channels = static_cast<int>(in.meaning.size());
    Handle out{.scale = f, .used_once = true};
    for (int c = 0; c < channels; ++c) {
      for (int py = 0; py < f; ++py) {
        for (int px = 0; px < f; ++px) out.meaning.push_back({c, py, px});
      }
    }
    LoweredTerm term{.input = in.value, .border = kEndless};
    if (layer.interpolation == Interpolation::nearest) {
      for (const SubPixel& p : out.meaning) term.copied.push_back(p.channel);
    } else {
      std::vector<InterpolationTaps> taps;
      std::vector<TapRange> ranges;
      for (int phase = 0; phase < f; ++phase) {
        taps.push_back(interpolation_taps(layer.interpolation, f, phase, layer.cubic_coefficient));
        const int first = static_cast<int>(taps.back().first);
        ranges.push_back({first, first + static_cast<int>(taps.back().weights.size()) - 1});
      }
      term.rows = term.columns = united(ranges);
      term.weight = Tensor<double>({channels * f * f, channels, term.rows.count(), term.rows.count()});
      for (size_t k = 0; k < out.meaning.size(); ++k) {
        const auto [c, py, px] = out.meaning[k];
        const InterpolationTaps &by_row = taps[static_cast<size_t>(py)], &by_column = taps[static_cast<size_t>(px)];
        for (size_t y = 0; y < by_row.weights.size(); ++y) {
          for (size_t x = 0; x < by_column.weights.size(); ++x) {
            term.weight(static_cast<int64_t>(k), c, by_row.first - term.rows.first + static_cast<int64_t>(y),
                        by_column.first - term.columns.first + static_cast<int64_t>(x)) =
                by_row.weights[y] * by_column.weights[x];
          }
        }
      }
    }
    out.value = new_value({.channels = static_cast<int>(out.meaning.size()), .terms = {std::move(term)}});
    return out;
  }

  std::optional<Handle> sum(const Layer& layer) {
    const bool second_is_larger = input_of(layer, 1).meaning.size() > input_of(layer, 0).meaning.size();
    const Handle& large = input_of(layer, second_is_larger ? 1 : 0);
    Handle out{.scale = large.scale, .meaning = large.meaning, .used_once = true};
    LoweredValue value{.channels = static_cast<int>(out.meaning.size())};
    value.bias.resize(out.meaning.size());
    const bool twice = layer.inputs[0] == layer.inputs[1];
    for (const size_t index : {second_is_larger ? size_t{1} : size_t{0}, second_is_larger ? size_t{0} : size_t{1}}) {
      const Handle& from = input_of(layer, index);
      const bool broadcast =
          std::all_of(from.meaning.begin(), from.meaning.end(), [](const SubPixel& p) { return p.channel == 0; });
      std::vector<int> source;
      for (const SubPixel& p : out.meaning) {
        const SubPixel wanted{broadcast ? 0 : p.channel, p.row, p.column};
        const auto found = std::find(from.meaning.begin(), from.meaning.end(), wanted);
        if (found == from.meaning.end()) return std::nullopt;
        source.push_back(static_cast<int>(found - from.meaning.begin()));
      }
      LoweredValue& other = values_[static_cast<size_t>(from.value)];
      if (from.used_once && !twice && from.value != 0 && other.activation == Layer::Activation::none) {
        for (const LoweredTerm& term : other.terms) value.terms.push_back(gathered(term, source));
        for (size_t k = 0; k < source.size(); ++k) value.bias[k] += other.bias[static_cast<size_t>(source[k])];
      } else {
        value.terms.push_back(copy_term(from.value, std::move(source)));
      }
    }
    out.value = new_value(std::move(value));
    return out;
  }

  /// The output's channels in the order that LoweredNetwork promises.
  void put_in_order(Handle& output) {
    const int s = output.scale, phases = s * s;
    std::vector<int> source(output.meaning.size());
    for (size_t k = 0; k < source.size(); ++k) {
      const auto [c, row, column] = output.meaning[k];
      source[static_cast<size_t>(c * phases + column * s + row)] = static_cast<int>(k);
    }
    if (!output.used_once) {
      output = copy_of(output, source);
      return;
    }
    LoweredValue& value = values_[static_cast<size_t>(output.value)];
    for (LoweredTerm& term : value.terms) term = gathered(term, source);
    value.bias = gathered(value.bias, source);
    if (!value.slope.empty()) value.slope = gathered(value.slope, source);
  }

  /// What lies outside a value's picture is filled once: who reads something else there reads a copy.
  void separate_borders() {
    for (size_t v = 0; v < values_.size(); ++v) {
      std::vector<std::pair<int, int>> copies;  // border, value
      const auto value_with = [&](int border) {
        for (const auto& [b, value] : copies) {
          if (b == border) return value;
        }
        // The first border is the value's own.
        const int value = copies.empty() ? static_cast<int>(v) : copy_of(all_of(v), {}).value;
        copies.emplace_back(border, value);
        return value;
      };
      for (size_t i = v + 1; i < values_.size(); ++i) {
        for (size_t t = 0; t < values_[i].terms.size(); ++t) {
          const LoweredTerm term = values_[i].terms[t];
          if (term.input != static_cast<int>(v) || term.is_pointwise()) continue;
          const int value = value_with(term.border);
          values_[i].terms[t].input = value;
        }
      }
    }
  }

  Handle all_of(size_t value) const {
    Handle handle{.value = static_cast<int>(value)};
    handle.meaning.resize(static_cast<size_t>(values_[value].channels));
    return handle;
  }

  /// The values that the output needs, in an order in which each follows what it reads.
  LoweredNetwork finish(int output) {
    std::vector<int> order, place(values_.size(), -1);
    const auto visit = [&](const auto& self, int v) -> void {
      if (place[static_cast<size_t>(v)] >= 0) return;
      for (const LoweredTerm& term : values_[static_cast<size_t>(v)].terms) self(self, term.input);
      place[static_cast<size_t>(v)] = static_cast<int>(order.size());
      order.push_back(v);
    };
    visit(visit, 0);
    visit(visit, output);
    LoweredNetwork lowered{.scale = static_cast<int>(network_.scale),
                           .colours = static_cast<int>(network_.channels()),
                           .levels = levels_of(network_)};
    for (const int v : order) {
      LoweredValue& value = lowered.values.emplace_back(std::move(values_[static_cast<size_t>(v)]));
      for (LoweredTerm& term : value.terms) term.input = place[static_cast<size_t>(term.input)];
    }
    return lowered;
  }

  const Network& network_;
  std::vector<int> uses_;        // of the input and of each layer
  std::vector<Handle> handles_;  // the same
  std::vector<LoweredValue> values_;
};

}  // namespace

std::optional<LoweredNetwork> lower(const Network& network) { return Lowering(network).lower(); }

}  // namespace fsrcnn
