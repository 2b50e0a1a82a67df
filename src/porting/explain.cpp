#include "porting/explain.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/pad2d.hpp"
#include "page/page.hpp"

namespace fsrcnn {

// Made by the build from explain.html.
extern const unsigned char kExplainPage[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kExplainPageSize;

namespace {

constexpr int64_t kMostValues = 8192;
constexpr int64_t kPart = 64, kTailPart = 5;  // pixels a side that are shown of a network

std::string operator_text(const ExplainedLayer& layer) {
  const auto [c, o, kh, kw] = layer.weight.shape();
  const auto& p = layer.params;
  return fmt::format(
      "ConvTranspose2d({}, {}, kernel_size=({}, {}), stride=({}, {}), padding=({}, {}), output_padding=({}, {}){})", c,
      o, kh, kw, p.stride.h, p.stride.w, p.padding.h, p.padding.w, p.output_padding.h, p.output_padding.w,
      p.dilation == Pair{1, 1} ? "" : fmt::format(", dilation=({}, {})", p.dilation.h, p.dilation.w));
}

std::vector<std::string> size_formula(const ExplainedLayer& layer, const Shape& out) {
  const Shape in = layer.input.shape(), w = layer.weight.shape();
  const auto& p = layer.params;
  const auto line = [](const char* what, int64_t n, int64_t s, int64_t pad, int64_t d, int64_t k, int64_t e,
                       int64_t r) {
    return fmt::format("{:<6} = ({} - 1)*{} - 2*{} + {}*({} - 1) + {} + 1 = {}", what, n, s, pad, d, k, e, r);
  };
  return {"size   = (input - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1",
          line("height", in.h, p.stride.h, p.padding.h, p.dilation.h, w.h, p.output_padding.h, out.h),
          line("width", in.w, p.stride.w, p.padding.w, p.dilation.w, w.w, p.output_padding.w, out.w)};
}

/// The layer in three ways.
struct Computed {
  Tensor<double> output;               // by the definition
  ConvTranspose2dSteps<double> steps;  // by the recipe
  double difference = 0;               // of recipe and phases from the definition
  double allowed = 0;                  // rounding of the additions, which come in other orders
};

Computed compute(const ExplainedLayer& layer) {
  if (layer.params.groups != 1) fail(ErrorCode::input, "explain shows a layer without groups");
  for (const Tensor<double>* t : {&layer.input, &layer.weight}) {
    if (t->count() > kMostValues) {
      fail(ErrorCode::input, "a tensor of shape {} has too much to be looked at; up to {} values are shown",
           to_string(t->shape()), kMostValues);
    }
  }
  Computed c{conv_transpose2d_reference(layer.input, layer.weight, layer.bias, layer.params),
             conv_transpose2d_slides(layer.input, layer.weight, layer.bias, layer.params)};
  if (c.output.count() > 4 * kMostValues) {
    fail(ErrorCode::input, "an output of shape {} has too much to be looked at", to_string(c.output.shape()));
  }
  // Each phase is a sum of the taps that meet an input pixel.
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  for (int64_t o = 0; o < out.c; ++o) {
    for (int64_t y = 0; y < out.h; ++y) {
      for (int64_t x = 0; x < out.w; ++x) {
        double sum = layer.bias.empty() ? 0 : layer.bias[o], magnitude = std::abs(sum);
        for (int64_t i = 0; i < in.c; ++i) {
          for (int64_t ky = 0; ky < w.h; ++ky) {
            const int64_t sy = y + p.padding.h - ky * p.dilation.h;
            if (sy < 0 || sy % p.stride.h != 0 || sy / p.stride.h >= in.h) continue;
            for (int64_t kx = 0; kx < w.w; ++kx) {
              const int64_t sx = x + p.padding.w - kx * p.dilation.w;
              if (sx < 0 || sx % p.stride.w != 0 || sx / p.stride.w >= in.w) continue;
              const double term = layer.input(0, i, sy / p.stride.h, sx / p.stride.w) * layer.weight(i, o, ky, kx);
              sum += term;
              magnitude += std::abs(term);
            }
          }
        }
        c.difference = std::max({c.difference, std::abs(sum - c.output(0, o, y, x)),
                                 std::abs(c.steps.output(0, o, y, x) - c.output(0, o, y, x))});
        c.allowed = std::max(c.allowed, 1e-12 * magnitude);
      }
    }
  }
  if (!(c.difference <= c.allowed)) {
    fail(ErrorCode::input, "the recipe and the definition differ by {}; is a value not finite?", c.difference);
  }
  return c;
}

nlohmann::json data_of(const ExplainedLayer& layer) {
  const Computed c = compute(layer);
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  const auto pair = [](const Pair& v) { return std::vector<int64_t>{v.h, v.w}; };
  return {{"title", operator_text(layer)},
          {"subtitle", fmt::format("{} becomes {}", to_string(in), to_string(out))},
          {"formula", size_formula(layer, out)},
          {"difference", c.difference},
          {"allowed", c.allowed},
          {"layer",
           {{"input", layer.input.values()},
            {"input_shape", {in.c, in.h, in.w}},
            {"weight", layer.weight.values()},
            {"kernel", {w.h, w.w}},
            {"bias", layer.bias},
            {"output", c.output.values()},
            {"output_shape", {out.c, out.h, out.w}},
            {"stride", pair(p.stride)},
            {"padding", pair(p.padding)},
            {"output_padding", pair(p.output_padding)},
            {"dilation", pair(p.dilation)}}}};
}

std::string page_of(const nlohmann::json& data) {
  return fill_page({reinterpret_cast<const char*>(kExplainPage), kExplainPageSize}, data);
}

std::string number(double v) {
  const std::string text = fmt::format("{:.4g}", v);
  return text == "-0" ? "0" : text;
}

/// A plane with its columns aligned.
std::string matrix(const Tensor<double>& t, int64_t n, int64_t c) {
  size_t width = 0;
  const Shape s = t.shape();
  for (int64_t i = 0; i < s.h * s.w; ++i) width = std::max(width, number(t.plane(n, c)[i]).size());
  std::string text;
  for (int64_t y = 0; y < s.h; ++y) {
    text += ' ';
    for (int64_t x = 0; x < s.w; ++x) text += fmt::format(" {:>{}}", number(t(n, c, y, x)), width);
    text += '\n';
  }
  return text;
}

/// The middle of a picture, up to `side` pixels a side.
template <class T>
Tensor<T> middle(const Tensor<T>& t, int64_t side) {
  const Shape s = t.shape();
  const int64_t h = std::min(s.h, side), w = std::min(s.w, side), top = (s.h - h) / 2, left = (s.w - w) / 2;
  return pad2d(t, {-top, h + top - s.h, -left, w + left - s.w}, PaddingMode::zeros);
}

struct ExplainedNetwork {
  std::vector<FeatureMap<float>> maps;
  ExplainedLayer tail;
};

ExplainedNetwork explain_network(const Model& model, const Tensor<float>& luma) {
  if (model.tail != Tail::deconvolution) {
    fail(ErrorCode::model, "this network's last layer is a convolution with depth to space, not a deconvolution");
  }
  ExplainedNetwork network{reference_feature_maps(model, middle(luma, kPart)), {}};
  const Tensor<float> mid = middle(network.maps[network.maps.size() - 3].values, kTailPart);
  const Layer& last = model.layers.back();
  network.tail.input = Tensor<double>(mid.shape(), {mid.values().begin(), mid.values().end()});
  network.tail.weight = Tensor<double>(last.weight.shape(), {last.weight.values().begin(), last.weight.values().end()});
  network.tail.bias.assign(last.bias.begin(), last.bias.end());
  network.tail.params = model.deconvolution_params();
  network.tail.params.padding = {4, 4};  // of a part of its middle, where no border is
  return network;
}

std::pair<float, float> range_of(const Tensor<float>& t) {
  const auto [low, high] = std::minmax_element(t.values().begin(), t.values().end());
  return {*low, *high};
}

}  // namespace

ExplainedLayer slides_example() {
  return {.input = Tensor<double>({1, 1, 3, 3}, {1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8}),
          .weight = Tensor<double>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}),
          .params = {.stride = {2, 2}, .padding = {1, 1}, .output_padding = {1, 1}}};
}

