#include "porting/explain.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "network/describe.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/pad2d.hpp"
#include "page/page.hpp"
#include "porting/explain_pixel.hpp"
#include "porting/explain_steps.hpp"

namespace fsrcnn {

// Made by the build from explain.html.
extern const unsigned char kExplainPage[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kExplainPageSize;

namespace {

constexpr int64_t kPart = 64;     // pixels a side that are shown of a network, at least
constexpr int64_t kTailPart = 5;  // of what its last transposed convolution reads

std::string page_of(const nlohmann::json& data) {
  return fill_page({reinterpret_cast<const char*>(kExplainPage), kExplainPageSize}, data);
}

/// The pixel that was asked for, or another. Throws Error(usage) if there is none of that place.
Pair pixel_or(const std::optional<Pair>& at, const Pair& otherwise, int64_t height, int64_t width) {
  const Pair pixel = at.value_or(otherwise);
  if (pixel.h < 0 || pixel.w < 0 || pixel.h >= height || pixel.w >= width) {
    fail(ErrorCode::usage, "there is no pixel {},{}: the output has {} rows and {} columns, which are counted from 0",
         pixel.h, pixel.w, height, width);
  }
  return pixel;
}

Pair pixel_of(const std::optional<Pair>& at, const ExplainedLayer& layer) {
  const Shape output = conv_transpose2d_output_shape(layer.input.shape(), layer.weight.shape(),
                                                     static_cast<int64_t>(layer.bias.size()), layer.params);
  return pixel_or(at, {std::min<int64_t>(1, output.h - 1), std::min<int64_t>(1, output.w - 1)}, output.h, output.w);
}

/// Some rows and columns of a picture.
struct Part {
  int64_t top, left, height, width;
};

/// `side` rows and columns around a pixel, or all where there are not as many.
Part part_around(const Pair& pixel, const Shape& of, int64_t side) {
  const int64_t h = std::min(of.h, side), w = std::min(of.w, side);
  return {std::clamp<int64_t>(pixel.h - h / 2, 0, of.h - h), std::clamp<int64_t>(pixel.w - w / 2, 0, of.w - w), h, w};
}

template <class T>
Tensor<T> cut(const Tensor<T>& t, const Part& part) {
  const Shape s = t.shape();
  return pad2d(t, {-part.top, part.top + part.height - s.h, -part.left, part.left + part.width - s.w},
               PaddingMode::zeros);
}

/// A layer of a network on a part of a picture.
struct ShownLayer {
  Tensor<float> values;  // after its last step
  LayerPixel pixel;      // its place is that in the whole picture
  Pair mark;             // its place in values
};

struct ExplainedNetwork {
  std::vector<FeatureMap<float>> steps;
  std::vector<ShownLayer> layers;
  std::optional<ExplainedLayer> last = {};  // transposed convolution, on a part of its input
  Pair at_last = {0, 0};                    // the pixel in what that makes
};

/// The last transposed convolution on a few pixels of what it reads, around the pixel that is explained.
void explain_last(ExplainedNetwork& explained, const Layer& layer, const Tensor<float>& read, const Pair& mark) {
  ConvTranspose2dParams p = layer.conv_transpose;
  const Part part = part_around({mark.h / p.stride.h, mark.w / p.stride.w}, read.shape(), kTailPart);
  const Tensor<float> features = cut(read, part);
  // What is cut out has no border.
  p.padding.h -= layer.border * p.stride.h, p.padding.w -= layer.border * p.stride.w;
  explained.last = {
      .input = Tensor<double>(features.shape(), {features.values().begin(), features.values().end()}),
      .weight = Tensor<double>(layer.weight.shape(), {layer.weight.values().begin(), layer.weight.values().end()}),
      .bias = {layer.bias.begin(), layer.bias.end()},
      .params = p};
  explained.at_last = {mark.h - part.top * p.stride.h, mark.w - part.left * p.stride.w};
}

/// From the output back: the channel of each layer that leads to the pixel, until a layer mixes several.
void find_feeding_channels(const Network& network, std::vector<ShownLayer>& layers) {
  for (size_t i = layers.size(); i-- > 0;) {
    LayerPixel& pixel = layers[i].pixel;
    // The network's own channels are looked at by their results.
    if (i + 1 < layers.size() && !pixel.feeds) continue;
    const Layer& layer = network.layers[i];
    for (const int from : layer.inputs) {
      if (from == kNetworkInput) continue;
      LayerPixel& read = layers[static_cast<size_t>(from)].pixel;
      if (const auto channel = channel_read(layer, pixel, read.outputs, pixel.shown())) read.feeds = channel;
    }
  }
}

ExplainedNetwork explain_network(const Network& network, const Tensor<float>& input, const Pair& at) {
  // As much as the pixel depends on, so that it is what it is in the whole picture.
  const Part part =
      part_around({at.h / network.scale, at.w / network.scale}, input.shape(), std::max(kPart, 2 * network.halo() + 2));
  const Tensor<float> seen = cut(input, part);
  ExplainedNetwork explained;
  std::vector<Tensor<float>> values(network.layers.size());
  reference_network<float>(network, seen, [&](size_t layer, const std::string& step, const Tensor<float>& x) {
    explained.steps.push_back({network.layers[layer].name, step, x});
    // Of the network's output the clamp follows, which no layer reads.
    if (step != "clamp" || network.layers[layer].activation == Layer::Activation::clamp) values[layer] = x;
  });
  const std::vector<ValueShape> shapes = value_shapes(network);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const int64_t scale = shapes[i].scale;
    const Pair mark = {at.h * scale / network.scale - part.top * scale,
                       at.w * scale / network.scale - part.left * scale};
    std::vector<const Tensor<float>*> read;
    for (const int from : layer.inputs)
      read.push_back(from == kNetworkInput ? &seen : &values[static_cast<size_t>(from)]);
    ShownLayer shown{values[i], layer_pixel(layer, read, mark), mark};
    shown.pixel.at = {mark.h + part.top * scale, mark.w + part.left * scale};
    if (layer.op == Layer::Op::transposed_convolution) explain_last(explained, layer, *read[0], mark);
    explained.layers.push_back(std::move(shown));
  }
  find_feeding_channels(network, explained.layers);
  return explained;
}

Pair pixel_of(const std::optional<Pair>& at, const Network& network, const Tensor<float>& input) {
  const int64_t h = network.scale * input.shape().h, w = network.scale * input.shape().w;
  return pixel_or(at, {h / 2, w / 2}, h, w);
}

/// As a layer of a network.
Layer as_layer(const ExplainedLayer& layer) {
  Layer result{.op = Layer::Op::transposed_convolution};
  result.weight = Tensor<float>(layer.weight.shape(), {layer.weight.values().begin(), layer.weight.values().end()});
  result.bias.assign(layer.bias.begin(), layer.bias.end());
  result.conv_transpose = layer.params;
  return result;
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

std::string explain_html(const ExplainedLayer& layer, const std::optional<Pair>& at) {
  return page_of(steps_json(layer, pixel_of(at, layer)));
}

std::string explain_html(const Network& network, const Tensor<float>& input, const std::string& name,
                         const std::optional<Pair>& at) {
  const Pair pixel = pixel_of(at, network, input);
  const ExplainedNetwork explained = explain_network(network, input, pixel);
  nlohmann::json data;
  if (explained.last) {
    data = steps_json(*explained.last, explained.at_last);
    data["subtitle"] = fmt::format("The last transposed convolution, on {} of what it reads",
                                   to_string(explained.last->input.shape()));
  }
  data["network"] = fmt::format("{} on {}", family_of(network), name);
  data["network_note"] = fmt::format(
      "What makes output row {}, column {}: for each layer its feature maps around that pixel (framed), each from its "
      "smallest value (black) to its largest (white), and the sum that makes the pixel of one of them. Choose a map, "
      "or a "
      "number below it.",
      pixel.h, pixel.w);
  data["maps"] = nlohmann::json::array();
  for (size_t i = 0; i < explained.layers.size(); ++i) {
    const ShownLayer& shown = explained.layers[i];
    const Tensor<float>& map = shown.values;
    const auto [low, high] = range_of(map);
    // Each map by its own range: a layer's strongest would leave the others gray.
    std::string pixels;
    const Shape s = map.shape();
    for (int64_t c = 0; c < s.c; ++c) {
      const float* values = map.plane(0, c);
      const auto [least, most] = std::minmax_element(values, values + s.h * s.w);
      for (int64_t k = 0; k < s.h * s.w; ++k) {
        pixels += static_cast<char>(std::lround(255 * (values[k] - *least) / std::max(*most - *least, 1e-9F)));
      }
    }
    data["maps"].push_back({{"title", fmt::format("{}. {}", i + 1, network.layers[i].name)},
                            {"note", fmt::format("here {}, from {:.4g} to {:.4g}{}", to_string(s), low, high,
                                                 i + 1 == explained.layers.size() ? ", then clamped to 0 to 1" : "")},
                            {"channels", s.c},
                            {"height", s.h},
                            {"width", s.w},
                            {"mark", {shown.mark.h, shown.mark.w}},
                            {"pixels", base64(as_bytes(pixels))},
                            {"pixel", pixel_json(network.layers[i], shown.pixel)}});
  }
  return page_of(data);
}

std::string explain_text(const ExplainedLayer& layer, const std::optional<Pair>& at) {
  const Layer as_of_network = as_layer(layer);
  const Tensor<float> input(layer.input.shape(), {layer.input.values().begin(), layer.input.values().end()});
  const LayerPixel pixel = layer_pixel(as_of_network, {&input}, pixel_of(at, layer));
  return steps_text(layer, "\n8. One output pixel: input x kernel = product\n" + pixel_text(as_of_network, pixel));
}

std::string explain_text(const Network& network, const Tensor<float>& input, const std::string& name,
                         const std::optional<Pair>& at) {
  const Pair pixel = pixel_of(at, network, input);
  const ExplainedNetwork explained = explain_network(network, input, pixel);
  std::string text = fmt::format("{} on {}, around output row {}, column {}\n\n{:<20} {:<14} {:<20} {:>10} {:>10}\n",
                                 family_of(network), name, pixel.h, pixel.w, "layer", "step", "shape", "min", "max");
  for (const FeatureMap<float>& map : explained.steps) {
    const auto [low, high] = range_of(map.values);
    text += fmt::format("{:<20} {:<14} {:<20} {:>10.4g} {:>10.4g}\n", map.layer, map.step,
                        to_string(map.values.shape()), low, high);
  }
  for (size_t i = 0; i < explained.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const LayerPixel& p = explained.layers[i].pixel;
    text += fmt::format("\n{}. {}\n  {}\n{}", i + 1, layer.name, layer_text(layer, p), pixel_text(layer, p));
    if (i + 1 == explained.layers.size()) text += "  The network's output is clamped to 0 to 1.\n";
  }
  if (!explained.last) return text;
  return text + "\nThe last transposed convolution, step by step on a few pixels of what it reads:\n\n" +
         steps_text(*explained.last);
}

}  // namespace fsrcnn
