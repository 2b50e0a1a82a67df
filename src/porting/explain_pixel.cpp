#include "porting/explain_pixel.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "network/describe.hpp"
#include "nn/interpolate.hpp"
#include "page/page.hpp"

namespace fsrcnn {
namespace {

/// Which pixel of the input a number of the window is, along one axis.
struct AxisTap {
  int64_t from;
  TapSource source;
};

/// An axis of a window: of `extent` input pixels, for output position `at`.
struct Axis {
  std::vector<AxisTap> taps = {};
  std::vector<double> weights = {};  // of an interpolation
};

AxisTap inside_or(int64_t from, int64_t extent, bool replicates) {
  if (from >= 0 && from < extent) return {from, TapSource::input};
  return {replicates ? std::clamp<int64_t>(from, 0, extent - 1) : -1, TapSource::padding};
}

Axis convolution_axis(int64_t at, int64_t extent, int64_t kernel, int64_t padding, int64_t dilation, bool replicates) {
  Axis axis;
  for (int64_t k = 0; k < kernel; ++k) axis.taps.push_back(inside_or(at + k * dilation - padding, extent, replicates));
  return axis;
}

Axis transposed_axis(int64_t at, int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                     int64_t border) {
  Axis axis;
  for (int64_t k = 0; k < kernel; ++k) {
    const int64_t from = at + padding - k * dilation;  // counted from the border, in steps of the output
    if (from % stride != 0) {
      axis.taps.push_back({-1, TapSource::nothing});
    } else {
      const int64_t pixel = from / stride - border;
      axis.taps.push_back(inside_or(pixel, extent, pixel >= -border && pixel < extent + border));
    }
  }
  return axis;
}

Axis interpolation_axis(int64_t at, int64_t extent, const Layer& layer) {
  const InterpolationTaps taps =
      interpolation_taps(layer.interpolation, layer.factor, at % layer.factor, layer.cubic_coefficient);
  Axis axis{.taps = {}, .weights = taps.weights};
  for (size_t i = 0; i < taps.weights.size(); ++i) {
    axis.taps.push_back(inside_or(at / layer.factor + taps.first + static_cast<int64_t>(i), extent, true));
  }
  return axis;
}

void read_window(LayerPixel& pixel, const Tensor<float>& input, const Axis& y, const Axis& x) {
  pixel.rows = static_cast<int64_t>(y.taps.size()), pixel.columns = static_cast<int64_t>(x.taps.size());
  for (int64_t c = 0; c < pixel.inputs; ++c) {
    for (const AxisTap& row : y.taps) {
      for (const AxisTap& column : x.taps) {
        const bool is_zero = row.from < 0 || column.from < 0;
        pixel.window.push_back(is_zero ? 0 : input(0, c, row.from, column.from));
        if (c == 0) pixel.sources.push_back(std::max(row.source, column.source));
      }
    }
  }
}

double activated(const Layer& layer, int64_t channel, double v) {
  switch (layer.activation) {
    case Layer::Activation::none: break;
    case Layer::Activation::relu: return std::max(v, 0.0);
    case Layer::Activation::prelu:
      return v < 0 ? v * static_cast<double>(layer.slope[layer.slope.size() == 1 ? 0 : static_cast<size_t>(channel)])
                   : v;
    case Layer::Activation::clamp:
      return std::clamp(v, static_cast<double>(layer.low), static_cast<double>(layer.high));
    case Layer::Activation::tanh: return std::tanh(v);
  }
  return v;
}

void convolve(LayerPixel& pixel, const Layer& layer, const Tensor<float>& input) {
  const Shape in = input.shape(), w = layer.weight.shape();
  const Conv2dParams& p = layer.conv;
  const bool replicates = p.padding_mode == PaddingMode::replicate;
  pixel.outputs = w.n, pixel.groups = p.groups;
  read_window(pixel, input, convolution_axis(pixel.at.h, in.h, w.h, p.padding.h, p.dilation.h, replicates),
              convolution_axis(pixel.at.w, in.w, w.w, p.padding.w, p.dilation.w, replicates));
  pixel.weight = layer.weight.values();
}

void convolve_transposed(LayerPixel& pixel, const Layer& layer, const Tensor<float>& input) {
  const Shape in = input.shape(), w = layer.weight.shape();
  const ConvTranspose2dParams& p = layer.conv_transpose;
  pixel.outputs = w.c;
  read_window(pixel, input, transposed_axis(pixel.at.h, in.h, w.h, p.stride.h, p.padding.h, p.dilation.h, layer.border),
              transposed_axis(pixel.at.w, in.w, w.w, p.stride.w, p.padding.w, p.dilation.w, layer.border));
  for (int64_t o = 0; o < w.c; ++o) {
    for (int64_t i = 0; i < w.n; ++i) {
      const float* const kernel = layer.weight.plane(i, o);
      pixel.weight.insert(pixel.weight.end(), kernel, kernel + w.h * w.w);
    }
  }
}

void interpolate_pixel(LayerPixel& pixel, const Layer& layer, const Tensor<float>& input) {
  const Axis y = interpolation_axis(pixel.at.h, input.shape().h, layer);
  const Axis x = interpolation_axis(pixel.at.w, input.shape().w, layer);
  pixel.outputs = pixel.groups = pixel.inputs;
  read_window(pixel, input, y, x);
  for (int64_t o = 0; o < pixel.outputs; ++o) {
    for (const double wy : y.weights) {
      for (const double wx : x.weights) pixel.weight.push_back(static_cast<float>(wy * wx));
    }
  }
}

/// Right-aligned in 8 columns; up to 4 decimals, which stand below each other.
std::string cell(double v) {
  const std::string text = std::abs(v) < 100 ? fmt::format("{:.4f}", v) : fmt::format("{:.5g}", v);
  return fmt::format("{:>8}", text == "-0.0000" ? "0.0000" : text);
}

constexpr int64_t kCellsALine = 8;

/// Numbers of channels, eight a line.
std::string channel_table(int64_t count, const char* what, const std::function<double(int64_t)>& value) {
  std::string text;
  for (int64_t first = 0; first < count; first += kCellsALine) {
    text += fmt::format("  {:<7}", fmt::format("{} {}", what, first));
    for (int64_t i = first; i < std::min(count, first + kCellsALine); ++i) text += cell(value(i));
    text += '\n';
  }
  return text;
}

/// Input, weight and product of each number of some taps, one below the other.
std::string products_text(const LayerPixel& p, int64_t output, int64_t input, int64_t first_tap, int64_t count,
                          int64_t next_input, const std::string& head) {
  std::string lines[3] = {fmt::format("  {:<7}", head), "        x", "        ="};  // NOLINT
  for (int64_t i = 0; i < count; ++i) {
    const int64_t tap = next_input > 0 ? 0 : first_tap + i, channel = input + next_input * i;
    const auto at = static_cast<size_t>((p.first_input(output) + channel) * p.rows * p.columns + tap);
    if (p.sources[static_cast<size_t>(tap)] == TapSource::nothing) {
      lines[0] += fmt::format("{:>8}", ".");
      lines[1] += fmt::format("{:>8}", ""), lines[2] += fmt::format("{:>8}", "");
      continue;
    }
    const auto weight = static_cast<size_t>((output * (p.inputs / p.groups) + channel) * p.rows * p.columns + tap);
    lines[0] += cell(p.window[at]);
    lines[1] += cell(p.weight[weight]);
    lines[2] += cell(p.product(output, channel, tap));
  }
  std::string text;
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    if (line != "        x" && line != "        =") text += line + "\n";
  }
  return text;
}

/// The products of an output channel: of one input channel in the form of the kernel, or, of kernels of 1x1, of all.
std::string grid_text(const LayerPixel& p, int64_t output) {
  const int64_t channels = p.inputs / p.groups;
  std::string text;
  if (p.rows * p.columns == 1) {
    for (int64_t c = 0; c < channels; c += kCellsALine) {
      text += products_text(p, output, c, 0, std::min(kCellsALine, channels - c), 1,
                            fmt::format("in {}", p.first_input(output) + c));
    }
    return text;
  }
  int64_t most = 0;
  for (int64_t c = 1; c < channels; ++c) {
    if (std::abs(p.channel_sum(output, c)) > std::abs(p.channel_sum(output, most))) most = c;
  }
  if (channels > 1) {
    text += fmt::format("  input channel {}, which adds most:\n", p.first_input(output) + most);
  }
  text += "         ";
  for (int64_t x = 0; x < p.columns; ++x) text += fmt::format("{:>8}", fmt::format("kx {}", x));
  text += '\n';
  bool pads = false, skips = false;
  for (int64_t y = 0; y < p.rows; ++y) {
    text += products_text(p, output, most, y * p.columns, p.columns, 0, fmt::format("ky {}", y));
  }
  for (const TapSource source : p.sources) pads |= source == TapSource::padding, skips |= source == TapSource::nothing;
  if (pads) text += "  Some of these lie outside of the picture.\n";
  if (skips) text += "  A dot: no pixel of the input meets this number of the kernel.\n";
  if (channels == 1) return text;
  return text + "  the sum of each input channel's products:\n" +
         channel_table(channels, "in", [&](int64_t c) { return p.channel_sum(output, c); });
}

std::string activation_line(const Layer& layer, const LayerPixel& p, int64_t o) {
  const double sum = p.sums[static_cast<size_t>(o)], result = p.results[static_cast<size_t>(o)];
  switch (layer.activation) {
    case Layer::Activation::none: return "";
    case Layer::Activation::prelu:
      if (sum >= 0) return fmt::format("  PReLU keeps it: {:.5g}\n", result);
      return fmt::format("  PReLU, below 0: {:.5g} x slope {:.5g} = {:.5g}\n", sum,
                         layer.slope[layer.slope.size() == 1 ? 0 : static_cast<size_t>(o)], result);
    default: return fmt::format("  {}: {:.5g}\n", activation_text(layer), result);
  }
}

std::string base64_of(const std::vector<float>& values) { return base64(std::as_bytes(std::span(values))); }

}  // namespace