std::string explain_html(const ExplainedLayer& layer) { return page_of(data_of(layer)); }

std::string explain_html(const Model& model, const Tensor<float>& luma, const std::string& name) {
  const ExplainedNetwork network = explain_network(model, luma);
  nlohmann::json data = data_of(network.tail);
  data["subtitle"] =
      fmt::format("The last layer of FSRCNN({}, {}, {}) on {} of the features of {}; below, on every feature map",
                  model.d, model.s, model.m, to_string(network.tail.input.shape()), name);
  data["maps_note"] = fmt::format(
      "Of the middle of {}, up to {} pixels a side. Each map is shown from its smallest value (black) to its largest "
      "(white).",
      name, kPart);
  data["maps"] = nlohmann::json::array();
  for (const FeatureMap<float>& map : network.maps) {
    if (map.step == "convolution" || map.step == "deconvolution") continue;
    const auto [low, high] = range_of(map.values);
    // Each map by its own range: a layer's strongest would leave the others gray.
    std::string pixels;
    const int64_t size = map.values.shape().h * map.values.shape().w;
    for (int64_t c = 0; c < map.values.shape().c; ++c) {
      const float* values = map.values.plane(0, c);
      const auto [least, most] = std::minmax_element(values, values + size);
      for (int64_t i = 0; i < size; ++i) {
        pixels += static_cast<char>(std::lround(255 * (values[i] - *least) / std::max(*most - *least, 1e-9F)));
      }
    }
    const Shape s = map.values.shape();
    data["maps"].push_back({{"title", fmt::format("{}, after {}", map.layer, map.step)},
                            {"note", fmt::format("{}, from {:.4g} to {:.4g}", to_string(s), low, high)},
                            {"channels", s.c},
                            {"height", s.h},
                            {"width", s.w},
                            {"pixels", base64(as_bytes(pixels))}});
  }
  return page_of(data);
}

