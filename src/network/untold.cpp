#include "network/untold.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

using Op = Layer::Op;
using Activation = Layer::Activation;

bool is_square(const Layer& layer, int64_t k) { return layer.weight.shape().h == k && layer.weight.shape().w == k; }

bool all_begin(const StateDict& state_dict, const char* prefix) {
  return std::all_of(state_dict.tensors.begin(), state_dict.tensors.end(),
                     [&](const NamedTensor& t) { return t.name.starts_with(prefix); });
}

bool has_srvgg_names(const StateDict& state_dict) {
  return all_begin(state_dict, "body.") && state_dict.find("body.0.weight") != nullptr &&
         state_dict.find("body.2.weight") != nullptr;
}

bool has_ecbsr_names(const StateDict& state_dict) {
  return all_begin(state_dict, "backbone.") && state_dict.find("backbone.0.conv3x3.weight") != nullptr;
}

/// Rebuilds a chain of convolutions with additions, which tensors do not show.
class SkipBuilder {
 public:
  explicit SkipBuilder(Network& network) : network_(network), row_(std::move(network.layers)) {
    row_.pop_back();  // depth to space
    network_.layers.clear();
  }
  size_t size() const { return row_.size(); }
  /// The next convolution, reading this.
  int convolve(int input) {
    row_[at_].inputs = {input};
    return push(std::move(row_[at_++]));
  }
  int add(int a, int b) { return push({.op = Op::add, .inputs = {a, b}}); }
  int shuffle(int input) { return push({.op = Op::depth_to_space, .inputs = {input}, .factor = network_.scale}); }
  int nearest() { return push({.op = Op::interpolate, .inputs = {kNetworkInput}, .factor = network_.scale}); }
  /// The input, each of its channels scale * scale times; of one channel addition does it by itself.
  int copies() {
    const int64_t channels = network_.channels(), phases = network_.scale * network_.scale;
    if (channels == 1) return kNetworkInput;
    Layer layer{.inputs = {kNetworkInput}, .weight = Tensor<float>({channels * phases, channels, 1, 1})};
    for (int64_t o = 0; o < channels * phases; ++o) layer.weight(o, o / phases, 0, 0) = 1;
    return push(std::move(layer));
  }

 private:
  int push(Layer layer) {
    network_.layers.push_back(std::move(layer));
    return static_cast<int>(network_.layers.size()) - 1;
  }
  Network& network_;
  std::vector<Layer> row_;
  size_t at_ = 0;
};

/// The names of tensors in other families' implementations, and kernel sizes, determine what is added where.
void add_known_skips(Network& network, const StateDict& state_dict) {
  const auto& layers = network.layers;
  const size_t count = layers.size() - 1;
  if (layers.back().op != Op::depth_to_space || count < 3) return;
  const auto all_square = [&](size_t begin, size_t end, int64_t k) {
    return begin < end &&
           std::all_of(layers.begin() + static_cast<ptrdiff_t>(begin), layers.begin() + static_cast<ptrdiff_t>(end),
                       [&](const Layer& l) { return is_square(l, k); });
  };
  // If names determine the family, the note about chained layers is redundant.
  const auto note = [&](const char* family, const char* skips, bool by_names = false) {
    if (by_names) std::erase_if(network.notes, [](const std::string& n) { return n.find("PReLU slopes;") == n.npos; });
    network.notes.push_back(fmt::format("read as {}: {}", family, skips));
  };
  const bool all_3x3 = all_square(0, count, 3), first_5x5 = all_square(0, 1, 5);
  if (has_srvgg_names(state_dict) && all_3x3) {
    SkipBuilder build(network);
    int x = kNetworkInput;
    for (size_t i = 0; i < count; ++i) x = build.convolve(x);
    x = build.shuffle(x);
    build.add(x, build.nearest());
    note("SRVGGNetCompact", "the input, interpolated by nearest, is added at the end", true);
  } else if (has_ecbsr_names(state_dict) && all_3x3) {
    SkipBuilder build(network);
    int x = kNetworkInput;
    for (size_t i = 0; i < count; ++i) x = build.convolve(x);
    build.shuffle(build.add(x, build.copies()));
    note("ECBSR", "the input is added before depth to space", true);
  } else if (first_5x5 && all_square(1, count - 1, 3) && all_square(count - 1, count, 5)) {
    SkipBuilder build(network);
    const int first = build.convolve(kNetworkInput);
    int x = first;
    for (size_t i = 1; i + 1 < count; ++i) x = build.convolve(x);
    x = build.convolve(build.add(x, first));
    build.shuffle(build.add(x, build.copies()));
    note("SESR", "the first layer's output is added before the last layer, and the input before depth to space");
  } else if (count >= 4 && first_5x5 && all_square(1, count - 2, 3) && all_square(count - 2, count - 1, 1) &&
             layers[0].out_channels() == layers[count - 2].out_channels()) {
    SkipBuilder build(network);
    const int first = build.convolve(kNetworkInput);
    int x = first;
    for (size_t i = 1; i + 1 < count; ++i) x = build.convolve(x);
    build.shuffle(build.convolve(build.add(x, first)));
    note("FSRCNNX", "the first layer's output is added before the last layer");
  }
}

/// Without PReLUs, assumes the activation of most networks of this form.
void assume_activations(Network& network) {
  const bool none = std::all_of(network.layers.begin(), network.layers.end(),
                                [](const Layer& l) { return l.activation == Activation::none; });
  if (!none) return;
  std::vector<Layer*> convolutions;
  for (Layer& layer : network.layers) {
    if (layer.op == Op::convolution) convolutions.push_back(&layer);
  }
  const bool deconvolution = network.layers.back().op == Op::transposed_convolution;
  if (!deconvolution && !convolutions.empty()) convolutions.pop_back();
  // ESPCN's own is tanh; the form of four convolutions in PyTorch's examples has ReLU.
  const bool espcn =
      !deconvolution && convolutions.size() == 2 && is_square(*convolutions[0], 5) && is_square(*convolutions[1], 3);
  for (Layer* layer : convolutions) layer->activation = espcn ? Activation::tanh : Activation::relu;
  network.notes.push_back(fmt::format("it has no PReLU slopes; {} was assumed after every convolution but the last",
                                      espcn ? "tanh, as in ESPCN," : "ReLU"));
}

}  // namespace

bool has_known_names(const StateDict& state_dict) { return has_srvgg_names(state_dict) || has_ecbsr_names(state_dict); }

void assume_untold(Network& network, const StateDict& state_dict) {
  assume_activations(network);
  add_known_skips(network, state_dict);
}

}  // namespace fsrcnn