double LayerPixel::product(int64_t output, int64_t input, int64_t tap) const {
  const int64_t size = rows * columns;
  if (sources[static_cast<size_t>(tap)] == TapSource::nothing) return 0;
  return static_cast<double>(window[static_cast<size_t>((first_input(output) + input) * size + tap)]) *
         static_cast<double>(weight[static_cast<size_t>((output * (inputs / groups) + input) * size + tap)]);
}

double LayerPixel::channel_sum(int64_t output, int64_t input) const {
  double sum = 0;
  for (int64_t tap = 0; tap < rows * columns; ++tap) sum += product(output, input, tap);
  return sum;
}

int64_t LayerPixel::shown() const {
  if (feeds) return *feeds;
  return std::max_element(results.begin(), results.end(),
                          [](double a, double b) { return std::abs(a) < std::abs(b); }) -
         results.begin();
}

std::optional<int64_t> channel_read(const Layer& layer, const LayerPixel& p, int64_t channels, int64_t output) {
  switch (layer.op) {
    case Layer::Op::depth_to_space:
      return (output * layer.factor + p.at.h % layer.factor) * layer.factor + p.at.w % layer.factor;
    case Layer::Op::add: return channels == 1 && p.outputs > 1 ? 0 : output;
    case Layer::Op::interpolate: return output;
    case Layer::Op::transposed_convolution:
    case Layer::Op::convolution: break;
  }
  const int64_t each = p.inputs / p.groups, size = p.rows * p.columns;
  std::optional<int64_t> only;
  for (int64_t i = 0; i < each; ++i) {
    const auto first = p.weight.begin() + (output * each + i) * size;
    if (std::all_of(first, first + size, [](float w) { return w == 0; })) continue;
    if (only) return std::nullopt;
    only = p.first_input(output) + i;
  }
  return only;
}

