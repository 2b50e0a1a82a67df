#include "support/networks.hpp"

#include <cmath>

#include "support/golden.hpp"

namespace fsrcnn::test {

int64_t NetworkBuilder::channels_of(int layer) const {
  return layer == kNetworkInput ? network.channels() : channels_[static_cast<size_t>(layer)];
}

int NetworkBuilder::put(Layer layer, int from) {
  const int index = static_cast<int>(network.layers.size());
  if (layer.inputs.empty()) layer.inputs = {from == kBefore ? index - 1 : from};
  layer.name = fmt::format("layer {}", index);
  network.layers.push_back(std::move(layer));
  return index;
}

int NetworkBuilder::convolution(int64_t out, int64_t kernel, int from, PaddingMode mode, int64_t dilation,
                                int64_t groups) {
  Layer layer;
  const int input = from == kBefore ? static_cast<int>(network.layers.size()) - 1 : from;
  const int64_t in = channels_of(input) / groups, padding = dilation * (kernel / 2);
  const float bound = 1.7F / std::sqrt(static_cast<float>(in * kernel * kernel));
  layer.weight = random_tensor({out, in, kernel, kernel}, ++seed_, -bound, bound);
  layer.bias = random_tensor({1, 1, 1, out}, ++seed_, -0.2F, 0.2F).values();
  layer.conv = {
      .padding = {padding, padding}, .dilation = {dilation, dilation}, .groups = groups, .padding_mode = mode};
  channels_.push_back(out);
  return put(std::move(layer), from);
}

int NetworkBuilder::transposed_convolution(int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                                           int64_t output_padding, int from) {
  Layer layer;
  layer.op = Layer::Op::transposed_convolution;
  const int input = from == kBefore ? static_cast<int>(network.layers.size()) - 1 : from;
  const int64_t in = channels_of(input);
  const float bound = static_cast<float>(stride) / std::sqrt(static_cast<float>(in * kernel * kernel));
  layer.weight = random_tensor({in, out, kernel, kernel}, ++seed_, -bound, bound);
  layer.bias = random_tensor({1, 1, 1, out}, ++seed_, 0.3F, 0.5F).values();
  layer.conv_transpose = {
      .stride = {stride, stride}, .padding = {padding, padding}, .output_padding = {output_padding, output_padding}};
  channels_.push_back(out);
  return put(std::move(layer), from);
}

int NetworkBuilder::depth_to_space(int64_t factor, int from) {
  Layer layer;
  layer.op = Layer::Op::depth_to_space;
  layer.factor = factor;
  const int input = from == kBefore ? static_cast<int>(network.layers.size()) - 1 : from;
  channels_.push_back(channels_of(input) / (factor * factor));
  return put(std::move(layer), from);
}

int NetworkBuilder::add(int a, int b) {
  Layer layer;
  layer.op = Layer::Op::add;
  layer.inputs = {a, b};
  channels_.push_back(std::max(channels_of(a), channels_of(b)));
  return put(std::move(layer), kBefore);
}

int NetworkBuilder::interpolate(Interpolation mode, int64_t factor, int from) {
  Layer layer;
  layer.op = Layer::Op::interpolate;
  layer.interpolation = mode;
  layer.factor = factor;
  const int input = from == kBefore ? static_cast<int>(network.layers.size()) - 1 : from;
  channels_.push_back(channels_of(input));
  return put(std::move(layer), from);
}

NetworkBuilder& NetworkBuilder::with(Layer::Activation activation, float low, float high) {
  Layer& layer = network.layers.back();
  layer.activation = activation;
  layer.low = low;
  layer.high = high;
  if (activation == Layer::Activation::prelu) {
    layer.slope = random_tensor({1, 1, 1, channels_.back()}, ++seed_, -0.5F, 1.5F).values();
  }
  return *this;
}

Network NetworkBuilder::finish() {
  // The scale is what the layers make.
  for (network.scale = 1; network.scale <= 8; ++network.scale) {
    if (error_of([&] { check_network(network, "test"); }) == "no error") return network;
  }
  network.scale = 1;
  check_network(network, "test");
  return network;
}

std::vector<NamedNetwork> other_networks() {
  using enum Layer::Activation;
  using enum Interpolation;
  constexpr PaddingMode kReplicate = PaddingMode::replicate;
  std::vector<NamedNetwork> networks;
  const auto add = [&](const char* name, Colours colours, const auto& build) {
    NetworkBuilder b(colours, 100 * static_cast<uint32_t>(networks.size() + 1));
    build(b);
    networks.push_back({name, b.finish()});
  };
  add("ESPCN x3, tanh", Colours::luma, [](NetworkBuilder& b) {
    b.convolution(9, 5), b.with(tanh);
    b.convolution(6, 3), b.with(tanh);
    b.convolution(9, 3), b.depth_to_space(3);
  });
  add("SESR x2", Colours::luma, [](NetworkBuilder& b) {
    const int first = b.convolution(16, 5);
    b.with(prelu);
    for (int i = 0; i < 3; ++i) b.convolution(16, 3), b.with(prelu);
    b.add(static_cast<int>(b.network.layers.size()) - 1, first);
    const int last = b.convolution(4, 5);
    b.add(last, kNetworkInput);
    b.depth_to_space(2);
  });
  add("SESR x4, twice depth to space", Colours::luma, [](NetworkBuilder& b) {
    const int first = b.convolution(7, 5);
    b.with(relu);
    const int mid = b.convolution(7, 3);
    b.with(relu);
    b.add(first, mid);
    const int last = b.convolution(16, 5);
    b.add(kNetworkInput, last);
    b.depth_to_space(2);
    b.depth_to_space(2);
  });
  add("SRVGGNetCompact(13, 3) x2", Colours::rgb, [](NetworkBuilder& b) {
    for (int i = 0; i < 4; ++i) b.convolution(13, 3), b.with(prelu);
    b.convolution(12, 3);
    const int large = b.depth_to_space(2);
    b.add(large, b.interpolate(nearest, 2, kNetworkInput));
  });
  add("a deep one, x4", Colours::rgb, [](NetworkBuilder& b) {
    for (int i = 0; i < 13; ++i) b.convolution(5, 3), b.with(prelu);
    b.convolution(48, 3);
    const int large = b.depth_to_space(4);
    b.add(b.interpolate(nearest, 4, kNetworkInput), large);
  });
  add("FSRCNNX x2", Colours::luma, [](NetworkBuilder& b) {
    const int feature = b.convolution(8, 5);
    for (int i = 0; i < 3; ++i) b.convolution(8, 3), b.with(prelu);
    const int mapped = b.convolution(8, 1);
    b.add(mapped, feature), b.with(prelu);
    b.convolution(4, 3);
    b.depth_to_space(2);
  });
  for (const Interpolation mode : {bilinear, bicubic}) {
    for (const int64_t scale : {2, 3}) {
      add(fmt::format("FSRCNN x{} and {} interpolation", scale, mode == bilinear ? "bilinear" : "bicubic").c_str(),
          Colours::luma, [&](NetworkBuilder& b) {
            b.convolution(10, 5), b.with(prelu);
            b.convolution(4, 1), b.with(prelu);
            b.convolution(4, 3), b.with(prelu);
            b.convolution(10, 1), b.with(prelu);
            const int large = b.transposed_convolution(1, 9, scale, 4, scale - 1);
            b.add(large, b.interpolate(mode, scale, kNetworkInput));
          });
    }
  }
  add("FSRCNN of three channels", Colours::rgb, [](NetworkBuilder& b) {
    b.convolution(10, 5), b.with(prelu);
    b.convolution(4, 1), b.with(prelu);
    b.convolution(4, 3), b.with(prelu);
    b.convolution(10, 1), b.with(prelu);
    b.transposed_convolution(3, 9, 2, 4, 1);
  });
  add("every padding, and a skip", Colours::luma, [](NetworkBuilder& b) {
    const int first = b.convolution(6, 3, NetworkBuilder::kBefore, kReplicate);
    b.with(prelu);
    const int a = b.convolution(6, 3, first);
    b.with(prelu);
    const int c = b.convolution(6, 5, first, kReplicate);
    b.with(clamp, -0.2F, 0.6F);
    b.add(a, c), b.with(prelu);
    b.transposed_convolution(1, 4, 2, 1, 0);
  });
  add("kernels of every size", Colours::luma, [](NetworkBuilder& b) {
    b.convolution(3, 7), b.with(relu);
    b.convolution(17, 1), b.with(prelu);
    b.convolution(2, 9, NetworkBuilder::kBefore, kReplicate), b.with(tanh);
    b.convolution(5, 3, NetworkBuilder::kBefore, PaddingMode::zeros, 2), b.with(prelu);
    b.transposed_convolution(1, 8, 4, 2, 0), b.with(prelu);
  });
  add("at the larger size, too", Colours::luma, [](NetworkBuilder& b) {
    b.convolution(4, 3), b.with(prelu);
    b.interpolate(nearest, 2);
    b.convolution(4, 3), b.with(prelu);
    b.convolution(1, 3);
  });
  add("groups", Colours::rgb, [](NetworkBuilder& b) {
    b.convolution(6, 3), b.with(prelu);
    b.convolution(6, 3, NetworkBuilder::kBefore, PaddingMode::zeros, 1, 6), b.with(relu);
    b.convolution(12, 1);
    b.depth_to_space(2);
  });
  add("a picture of the same size", Colours::luma, [](NetworkBuilder& b) {
    b.convolution(5, 3), b.with(prelu);
    const int last = b.convolution(1, 3);
    b.add(last, kNetworkInput);
  });
  add("nothing but an interpolation", Colours::rgb, [](NetworkBuilder& b) { b.interpolate(bicubic, 3); });
  add("the input itself, with each layer added twice", Colours::luma, [](NetworkBuilder& b) {
    const int a = b.convolution(4, 3);
    const int twice = b.add(a, a);
    b.with(prelu);
    b.add(twice, kNetworkInput);
    b.depth_to_space(2);
  });
  return networks;
}

Network random_network(int64_t d, int64_t s, int64_t m, int64_t scale, uint32_t seed) {
  Network network{.family = fmt::format("FSRCNN({}, {}, {})", d, s, m), .scale = scale};
  const auto add = [&](const std::string& name, const Shape& weight, double inputs, double gain,
                       const std::string& key) {
    Layer layer;
    layer.name = name;
    layer.key = key;
    layer.inputs = {static_cast<int>(network.layers.size()) - 1};
    const float bound = static_cast<float>(gain / std::sqrt(inputs));
    layer.weight = random_tensor(weight, ++seed, -bound, bound);
    network.layers.push_back(std::move(layer));
  };
  const auto convolution = [&](const std::string& name, int64_t out, int64_t in, int64_t k, const std::string& part,
                               int64_t index) {
    add(name, {out, in, k, k}, static_cast<double>(in * k * k), 1.7, fmt::format("{}.{}", part, index));
    Layer& layer = network.layers.back();
    layer.activation_key = fmt::format("{}.{}", part, index + 1);
    layer.bias = random_tensor({1, 1, 1, out}, ++seed, -0.2F, 0.2F).values();
    layer.conv.padding = {k / 2, k / 2};
    layer.activation = Layer::Activation::prelu;
    layer.slope = random_tensor({1, 1, 1, out}, ++seed, -0.5F, 1.5F).values();
  };
  convolution("feature extraction", d, 1, 5, "first_part", 0);
  convolution("shrinking", s, d, 1, "mid_part", 0);
  for (int64_t i = 1; i <= m; ++i) convolution(fmt::format("mapping {}", i), s, s, 3, "mid_part", 2 * i);
  convolution("expanding", d, s, 1, "mid_part", 2 * m + 2);
  // Of the deconvolution's taps a phase has one in scale^2.
  add("deconvolution", {d, 1, 9, 9}, static_cast<double>(d * 81) / static_cast<double>(scale * scale), 0.3,
      "last_part");
  Layer& tail = network.layers.back();
  tail.op = Layer::Op::transposed_convolution;
  tail.bias = {0.5F};
  tail.conv_transpose = {.stride = {scale, scale}, .padding = {4, 4}, .output_padding = {scale - 1, scale - 1}};
  check_network(network, "random");
  return network;
}

Network residual_network(Colours colours, int64_t features, int64_t convolutions, int64_t scale, uint32_t seed) {
  NetworkBuilder b(colours, seed);
  b.network.family = fmt::format("SRVGGNetCompact({}, {})", features, convolutions);
  for (int64_t i = 0; i <= convolutions; ++i) b.convolution(features, 3), b.with(Layer::Activation::prelu);
  const int last = b.convolution(b.network.channels() * scale * scale, 3);
  for (float& w : b.network.layers.back().weight.values()) w *= 0.1F;
  for (float& v : b.network.layers.back().bias) v *= 0.1F;
  const int detail = b.depth_to_space(scale), base = b.interpolate(Interpolation::nearest, scale, kNetworkInput);
  const int sum = b.add(detail, base);
  Network network = b.finish();
  for (int i = 0; i <= last; ++i) network.layers[static_cast<size_t>(i)].name = fmt::format("convolution {}", i + 1);
  network.layers[static_cast<size_t>(detail)].name = "depth to space";
  network.layers[static_cast<size_t>(base)].name = "base";
  network.layers[static_cast<size_t>(sum)].name = "sum";
  return network;
}

Network last_layer_of(const Network& network) {
  Network last = network;
  last.layers = {network.layers.back()};
  last.layers[0].inputs = {kNetworkInput};
  return last;
}

}  // namespace fsrcnn::test