std::string explain_text(const ExplainedLayer& layer) {
  const Computed c = compute(layer);
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  std::string text = operator_text(layer) + "\n\n1. The size of the output\n";
  for (const std::string& line : size_formula(layer, out)) text += "  " + line + "\n";
  const char* of_channel = in.c > 1 ? " (input channel 0)" : "";
  text += fmt::format("\n2. The input{}\n{}", of_channel, matrix(layer.input, 0, 0));
  text += fmt::format("\n3. {} zero row(s) and {} zero column(s) inserted between its pixels\n{}", p.stride.h - 1,
                      p.stride.w - 1, matrix(c.steps.zeros_inserted, 0, 0));
  text +=
      fmt::format("\n4. Padded by {} = {}*({} - 1) - {} around, and by output_padding {} at the bottom and right\n{}",
                  p.dilation.h * (w.h - 1) - p.padding.h, p.dilation.h, w.h, p.padding.h, p.output_padding.h,
                  matrix(c.steps.padded, 0, 0));
  text += fmt::format("\n5. The kernel, and turned by 180 degrees\n{}\n{}", matrix(layer.weight, 0, 0),
                      matrix(c.steps.kernel_turned, 0, 0));
  text += fmt::format("\n6. The output: the turned kernel moved over the padded input{}{}\n{}",
                      in.c > 1 ? fmt::format(", summed over {} channels", in.c) : "",
                      layer.bias.empty() ? "" : ", plus the bias", matrix(c.output, 0, 0));
  text += "\n7. The same by phases: no zero is ever multiplied\n";
  for (int64_t py = 0; py < p.stride.h; ++py) {
    for (int64_t px = 0; px < p.stride.w; ++px) {
      std::vector<int64_t> rows, columns;
      const auto divides = [](int64_t value, int64_t stride) { return ((value % stride) + stride) % stride == 0; };
      for (int64_t k = w.h; k-- > 0;) {
        if (divides(py + p.padding.h - k * p.dilation.h, p.stride.h)) rows.push_back(k);
      }
      for (int64_t k = w.w; k-- > 0;) {
        if (divides(px + p.padding.w - k * p.dilation.w, p.stride.w)) columns.push_back(k);
      }
      text += fmt::format("  output rows {}y+{}, columns {}x+{}: a kernel of {}x{}\n", p.stride.h, py, p.stride.w, px,
                          rows.size(), columns.size());
      if (rows.empty() || columns.empty()) continue;
      Tensor<double> phase({1, 1, static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size())});
      for (size_t y = 0; y < rows.size(); ++y)
        for (size_t x = 0; x < columns.size(); ++x)
          phase.data()[y * columns.size() + x] = layer.weight(0, 0, rows[y], columns[x]);
      text += matrix(phase, 0, 0);
    }
  }
  text += fmt::format("\nDefinition, recipe and phases agree on all {} outputs to {:.1g} (float64).\n",
                      c.output.count(), c.difference);
  return text;
}

std::string explain_text(const Model& model, const Tensor<float>& luma, const std::string& name) {
  const ExplainedNetwork network = explain_network(model, luma);
  std::string text = fmt::format("FSRCNN({}, {}, {}) on the middle of {}\n\n{:<20} {:<14} {:<20} {:>10} {:>10}\n",
                                 model.d, model.s, model.m, name, "layer", "step", "shape", "min", "max");
  for (const FeatureMap<float>& map : network.maps) {
    const auto [low, high] = range_of(map.values);
    text += fmt::format("{:<20} {:<14} {:<20} {:>10.4g} {:>10.4g}\n", map.layer, map.step,
                        to_string(map.values.shape()), low, high);
  }
  return text + "\nIts last layer, on a few pixels:\n\n" + explain_text(network.tail);
}

}  // namespace fsrcnn