LayerPixel layer_pixel(const Layer& layer, const std::vector<const Tensor<float>*>& inputs, const Pair& at) {
  const Tensor<float>& input = *inputs[0];
  LayerPixel p{.at = at, .inputs = input.shape().c};
  switch (layer.op) {
    case Layer::Op::convolution: convolve(p, layer, input); break;
    case Layer::Op::transposed_convolution: convolve_transposed(p, layer, input); break;
    case Layer::Op::interpolate: interpolate_pixel(p, layer, input); break;
    case Layer::Op::depth_to_space: {
      const int64_t f = layer.factor;
      p.outputs = p.inputs / (f * f);
      for (int64_t o = 0; o < p.outputs; ++o) {
        const int64_t from = (o * f + at.h % f) * f + at.w % f;
        p.window.push_back(input(0, from, at.h / f, at.w / f));
      }
      break;
    }
    case Layer::Op::add: {
      const Tensor<float>& other = *inputs[1];
      p.outputs = std::max(p.inputs, other.shape().c);
      for (const Tensor<float>* x : {&input, &other}) {
        for (int64_t o = 0; o < p.outputs; ++o) p.window.push_back((*x)(0, x->shape().c == 1 ? 0 : o, at.h, at.w));
      }
    }
  }
  for (int64_t o = 0; o < p.outputs; ++o) {
    const auto at_output = static_cast<size_t>(o);
    p.bias.push_back(layer.bias.empty() ? 0 : static_cast<double>(layer.bias[at_output]));
    double sum = p.bias.back();
    if (p.is_sum_of_products()) {
      for (int64_t i = 0; i < p.inputs / p.groups; ++i) sum += p.channel_sum(o, i);
    } else {
      for (size_t i = at_output; i < p.window.size(); i += static_cast<size_t>(p.outputs))
        sum += static_cast<double>(p.window[i]);
    }
    p.sums.push_back(sum);
    p.results.push_back(activated(layer, o, sum));
  }
  return p;
}

std::string layer_text(const Layer& layer, const LayerPixel& p) {
  std::string text = operator_text(layer);
  if (layer.has_weight())
    text += fmt::format(", kernel {}x{}, {} to {} channels", p.rows, p.columns, p.inputs, p.outputs);
  if (!padding_text(layer).empty()) text += ", padding " + padding_text(layer);
  if (!activation_text(layer).empty()) text += ", " + activation_text(layer);
  return text;
}

std::string pixel_text(const Layer& layer, const LayerPixel& p) {
  const int64_t o = p.shown();
  const auto at = static_cast<size_t>(o);
  std::string text = fmt::format("  row {}, column {}", p.at.h, p.at.w);
  if (p.outputs > 1) {
    text += p.feeds ? fmt::format(", output channel {} of {}, which leads to the output pixel", o, p.outputs)
                    : fmt::format(", output channel {}, whose result is the largest of {}", o, p.outputs);
  }
  text += '\n';
  if (p.is_sum_of_products()) {
    text += grid_text(p, o);
    const double bias = p.bias[at];
    text += layer.bias.empty()
                ? fmt::format("  sum {:.5g}\n", p.sums[at])
                : fmt::format("  sum {:.5g} + bias {:.5g} = {:.5g}\n", p.sums[at] - bias, bias, p.sums[at]);
  } else if (layer.op == Layer::Op::add) {
    text += fmt::format("  {:.5g} + {:.5g} = {:.5g}\n", p.window[at], p.window[at + static_cast<size_t>(p.outputs)],
                        p.sums[at]);
  } else {
    const int64_t f = layer.factor;
    text += fmt::format("  input channel {} = ({}*{} + {})*{} + {}, row {}, column {}: {:.5g}\n",
                        (o * f + p.at.h % f) * f + p.at.w % f, o, f, p.at.h % f, f, p.at.w % f, p.at.h / f, p.at.w / f,
                        p.sums[at]);
  }
  text += activation_line(layer, p, o);
  if (p.outputs == 1) return text;
  return text + "  all output channels here:\n" +
         channel_table(p.outputs, "out", [&](int64_t i) { return p.results[static_cast<size_t>(i)]; });
}

nlohmann::json pixel_json(const Layer& layer, const LayerPixel& p) {
  std::vector<int> sources;
  for (const TapSource source : p.sources) sources.push_back(static_cast<int>(source));
  return {{"text", layer_text(layer, p)},
          {"at", {p.at.h, p.at.w}},
          {"inputs", p.inputs},
          {"groups", p.groups},
          {"outputs", p.outputs},
          {"rows", p.rows},
          {"columns", p.columns},
          {"factor", layer.op == Layer::Op::depth_to_space ? layer.factor : 0},
          {"sources", sources},
          {"window", base64_of(p.window)},
          {"weight", base64_of(p.weight)},
          {"has_bias", !layer.bias.empty()},
          {"bias", p.bias},
          {"sums", p.sums},
          {"results", p.results},
          {"shown", p.shown()},
          {"activation", activation_text(layer)},
          {"slope", layer.slope}};
}

}  // namespace fsrcnn
